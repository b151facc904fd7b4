"""All intervals and timeouts of a capture instance, in seconds."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """All intervals and timeouts of a capture instance, in seconds; tests shorten them.

    Attributes:
        heartbeat: Interval of heartbeats, each of which pings the exchange. Together with `pong` it bounds how
            long a dead connection goes unnoticed: 10 + 12 s, below the promised 30 s.
        pong: Timeout of a ping: without a pong or a message in this time the connection counts as dead.
        open: Timeout of DNS, TCP, TLS and the websocket handshake together.
        close: Timeout of the closing handshake; a stop must take well under 2 s.
        poll: Interval of checks of the stop flag.
        retry_write: Between two attempts to write to a failing disk.
        first_delay: Longest wait before the first reconnect. Short, since messages sent meanwhile are missed.
        max_delay: Longest wait before any reconnect.
        steady: A connection that lasted this long resets the backoff even if it delivered nothing. Short, since
            a failing exchange may close every few seconds for an hour.
        report: Interval of progress messages in the log.
    """

    heartbeat: float = 10.0
    pong: float = 12.0
    open: float = 10.0
    close: float = 0.5
    poll: float = 0.2
    retry_write: float = 1.0
    first_delay: float = 0.25
    max_delay: float = 30.0
    steady: float = 2.0
    report: float = 60.0

    def reconnect_delay(self, failures: int) -> float:
        """Seconds to wait after this many consecutive failures: exponential up to `max_delay`, with jitter."""
        longest = min(self.max_delay, self.first_delay * 2.0 ** min(failures, 30))
        return longest * random.uniform(0.5, 1.0)

    def renewal_delay(self, max_silence_seconds: float) -> float:
        """Seconds of silence after which a connection is replaced.

        From the limit to one and a half times as much, so that two instances do not do it at the same moment.
        """
        return max_silence_seconds * random.uniform(1.0, 1.5)
