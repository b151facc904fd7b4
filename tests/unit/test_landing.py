"""The landing store: what goes in comes out, hour by hour, whatever the disk and the process do."""

import errno
import json
import os
from base64 import b64decode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.landing import (
    REFERENCE_PRICES,
    STATEMENTS,
    TRADES,
    event_line,
    is_writer_gone,
    list_files,
    message_line,
    message_lines,
    statement_folder,
    timestamp,
)
from include.landing_keys import landing_key, landing_path
from include.landing_writer import LandingWriter
from tests.messages import read_lines, refuse_folder, write_landing_file

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[LandingWriter]:
    writer = LandingWriter(tmp_path, TRADES, "test", lambda: {"connected": True})
    yield writer
    writer.close(NOON)


def payload_of(line: dict[str, str]) -> bytes:
    return line["raw"].encode() if "raw" in line else b64decode(line["raw_base64"])


def lines_of(root: Path) -> list[list[dict[str, object]]]:
    return [list(read_lines(file.path)) for file in list_files(root, TRADES)]


@given(st.binary() | st.text().map(lambda text: text.encode()))
def test_any_payload_comes_back_verbatim_from_one_line(payload: bytes) -> None:
    line = message_line(NOON, payload, status=200)

    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    decoded = json.loads(line)
    assert payload_of(decoded) == payload
    assert decoded["received_at"] == "2026-03-04T12:00:00.000000+00:00"
    assert decoded["status"] == 200


@given(st.lists(st.binary(max_size=20) | st.text().map(lambda text: text.encode())))
def test_lines_of_many_messages_are_the_lines_of_each(payloads: list[bytes]) -> None:
    assert message_lines(NOON, payloads) == b"".join(message_line(NOON, payload) for payload in payloads)


@given(st.text(), st.integers() | st.none() | st.booleans())
def test_an_event_keeps_its_details(reason: str, number: int | None) -> None:
    decoded = json.loads(event_line(NOON, "disconnected", reason=reason, number=number))

    assert decoded == {
        "received_at": timestamp(NOON),
        "event": "disconnected",
        "reason": reason,
        "number": number,
    }


def test_a_time_is_written_in_utc_with_microseconds() -> None:
    berlin_winter = timezone(timedelta(hours=1))

    assert timestamp(datetime(2026, 3, 4, 13, 0, tzinfo=berlin_winter)) == "2026-03-04T12:00:00.000000+00:00"


def test_each_hour_has_its_file_and_each_file_its_journal(tmp_path: Path) -> None:
    writer = LandingWriter(tmp_path, TRADES, "test", lambda: {"connected": True})
    writer.append(message_line(NOON, b"first"), NOON)
    writer.append(message_line(NOON + HOUR, b"second"), NOON + HOUR)
    writer.close(NOON + HOUR)

    first, second = lines_of(tmp_path)
    assert [line.get("event", line.get("raw")) for line in first] == ["opened", "first", "rolled"]
    assert [line.get("event", line.get("raw")) for line in second] == ["opened", "second", "closed"]
    assert all(line["connected"] is True for line in first + second if "event" in line)
    assert [file.key.rsplit("/", 1)[0] for file in list_files(tmp_path, TRADES)] == [
        "trades/date=2026-03-04/hour=12",
        "trades/date=2026-03-04/hour=13",
    ]


def test_a_clock_that_steps_back_does_not_reopen_an_hour(tmp_path: Path, writer: LandingWriter) -> None:
    writer.append(b"{}\n", NOON)
    writer.append(b"{}\n", NOON - HOUR)

    assert len(list_files(tmp_path, TRADES)) == 1


@pytest.mark.parametrize("step", [-3 * HOUR, -timedelta(seconds=5), timedelta(seconds=5), 3 * HOUR])
def test_after_a_step_of_the_clock_lines_have_a_file_of_their_own_hour(tmp_path: Path, step: timedelta) -> None:
    writer = LandingWriter(tmp_path, TRADES, "test")
    before = NOON + timedelta(minutes=30)
    writer.append(b'{"raw": "before"}\n', before)
    writer.end_file(before, {}, b'{"event": "clock_stepped"}\n')
    after = before + step
    writer.append(b'{"raw": "after"}\n', after)
    writer.close(after)

    said = [[line.get("event", line.get("raw")) for line in file] for file in lines_of(tmp_path)]
    assert sorted(said) == [["opened", "after", "closed"], ["opened", "before", "rolled", "clock_stepped"]]
    for file in list_files(tmp_path, TRADES):
        times = [line["received_at"] for line in read_lines(file.path) if "received_at" in line]
        assert times == sorted(times)
        assert {datetime.fromisoformat(time).replace(minute=0, second=0) for time in times} == {
            file.hour_start_at
        }


def test_a_file_of_the_same_microsecond_replaces_none(tmp_path: Path) -> None:
    writer = LandingWriter(tmp_path, TRADES, "test")
    for payload in (b"before", b"after"):  # the clock was set back in between
        writer.append(message_line(NOON, payload), NOON)
        writer.end_file(NOON, {}, b'{"event": "clock_stepped"}\n')
    writer.close(NOON)

    raws = [line["raw"] for file in lines_of(tmp_path) for line in file if "raw" in line]
    assert sorted(raws) == ["after", "before"]


