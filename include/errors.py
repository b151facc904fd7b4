"""The two kinds of errors: those that a retry can resolve and those that it cannot."""


class TransientError(Exception):
    """A retry may succeed: the network, a busy server, a lock."""


class TerminalError(Exception):
    """A retry cannot succeed until somebody changes something; the message says what."""
