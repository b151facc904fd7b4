"""How long a capture waits, and for what: every interval in one place, in seconds."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """All intervals of a capture, in seconds; tests shorten them.

    Attributes:
        heartbeat: Between two heartbeats, each of which pings the exchange. With `pong` it bounds how
            long a dead link stays unnoticed: 10 + 12 s of silence, below the 30 s that are promised.
        pong: How long after a ping neither a pong nor a message may come before the link counts as dead.
        open: For name look-up, TCP, TLS and the websocket handshake together.
        close: For the closing handshake; a stop has to be over well within 2 s.
        poll: Between two looks at the stop flag.
        retry_write: Between two attempts to write to a disk that refused.
        first_delay: Longest wait before the first reconnect. Short: what is sent meanwhile is gone.
        most_delay: Longest wait before any reconnect.
        steady: A connection that lasted this long was a good one even if it delivered nothing: the next attempt
            comes at once. Short: an exchange in trouble may close every few seconds for an hour.
        report: Between two lines of progress in the log.
    """

    heartbeat: float = 10.0
    pong: float = 12.0
    open: float = 10.0
    close: float = 0.5
    poll: float = 0.2
    retry_write: float = 1.0
    first_delay: float = 0.25
    most_delay: float = 30.0
    steady: float = 2.0
    report: float = 60.0

    def reconnect_delay(self, failures: int) -> float:
        """Seconds to wait after so many failures in a row: doubling up to `most_delay`, jittered downwards."""
        longest = min(self.most_delay, self.first_delay * 2.0 ** min(failures, 30))
        return longest * random.uniform(0.5, 1.0)