def test_only_their_owner_reads_files_and_folders(tmp_path: Path) -> None:
    writer = LandingWriter(tmp_path / "landing", TRADES, "test")
    writer.append(b"{}\n", NOON)
    writer.close(NOON)

    modes = {
        path: path.stat().st_mode & 0o777 for path in [tmp_path / "landing", *tmp_path.rglob("landing/**/*")]
    }
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}


@pytest.mark.parametrize(("source", "name"), [("orders", "test"), (TRADES, "../test"), (TRADES, "")])
def test_a_writer_needs_a_known_source_and_a_plain_name(tmp_path: Path, source: str, name: str) -> None:
    with pytest.raises(ValueError, match="invalid source or name"):
        LandingWriter(tmp_path, source, name)


def test_files_are_listed_by_hour_of_receipt(tmp_path: Path) -> None:
    hours = [NOON + n * HOUR for n in (-13, -1, 0, 1, 12)]
    writer = LandingWriter(tmp_path, TRADES, "test")
    for hour in hours:
        writer.append(b"{}\n", hour)
    writer.close(hours[-1])
    (tmp_path / "trades" / "notes.jsonl").touch()

    def listed(*window: datetime | None) -> list[datetime]:
        return [file.hour_start_at for file in list_files(tmp_path, TRADES, *window)]

    assert listed() == hours
    assert listed(NOON - HOUR, NOON + HOUR) == hours[1:3]
    assert listed(NOON, None) == hours[2:]
    assert listed(None, NOON) == hours[:2]
    assert listed(NOON + 2 * HOUR, NOON + 3 * HOUR) == []
    assert list_files(tmp_path, REFERENCE_PRICES) == []
    assert {file.source for file in list_files(tmp_path, TRADES)} == {TRADES}


@pytest.mark.parametrize(
    ("folder", "hour", "others"),
    [
        ("trades/date=2026-03-04/hour=12", 12, 2),
        ("trades/date=2026-03-04", 0, 1),
        ("trades", None, 0),
    ],
)
def test_a_folder_that_cannot_be_read_is_listed_in_place_of_its_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, folder: str, hour: int | None, others: int
) -> None:
    for at in (NOON, NOON + HOUR, NOON + 24 * HOUR):
        write_landing_file(tmp_path, b"{}\n", hour=at)
    refuse_folder(monkeypatch, tmp_path / folder)

    files = list_files(tmp_path, TRADES)
    (refused,) = (file for file in files if file.unlisted is not None)
    assert (refused.key, refused.path, refused.source) == (folder, tmp_path / folder, TRADES)
    assert refused.hour_start_at == (
        datetime(1970, 1, 1, tzinfo=UTC) if hour is None else NOON.replace(hour=hour)
    )
    assert len(files) == others + 1
    with pytest.raises(PermissionError, match=folder):
        refused.check()
    assert refused in list_files(tmp_path, TRADES, NOON, NOON + HOUR)
    is_of_other_day = refused in list_files(tmp_path, TRADES, NOON + 24 * HOUR, NOON + 25 * HOUR)
    assert is_of_other_day == (folder == "trades")


def test_a_statement_folder_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / statement_folder(NOON.date(), "AT")
    folder.mkdir(parents=True)
    refuse_folder(monkeypatch, folder)
    (refused,) = list_files(tmp_path, STATEMENTS, market="AT")
    assert refused.key == "statements/market=AT/date=2026-03-04"
    assert refused.unlisted is not None


@given(
    st.lists(st.binary(min_size=1) | st.text(r"\\x5cf", min_size=1).map(str.encode), max_size=4, unique=True)
)
def test_each_name_has_a_key_of_its_own(names: list[bytes]) -> None:
    root = Path("/landing")
    paths = [root / "trades" / os.fsdecode(name.replace(b"/", b"_").replace(b"\0", b"_")) for name in names]
    keys = [landing_key(root, path) for path in paths]
    assert len(set(keys)) == len(set(paths))
    assert [landing_path(root, key) for key in keys] == paths
    assert all(key.encode() for key in keys), "it can be stored"


@pytest.mark.parametrize("name", ["a.jsonl", "Übertragung 1.jsonl", r"a\b\x1.jsonl", r"\x41\n.jsonl"])
def test_an_ordinary_name_is_its_key(name: str) -> None:
    assert landing_key(Path("/landing"), Path("/landing", "trades", name)) == f"trades/{name}"


def test_a_sync_that_meets_a_roll_is_no_failure(monkeypatch: pytest.MonkeyPatch, writer: LandingWriter) -> None:
    real_sync = os.fdatasync
    writer.append(b"{}\n", NOON)

    def sync_after_roll(fd: int) -> None:
        monkeypatch.setattr("include.landing.os.fdatasync", real_sync)
        writer.append(b"{}\n", NOON + HOUR)
        with pytest.raises(OSError, match="Bad file descriptor"):
            real_sync(fd)
        real_sync(fd)

    monkeypatch.setattr("include.landing.os.fdatasync", sync_after_roll)
    writer.sync()


