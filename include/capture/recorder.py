"""Lands what a capture receives: messages verbatim, and beside them the journal of the connection."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from include.capture.group_commit import GroupCommit
from include.landing import TRADES, LandingWriter, event_line, message_lines, timestamp

log = logging.getLogger(__name__)

_TROUBLE_LOG_SECONDS = 60.0


class Recorder:
    """Writes at once, syncs in groups, and holds back while the disk refuses.

    To be used inside a running event loop, by one task at a time.

    Args:
        root: LANDING_ROOT.
        name: What captures; becomes part of the file name.
        clock: Tells the time, UTC.
        retry_seconds: Between two attempts to write to a disk that refused.

    Attributes:
        is_connected: Whether the journal says so.
        messages: Received since the start.
        last_received_at: When the last of them came, UTC.
        alive_at: Last proof of life of the connection, by a message, a pong or the handshake, UTC.
        proofs: How many such proofs there were.
    """

    def __init__(
        self, root: Path, name: str, clock: Callable[[], datetime], retry_seconds: float = 1.0
    ) -> None:
        self.is_connected = False
        self.messages = 0
        self.last_received_at: datetime | None = None
        self.alive_at = clock()
        self.proofs = 0
        self._clock = clock
        self._retry_seconds = retry_seconds
        self._loop = asyncio.get_running_loop()
        self._writer = LandingWriter(root, TRADES, name, lambda: {"connected": self.is_connected})
        self._commit = GroupCommit(self._writer.sync, self._sync_failed)
        self._sync_trouble_until = 0.0
        self._batch: list[bytes] = []
        self._batch_at = self.alive_at
        self._writable = asyncio.Event()
        self._writable.set()
        self._retrying: asyncio.Task[None] | None = None

    @property
    def is_blocked(self) -> bool:
        """Whether the disk refuses: nothing more should be read from the exchange until `writable`."""
        return not self._writable.is_set()

    async def writable(self) -> None:
        """Waits until the disk takes what it refused."""
        await self._writable.wait()

    async def open(self) -> None:
        """Opens the first file with a heartbeat, so that no message ever comes without a place to go."""
        quiet_until = 0.0
        while True:
            try:
                now = self._clock()
                self._append(self._heartbeat_line(now), now)
                return
            except OSError as error:
                if self._loop.time() >= quiet_until:
                    log.error("cannot open a landing file: %s; mend it, the attempts go on", error)
                    quiet_until = self._loop.time() + _TROUBLE_LOG_SECONDS
            await asyncio.sleep(self._retry_seconds)

    def message(self, payload: bytes) -> None:
        """Takes a message.

        It is written when the event loop turns next, together with those that the library had received in
        the same read: a microsecond later, and before any of them could meet anything else.
        """
        if not self._batch:
            self._batch_at = self._clock()
            self._loop.call_soon(self._write_batch)
        self._batch.append(payload)

    def proof_of_life(self) -> None:
        """Notes that the connection is alive at this moment."""
        self.alive_at = self._clock()
        self.proofs += 1

    def connected(self, **details: object) -> None:
        """Notes a new connection."""
        self._event("connected", **details)
        self.is_connected = True
        self.proof_of_life()

    def disconnected(self, reason: str, *, noticed_at_once: bool) -> None:
        """Notes the end of the connection; unless it was noticed at once, it was alive until the last proof."""
        self._write_batch()
        now = self._clock()
        alive_until = now if noticed_at_once else self.alive_at
        line = event_line(now, "disconnected", reason=reason, alive_until=timestamp(alive_until))
        # into the file of the last proof of life: if the hour turned since, the next line opens the next file
        self._write(line, alive_until)
        self.is_connected = False

    def heartbeat(self) -> None:
        """Notes that this capture lives and, if connected, that the connection does: the caller has proof."""
        self._write_batch()
        now = self._clock()
        self._write(self._heartbeat_line(now), now)

    async def close(self) -> None:
        """Writes what is left, and the `closed` event."""
        self._write_batch()
        if self._retrying is not None:
            self._retrying.cancel()
            await asyncio.wait({self._retrying})
        self._commit.close()
        try:
            self._writer.close(self._clock())
        except OSError as error:
            log.critical("the disk refused the last lines of %s (%s): they are lost", self._writer.path, error)

    def _event(self, event: str, **details: object) -> None:
        self._write_batch()
        now = self._clock()
        self._write(event_line(now, event, **details), now)

    def _heartbeat_line(self, now: datetime) -> bytes:
        last = self.last_received_at
        return event_line(
            now,
            "heartbeat",
            connected=self.is_connected,
            messages=self.messages,
            last_received_at=None if last is None else timestamp(last),
        )

    def _write_batch(self) -> None:
        if self._batch:
            batch, self._batch = self._batch, []
            self._write(message_lines(self._batch_at, batch), self._batch_at)
            self.messages += len(batch)
            self.last_received_at = self.alive_at = self._batch_at
            self.proofs += 1

    def _write(self, lines: bytes, at: datetime) -> None:
        try:
            self._append(lines, at)
        except OSError as error:  # the writer keeps the lines
            if self._writable.is_set():
                self._writable.clear()
                self._retrying = self._loop.create_task(self._retry(error))

    def _append(self, lines: bytes, at: datetime) -> None:
        self._writer.append(lines, at)
        self._commit.request()

    async def _retry(self, error: OSError) -> None:
        since = self._loop.time()
        quiet_until = 0.0
        while True:
            if self._loop.time() >= quiet_until:
                log.error(
                    "cannot write %s: %s; make room, the attempts go on. Nothing is lost: reading has stopped",
                    self._writer.path,
                    error,
                )
                quiet_until = self._loop.time() + _TROUBLE_LOG_SECONDS
            await asyncio.sleep(self._retry_seconds)
            with contextlib.suppress(OSError):
                self._writer.flush()
                break
        self._writable.set()
        seconds = round(self._loop.time() - since, 3)
        log.warning("writing %s again after %.0f s", self._writer.path, seconds)
        self._event("write_failed", error=str(error.strerror or error), seconds=seconds)

    def _sync_failed(self, error: OSError) -> None:
        self._loop.call_soon_threadsafe(self._note_failed_sync, error)

    def _note_failed_sync(self, error: OSError) -> None:
        if self._loop.time() >= self._sync_trouble_until:
            self._sync_trouble_until = self._loop.time() + _TROUBLE_LOG_SECONDS
            log.error(
                "cannot sync %s: %s; a power cut would lose lines: check the disk", self._writer.path, error
            )
            self._event("sync_failed", error=str(error.strerror or error))
