"""A power cut takes what was not synced, and nothing else; loading goes on."""

import re
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from include.jobs import load_trades
from include.load import audit
from include.settings import Settings
from include.simulator.exchange import Exchange
from tests.factories import Database
from tests.integration.capture.conftest import Landed, StartCapture, exchange, start_capture, utc_now
from tests.messages import deal
from tests.torture.conftest import Torture
from tests.torture.disk_calls import intercepted
from tests.torture.power import Disk, Recording
from tests.waiting import eventually

__all__ = ["exchange", "start_capture"]

HOURS_A_SECOND = 10
LOADS = 4
"""How often what is left by power cuts is loaded."""

_ID = re.compile(rb'\\"id\\": \\"(\d+)\\"')


@pytest.fixture
def landed(tmp_path: Path) -> Landed:
    return Landed(tmp_path / "captured")


@pytest.fixture
def recording(exchange: Exchange, start_capture: StartCapture, landed: Landed) -> Recording:
    """All calls of a capture to its disk: messages singly and in bursts, reconnects, an hour every 100 ms."""
    recording = Recording()
    landed.root.mkdir()
    began, began_at = time.monotonic(), utc_now()

    def passed() -> float:
        return (time.monotonic() - began) * HOURS_A_SECOND * 3600

    with intercepted(landed.root, recording.intercept):
        capture = start_capture(
            exchange.url, clock=lambda: began_at + timedelta(seconds=passed()), monotonic=passed
        )
        exchange.wait_for_connections()
        number = 0
        for burst in (1, 5, 100, 1, 400, 30, 2, 100) * 3:
            exchange.send_all(deal(id=f"{number + n}") for n in range(burst))
            number += burst
            time.sleep(0.02)
        eventually(lambda: len(landed.payloads()) == number)
        capture.stop()
    return recording


def messages(content: bytes) -> list[int]:
    """Numbers of the messages in whole lines."""
    return [int(match[1]) for line in content.split(b"\n")[:-1] if (match := _ID.search(line))]


def test_a_power_cut_takes_only_what_was_not_synced(
    torture: Torture, settings: Settings, database: Database, landed: Landed, recording: Recording
) -> None:
    calls = recording.calls
    lines = {
        line for content in Disk(landed.root, calls).written.values() for line in bytes(content).split(b"\n")
    }
    most_missing = zeroed = total_lines = cuts = 0
    store = settings.landing_root
    for trial in torture.trials(40, 600):
        disk = Disk(landed.root, calls[: torture.random.randrange(len(calls) + 1)])
        left = {path: left for path, left in disk.files(torture.random).items() if path.suffix == ".jsonl"}
        found: list[int] = []
        for content in left.values():
            found += messages(content)
            for line in content.split(b"\n")[:-1]:
                assert line in lines or b"\0" in line, "what is there is what was written"
                zeroed += b"\0" in line
        synced = [
            number
            for file, content in disk.written.items()
            for number in messages(bytes(content[: disk.synced[file]]))
        ]
        written = [number for content in disk.written.values() for number in messages(bytes(content))]
        assert set(synced) <= set(found) <= set(written)
        assert len(found) == len(set(found))
        most_missing = max(most_missing, len(written) - len(found))
        cuts += 1
        for path, content in left.items():
            target = store / path.relative_to(landed.root).with_name(f"cut{trial}-{path.name}")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            total_lines += content.count(b"\n") + (not content.endswith(b"\n") and content != b"")
        if trial % (torture.count(40, 600) // LOADS) == 1:
            check_loads(settings, total_lines)
    check_loads(settings, total_lines)
    torture.report(
        "A power cut takes only what was written after the last sync",
        f"{cuts:,} power cuts at random points of {len(calls):,} recorded calls of a capture: of unsynced"
        " bytes, names and folders any part is lost, pages become zeros",
        f"0 synced messages lost, 0 changed; at most {most_missing} unsynced ones missing;"
        f" {total_lines:,} lines ({zeroed:,} with zeros) loaded or rejected, and accounted for",
    )


def check_loads(settings: Settings, line_count: int) -> None:
    """All that is left can be loaded, every line of it is accounted for, and nothing waits."""
    assert load_trades.run(settings)["failed_files"] == 0
    files = list(audit.run(settings))
    assert [file.problems for file in files if file.problems] == []
    assert sum(file.line_count for file in files) == line_count
    assert sum(file.waiting_lines for file in files) == 0


def test_what_is_loaded_outlives_a_power_cut(
    torture: Torture, settings: Settings, database: Database, landed: Landed, recording: Recording
) -> None:
    calls = recording.calls
    most_kept = 0
    for trial in torture.trials(6, 150):
        disk = Disk(landed.root, calls[: torture.random.randrange(len(calls) // 4, len(calls) + 1)])
        store = {
            path: settings.landing_root / path.relative_to(landed.root).with_name(f"loaded{trial}-{path.name}")
            for path in disk.files(None)
            if path.suffix == ".jsonl"
        }
        for path, content in disk.files(None).items():
            if path in store:
                store[path].parent.mkdir(parents=True, exist_ok=True)
                store[path].write_bytes(content)
        synced: set[Path] = set()

        def sync(name: str, real: Any, *arguments: Any) -> Any:
            if name in ("fdatasync", "fsync"):
                synced.add(Path(f"/proc/self/fd/{arguments[0]}").readlink())  # noqa: B023
            return real(*arguments)

        with intercepted(settings.landing_root, sync):
            load_trades.run(settings)
        after = disk.files(torture.random)
        for path, copy in store.items():
            if copy in synced and copy.parent in synced:
                continue
            most_kept = max(most_kept, copy.stat().st_size - len(after.get(path, b"")))
            if path in after:
                copy.write_bytes(after[path])
            else:
                copy.unlink()
        assert load_trades.run(settings)["failed_files"] == 0
        assert [file.problems for file in audit.run(settings) if file.problems] == []
    torture.report(
        "What is in the warehouse is in a landing file, also after a power cut",
        f"{torture.count(6, 150):,} loads of files that a capture is writing, each before a power cut",
        "0 loaded lines lost; every load goes on",
    )
