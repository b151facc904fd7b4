"""Group commit: a thread syncs the file; requests that arrive during a sync share the next one."""

import threading
from collections.abc import Callable


class GroupCommit:
    """Runs `sync` immediately after each request; requests made while one is running share the next.

    Args:
        sync: Makes written lines durable.
        failed: Called in this object's thread with the error of a failed sync.
    """

    def __init__(self, sync: Callable[[], None], failed: Callable[[OSError], None]) -> None:
        self._sync = sync
        self._failed = failed
        self._wanted = threading.Event()
        self._ending = False
        self._thread = threading.Thread(target=self._run, name="group-commit", daemon=True)
        self._thread.start()

    def request(self) -> None:
        """Requests a sync of what has been written so far; does not wait."""
        self._wanted.set()

    def close(self, seconds: float = 1.0) -> None:
        """Ends the thread after a last sync; stops waiting after this many seconds."""
        self._ending = True
        self._wanted.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        while not self._ending:
            self._wanted.wait()
            self._wanted.clear()
            try:
                self._sync()
            except OSError as error:
                self._failed(error)
