"""Syncs a file in a thread of its own: at once, and one sync for all that arrived during the last."""

import threading
from collections.abc import Callable


class GroupCommit:
    """Runs `sync` soon after each request; requests made while one is in flight share the next.

    Args:
        sync: What makes written lines durable.
        failed: Called in this object's thread with the error of a sync that failed.
    """

    def __init__(self, sync: Callable[[], None], failed: Callable[[OSError], None]) -> None:
        self._sync = sync
        self._failed = failed
        self._wanted = threading.Event()
        self._ending = False
        self._thread = threading.Thread(target=self._run, name="group-commit", daemon=True)
        self._thread.start()

    def request(self) -> None:
        """Asks for what is written by now to be synced; does not wait."""
        self._wanted.set()

    def close(self, seconds: float = 1.0) -> None:
        """Ends the thread after a last sync, or gives up on a disk that does not answer."""
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
