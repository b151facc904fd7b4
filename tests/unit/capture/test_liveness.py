"""What the ends of landing files say of the capture instances."""

import errno
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from include.capture.liveness import Signs, last_signs
from include.landing import TRADES, event_line, message_line, timestamp
from include.landing_writer import LandingWriter
from tests.messages import refuse_folder

NOW = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def ago(seconds: float) -> datetime:
    return NOW - seconds * SECOND


def file(root: Path, *lines: bytes, written: float = 0, name: str = "a", at: datetime = NOW) -> Path:
    """A landing file of the hour of `at` whose last write was so many seconds before NOW."""
    path = root / TRADES / f"date={at:%Y-%m-%d}" / f"hour={at:%H}" / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(lines))
    os.utime(path, (ago(written).timestamp(),) * 2)
    return path


def heartbeat(seconds: float, connected: bool) -> bytes:
    return event_line(ago(seconds), "heartbeat", connected=connected)


def test_no_file_is_no_sign(tmp_path: Path) -> None:
    assert last_signs(tmp_path, NOW) == Signs(None, None)


@pytest.mark.parametrize(
    ("lines", "proof"),
    [
        ([message_line(ago(3), b"{}")], 3),
        ([message_line(ago(3), b"\xff")], 3),
        ([heartbeat(2, True)], 2),
        ([event_line(ago(5), "connected")], 5),
        ([heartbeat(30, True), heartbeat(20, False), heartbeat(10, False)], 30),
        (
            [message_line(ago(90), b"{}"), event_line(ago(70), "disconnected", alive_until=timestamp(ago(80)))],
            80,
        ),
        ([heartbeat(20, False), event_line(ago(9), "closed", connected=True)], 9),
        ([heartbeat(9, True), b'{"received_at": "2026-03-02T12:29:59+00:00", "event": "conn'], 9),
        ([heartbeat(9, True), b"not ours\n", b'{"received_at": 5}\n'], 9),
        ([heartbeat(9, False)], None),
    ],
)
def test_the_last_proof_of_a_connection(tmp_path: Path, lines: list[bytes], proof: float | None) -> None:
    file(tmp_path, *lines, written=1)
    assert last_signs(tmp_path, NOW) == Signs(ago(1), None if proof is None else ago(proof))


def test_the_best_line_counts(tmp_path: Path) -> None:
    file(tmp_path, heartbeat(200, True), heartbeat(4, False), written=4)
    file(tmp_path, heartbeat(50, True), written=50, name="b")
    assert last_signs(tmp_path, NOW) == Signs(ago(4), ago(50))


def test_the_file_of_the_last_hour_counts_when_the_hour_has_just_turned(tmp_path: Path) -> None:
    file(tmp_path, heartbeat(8, True), written=8, at=NOW - timedelta(hours=1))
    assert last_signs(tmp_path, NOW) == Signs(ago(8), ago(8))


def test_older_files_tell_when_it_ended(tmp_path: Path) -> None:
    file(tmp_path, heartbeat(8_000, True), written=8_000, at=ago(8_000))
    file(tmp_path, heartbeat(90_000, True), written=90_000, at=ago(90_000))
    assert last_signs(tmp_path, NOW) == Signs(ago(8_000), None)


def test_only_the_end_of_a_long_file_is_read(tmp_path: Path) -> None:
    long = [message_line(ago(100 - n / 100), b"x" * 500) for n in range(9_000)]
    path = file(tmp_path, *long)
    assert path.stat().st_size > 1 << 22
    assert last_signs(tmp_path, NOW).connected_at == ago(100 - 89.99)


def test_what_a_writer_really_writes_is_understood(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    writer = LandingWriter(tmp_path, TRADES, "standalone", lambda: {"connected": True})
    writer.append(event_line(now, "heartbeat", connected=True), now)
    signs = last_signs(tmp_path, now)
    assert signs.connected_at == now
    assert signs.written_at is not None
    assert abs(signs.written_at - now) < timedelta(seconds=10)
    writer.close(now + SECOND)
    assert last_signs(tmp_path, now).connected_at == now + SECOND


def test_what_was_written_while_the_clock_was_wrong_is_no_sign(tmp_path: Path) -> None:
    file(tmp_path, heartbeat(-7_200, True), written=-7_200, at=ago(-7_200))
    assert last_signs(tmp_path, NOW) == Signs(None, None)
    file(tmp_path, heartbeat(300, True), written=300, name="b")
    assert last_signs(tmp_path, NOW) == Signs(ago(300), ago(300))


def test_what_cannot_be_read_hides_no_other_sign(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file(tmp_path, heartbeat(70, True), written=70)
    locked = file(tmp_path, heartbeat(5, True), written=5, name="b")
    earlier = file(tmp_path, heartbeat(4000, True), written=4000, at=ago(4000))
    refuse_folder(monkeypatch, earlier.parent)
    real_open = Path.open

    def refuse(path: Path, *arguments: Any) -> Any:
        if path == locked:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return real_open(path, *arguments)

    monkeypatch.setattr(Path, "open", refuse)
    assert last_signs(tmp_path, NOW) == Signs(ago(5), ago(70))


def test_a_folder_that_cannot_be_read_is_no_newest_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file(tmp_path, heartbeat(9000, True), written=9000, at=ago(9000))
    refuse_folder(monkeypatch, file(tmp_path, heartbeat(1, True)).parent)
    assert last_signs(tmp_path, NOW) == Signs(ago(9000), None)
