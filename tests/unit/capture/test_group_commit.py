"""Group commit: a request is synced at once, and those made meanwhile share the next sync."""

import threading

from include.capture.group_commit import GroupCommit


class Disk:
    """A sync that takes as long as the test wants."""

    def __init__(self) -> None:
        self.started = threading.Semaphore(0)
        self.may_end = threading.Semaphore(0)
        self.syncs = 0
        self.error: OSError | None = None

    def sync(self) -> None:
        self.started.release()
        assert self.may_end.acquire(timeout=10)
        self.syncs += 1
        if self.error is not None:
            raise self.error


def test_requests_during_a_sync_share_the_next_one() -> None:
    disk = Disk()
    commit = GroupCommit(disk.sync, lambda _error: None)

    commit.request()
    assert disk.started.acquire(timeout=10)
    for _ in range(1000):
        commit.request()
    disk.may_end.release()
    assert disk.started.acquire(timeout=10), "what was requested during a sync must be synced after it"
    disk.may_end.release(100)
    commit.close()

    assert disk.syncs <= 3  # the first, the shared one, and the one of close


def test_a_failed_sync_is_reported_and_the_next_one_tried() -> None:
    disk = Disk()
    disk.may_end.release(100)
    disk.error = OSError(5, "Input/output error")
    errors: list[OSError] = []
    reported = threading.Semaphore(0)

    def failed(error: OSError) -> None:
        errors.append(error)
        reported.release()

    commit = GroupCommit(disk.sync, failed)
    for _ in range(2):
        commit.request()
        assert reported.acquire(timeout=10)
    commit.close()

    assert set(errors) == {disk.error}


def test_close_syncs_what_was_requested_last() -> None:
    disk = Disk()
    disk.may_end.release(100)
    commit = GroupCommit(disk.sync, lambda _error: None)
    commit.close()

    assert disk.syncs >= 1
