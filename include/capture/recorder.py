"""Writes to landing files what a capture instance receives, and the journal of its connection."""

import asyncio
import contextlib
import logging
from datetime import datetime, timedelta
from pathlib import Path

from include.capture.clock import AnchoredClock, Step
from include.capture.group_commit import GroupCommit
from include.landing import TRADES, event_line, message_lines, timestamp
from include.landing_writer import LandingWriter

log = logging.getLogger(__name__)

_TROUBLE_LOG_SECONDS = 60.0

MAX_WRONG = timedelta(days=1)
"""A clock that is set right was wrong for so long at most: longer ago, what it said is believed."""


class Recorder:
    """Writes immediately, syncs by group commit, and blocks the receiver while the disk fails.

    Use it inside a running event loop, from one task at a time.

    Args:
        root: LANDING_ROOT.
        name: Name of the capture instance; part of the file name.
        clock: The time.
        retry_seconds: Between two attempts to write to a failing disk.

    Attributes:
        is_connected: Whether the journal says that the connection is up.
        messages: Number of messages received since the start.
        last_received_at: When the last message was received, UTC.
        alive_at: Last proof that the connection was alive: a message, a pong or the handshake, UTC.
        proofs: Number of such proofs.
        market: `Settings.landing_market`.
    """

    def __init__(
        self, root: Path, name: str, clock: AnchoredClock, retry_seconds: float = 1.0, market: str = ""
    ) -> None:
        self.is_connected = False
        self.messages = 0
        self.last_received_at: datetime | None = None
        self.alive_at, _ = clock.read()
        self.proofs = 0
        self._clock = clock
        self._retry_seconds = retry_seconds
        self._loop = asyncio.get_running_loop()
        self._writer = LandingWriter(root, TRADES, name, lambda: {"connected": self.is_connected}, market)
        self._commit = GroupCommit(self._writer.sync, self._sync_failed)
        self._sync_trouble_until = 0.0
        self._batch: list[bytes] = []
        self._batch_at = self.alive_at
        self._writable = asyncio.Event()
        self._writable.set()
        self._retrying: asyncio.Task[None] | None = None
        self._files: dict[Path, datetime] = {}  # files since the last clock step; time of their last line
        self._alive_before_step: datetime | None = None
        self._stepped_at = 0.0
        self._event_at = self.alive_at
        self._connected_at = self.alive_at
        self._behind = timedelta()  # how far steps back may have put the clock behind

    @property
    def is_blocked(self) -> bool:
        """Whether the disk fails: read nothing more from the exchange until `writable` returns."""
        return not self._writable.is_set()

    async def writable(self) -> None:
        """Waits until the pending lines are written."""
        await self._writable.wait()

    async def open(self) -> None:
        """Opens the first file, with a heartbeat, before any message can arrive; retries until it succeeds."""
        quiet_until = 0.0
        while True:
            try:
                now = self._now()
                self._append(self._heartbeat_line(now), now)
                return
            except OSError as error:
                if self._loop.time() >= quiet_until:
                    log.error("cannot open a landing file: %s; retrying", error)
                    quiet_until = self._loop.time() + _TROUBLE_LOG_SECONDS
            await asyncio.sleep(self._retry_seconds)

    def message(self, payload: bytes) -> None:
        """Queues a message to be written in the next iteration of the event loop.

        All messages of one socket read are written together, before anything else happens to any of them.
        """
        if not self._batch:
            self._batch_at = self._now()
            self._loop.call_soon(self._write_batch)
        self._batch.append(payload)

    def proof_of_life(self) -> None:
        """Records that the connection is alive now."""
        self.alive_at = self._now()
        self.proofs += 1

    def answered(self, latency_seconds: float) -> None:
        """Records a pong.

        The first pong to a ping sent after a clock step proves that the connection survived the step, so
        nothing was missed in the time that the clock skipped.
        """
        self.proof_of_life()
        since = self._alive_before_step
        if since is not None and self._loop.time() - latency_seconds >= self._stepped_at:
            self._alive_before_step = None
            if since < self.alive_at:
                self.heartbeat(connected_since=timestamp(since))

    def event(self, event: str, **details: object) -> None:
        """Records an event that says nothing about whether the connection is up."""
        self._write_batch()
        self._event_at = now = self._now()
        # the first lines of a file say that the connection is up, which this one does not prove
        self._write(event_line(now, event, **details), self.alive_at if self.is_connected else now)

    def connected(self, **details: object) -> None:
        """Records a new connection."""
        self.event("connected", **details)
        self.is_connected = True
        self.proof_of_life()
        self._connected_at = self.alive_at

    def disconnected(self, reason: str, *, noticed_at_once: bool, seconds_ago: float = 0.0) -> None:
        """Records the end of the connection.

        It was alive until so many seconds ago if `noticed_at_once`, else until the last proof of life.
        """
        self._write_batch()
        now = self._now()
        alive_until = self.alive_at
        if noticed_at_once:
            alive_until = max(alive_until, now - timedelta(seconds=seconds_ago))
        line = event_line(now, "disconnected", reason=reason, alive_until=timestamp(alive_until))
        # belongs to the file of the last proof of life; the next line opens that of a new hour
        self._write(line, alive_until)
        self.is_connected = False
        self._alive_before_step = None

    def heartbeat(self, **details: object) -> None:
        """Records that this instance is alive and, if connected, that its connection is."""
        self._write_batch()
        now = self._now()
        self._write(self._heartbeat_line(now, **details), now)

    async def close(self) -> None:
        """Writes pending messages and the `closed` event."""
        self._write_batch()
        if self._retrying is not None:
            self._retrying.cancel()
            await asyncio.wait({self._retrying})
        self._commit.close()
        try:
            self._writer.close(self._now())
        except OSError as error:
            log.critical("cannot write the last lines of %s (%s): they are lost", self._writer.path, error)

    def _now(self) -> datetime:
        now, step = self._clock.read()
        if step is not None and self._writer.path is not None:
            self._write_batch()
            self._follow(step)
            self._write(b"", now)  # opens the next file now, so that it begins where this one ended
        return now

    def _follow(self, step: Step) -> None:
        """Ends the file, since later lines use the new clock; lists the files with times that may be wrong."""
        log.warning("the clock was stepped by %+.3f s, from %s", step.by.total_seconds(), step.before)
        # a clock that is set back was ahead; one that is set forward after that was behind since then
        is_in_doubt = step.by < timedelta() or self._behind > timedelta()
        in_doubt_from = step.before - max(MAX_WRONG, 2 * abs(step.by))
        files = [
            path.relative_to(self._writer.root).as_posix()
            for path, until in self._files.items()
            if is_in_doubt and until > in_doubt_from
        ]
        line = event_line(step.before, "clock_stepped", seconds=step.by.total_seconds(), files=files)
        self._writer.end_file(*self._last_proof(step.before), line)
        self._files.clear()
        if self.is_connected:
            since = min(self._alive_before_step or self.alive_at, self.alive_at)
            since = min(since, since + step.by)
            self._connected_at += step.by
            # the old time of a clock that was behind says nothing about when this connection began
            self._alive_before_step = max(since, self._connected_at) if self._behind else since
            self._stepped_at = self._loop.time()
        self._behind = max(timedelta(), self._behind - step.by)
        self.alive_at += step.by
        self._event_at += step.by
        if self.last_received_at is not None:
            self.last_received_at += step.by

    def _last_proof(self, now: datetime) -> tuple[datetime, dict[str, object]]:
        """When the connection was last known to be up or down, and which; if not known, None is said of now."""
        if not self.is_connected:
            return now, {"connected": False}
        known_at = max([self.alive_at, *self._files.values()])
        return (known_at, {"connected": True}) if known_at >= self._event_at else (now, {"connected": None})

    def _heartbeat_line(self, now: datetime, **details: object) -> bytes:
        last = self.last_received_at
        return event_line(
            now,
            "heartbeat",
            connected=self.is_connected,
            messages=self.messages,
            last_received_at=None if last is None else timestamp(last),
            **details,
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
        if self._writer.path is not None:
            self._files[self._writer.path] = at
        self._commit.request()

    async def _retry(self, error: OSError) -> None:
        since = self._loop.time()
        quiet_until = 0.0
        while True:
            if self._loop.time() >= quiet_until:
                log.error(
                    "cannot write %s: %s; free disk space. Retrying; reading has stopped, so nothing is lost",
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
        self.event("write_failed", error=str(error.strerror or error), seconds=seconds)

    def _sync_failed(self, error: OSError) -> None:
        self._loop.call_soon_threadsafe(self._note_failed_sync, error)

    def _note_failed_sync(self, error: OSError) -> None:
        if self._loop.time() >= self._sync_trouble_until:
            self._sync_trouble_until = self._loop.time() + _TROUBLE_LOG_SECONDS
            log.error(
                "cannot sync %s: %s; a power cut would lose lines: check the disk", self._writer.path, error
            )
            self.event("sync_failed", error=str(error.strerror or error))
