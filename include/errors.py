"""The two kinds of failure: one that a retry can heal and one that it cannot."""


class TransientError(Exception):
    """Trying again later may succeed: the network, a busy server, a lock."""


class TerminalError(Exception):
    """Trying again cannot succeed until a person changes something; the message says what."""