@pytest.mark.parametrize("bytes_a_write", [1, 7, 1000])
def test_short_writes_are_finished(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, bytes_a_write: int) -> None:
    real_write = os.write
    monkeypatch.setattr("include.landing.os.write", lambda fd, data: real_write(fd, data[:bytes_a_write]))
    writer = LandingWriter(tmp_path, TRADES, "test")
    writer.append(message_line(NOON, b"message"), NOON)
    writer.close(NOON)

    [[opened, message, closed]] = lines_of(tmp_path)
    assert (opened["event"], message["raw"], closed["event"]) == ("opened", "message", "closed")


def test_a_full_disk_loses_and_doubles_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    room = 1_000_000
    real_write = os.write

    def write(fd: int, data: bytes) -> int:
        nonlocal room
        if room <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = real_write(fd, data[:room])
        room -= written
        return written

    monkeypatch.setattr("include.landing.os.write", write)
    writer = LandingWriter(tmp_path, TRADES, "test")
    writer.append(message_line(NOON, b"before"), NOON)
    room = 10
    for at, payload in ((NOON, b"torn"), (NOON, b"kept"), (NOON + HOUR, b"kept over the hour")):
        with pytest.raises(OSError, match="No space left"):
            writer.append(message_line(at, payload), at)
    with pytest.raises(OSError, match="No space left"):
        writer.flush()
    room = 1_000_000
    writer.flush()
    writer.append(message_line(NOON + HOUR, b"after"), NOON + HOUR)
    writer.close(NOON + HOUR)

    raws = [line["raw"] for file in lines_of(tmp_path) for line in file if "raw" in line]
    assert raws == ["before", "torn", "kept", "kept over the hour", "after"]
    assert [file[-1]["event"] for file in lines_of(tmp_path)] == ["rolled", "closed"]


def test_a_file_keeps_the_time_of_its_last_line_while_the_disk_is_full(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By that time health check, alarm and metric tell whether capture writes."""

    def refuse(fd: int, data: bytes) -> int:
        os.utime(fd, (NOON.timestamp() + 60,) * 2)  # as Linux does, and then
        raise OSError(errno.ENOSPC, "No space left on device")

    writer = LandingWriter(tmp_path, TRADES, "test")
    writer.append(message_line(NOON, b"before"), NOON)
    assert writer.path is not None
    written_at = writer.path.stat().st_mtime
    monkeypatch.setattr("include.landing_writer.os.write", refuse)
    for _ in range(2):
        with pytest.raises(OSError, match="No space left"):
            writer.append(message_line(NOON, b"kept"), NOON)
        assert writer.path.stat().st_mtime == pytest.approx(written_at, abs=1)


def test_a_first_file_that_cannot_be_opened_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(fd: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    writer = LandingWriter(tmp_path, TRADES, "test")
    with monkeypatch.context() as full:
        full.setattr("include.landing.os.write", refuse)
        with pytest.raises(OSError, match="No space left"):
            writer.append(b"{}\n", NOON)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []

    writer.append(message_line(NOON, b"now"), NOON)
    writer.close(NOON)
    assert [line.get("raw") for line in lines_of(tmp_path)[0]] == [None, "now", None]


def test_a_step_of_the_clock_while_no_file_can_be_opened_waits_for_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    writer = LandingWriter(tmp_path, TRADES, "test")
    writer.append(message_line(NOON, b"before"), NOON)
    writer.end_file(NOON, {}, event_line(NOON, "clock_stepped"))
    with monkeypatch.context() as failing:
        failing.setattr(Path, "rename", lambda *_: refuse())
        for payload in (b"first", b"second"):
            with pytest.raises(OSError, match="Input/output error"):
                writer.append(message_line(NOON - HOUR, payload), NOON - HOUR)
    writer.flush()
    writer.close(NOON - HOUR)

    said = [[line.get("event", line.get("raw")) for line in file] for file in lines_of(tmp_path)]
    assert said == [["opened", "first", "second", "closed"], ["opened", "before", "rolled", "clock_stepped"]]


def refuse() -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_a_file_is_seen_only_with_its_writer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, writer: LandingWriter
) -> None:
    real_rename = Path.rename

    def rename(self: Path, target: Path) -> Path:
        assert list_files(tmp_path, TRADES) == []
        assert self.stat().st_size > 0
        assert not is_writer_gone(self)
        return real_rename(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    writer.append(b"{}\n", NOON)

    [file] = list_files(tmp_path, TRADES)
    assert not is_writer_gone(file.path)


def test_the_writer_of_a_closed_file_is_gone(tmp_path: Path) -> None:
    writer = LandingWriter(tmp_path, TRADES, "test")
    writer.append(b"{}\n", NOON)
    path = writer.path
    assert path is not None
    assert not is_writer_gone(path)

    writer.append(b"{}\n", NOON + HOUR)
    assert is_writer_gone(path)
    writer.sync()
    writer.close(NOON + HOUR)
    writer.sync()
    writer.close(NOON + HOUR)
    assert all(is_writer_gone(file.path) for file in list_files(tmp_path, TRADES))
