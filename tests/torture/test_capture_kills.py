"""A capture that is killed at any moment, and at each of its calls to the disk, loses nothing that it wrote."""

import itertools
import json
import re
import shutil
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from include.jobs import load_trades
from include.landing import is_writer_gone
from include.load import audit
from include.settings import Settings
from include.simulator.exchange import Exchange
from tests.factories import Database
from tests.integration.capture.conftest import exchange
from tests.messages import deal
from tests.torture import killed
from tests.torture.conftest import Torture
from tests.torture.disk_calls import visible_files
from tests.waiting import eventually

__all__ = ["exchange"]

LOADED = 300
"""Kills whose files are loaded, since a load of all takes longer than the kills."""


@dataclass
class Found:
    """What killed processes left.

    Attributes:
        kills: How many.
        torn: Lines without an end.
        lines: Lines, with the torn ones.
        trades: Whole messages.
        most_torn: Torn lines of one kill.
    """

    kills: int = 0
    torn: int = 0
    lines: int = 0
    trades: int = 0
    most_torn: int = 0

    def take(self, root: Path, written: int) -> None:
        """Checks what one kill left.

        Args:
            root: The landing folder.
            written: How many messages the process knew to be written.
        """
        torn, numbers = 0, []
        for path in visible_files(root):
            *whole, rest = path.read_bytes().split(b"\n")
            lines = [json.loads(line) for line in whole]
            messages = [line["raw"] for line in lines if "event" not in line]
            assert is_writer_gone(path)
            if path.suffix == ".opening":  # only ever its first line, which tells nothing that is missed
                assert not messages
                assert not b"".join(whole[1:])
                continue
            assert path.suffix == ".jsonl"
            assert lines, "a file has its name with its first line"
            assert lines[0]["event"] == "opened"
            numbers += [int(json.loads(raw)["deal_confirmation"]["id"].rsplit("-", 1)[1]) for raw in messages]
            torn += bool(rest)
            self.lines += len(whole) + bool(rest)
        numbers.sort()
        first = numbers[0] if numbers else 0
        assert numbers == list(range(first, first + len(numbers))), "each once, and none is missing in between"
        assert len(numbers) >= written, "nothing is lost that was written"
        assert torn <= 1
        self.kills += 1
        self.torn += torn
        self.trades += len(numbers)
        self.most_torn = max(self.most_torn, torn)


def check_account(settings: Settings, database: Database, found: Found) -> None:
    """Loads what was left: every line is accounted for, each trade is there, each torn line is a reject."""
    load_trades.run(settings)
    files = list(audit.run(settings))
    assert [file.problems for file in files if file.problems] == []
    assert sum(file.waiting_lines for file in files) == 0
    assert sum(file.line_count for file in files) == found.lines
    assert database.rows("SELECT reason_code, count(*) FROM ops.rejected_messages GROUP BY reason_code") == (
        [("torn_line", found.torn)] if found.torn else []
    )
    assert database.value("SELECT count(*) FROM raw.trades") == found.trades
    assert load_trades.run(settings)["line_count"] == 0


def test_a_kill_at_each_call_to_the_disk(
    torture: Torture, settings: Settings, database: Database, tmp_path: Path
) -> None:
    found, sample = Found(), Found()
    calls = 0
    for _ in torture.trials(1, 6):
        seed = torture.random.randrange(1_000_000)
        for moment in (killed.BEFORE, killed.DURING, killed.AFTER):
            for number in itertools.count(torture.random.randrange(9), 1 if torture.is_long else 12):
                root, receipts = tmp_path / f"{seed}-{moment}-{number}", tmp_path / "receipts"
                receipts.unlink(missing_ok=True)
                root.mkdir()
                with killed.running(killed.write, root, receipts, seed, number, moment) as process:
                    process.join()
                    ended = process.exitcode
                assert ended in (0, -signal.SIGKILL)
                if ended == 0:
                    break  # it made fewer calls
                calls = max(calls, number + 1)
                written = killed.Receipts.count(receipts)
                found.take(root, written)
                if sample.kills < LOADED:
                    sample.take(root, written)
                    shutil.copytree(root, settings.landing_root, dirs_exist_ok=True)
                shutil.rmtree(root)
    check_account(settings, database, sample)
    torture.report(
        "What capture has written survives its SIGKILL",
        f"{found.kills:,} kills before, in and after each of up to {calls} calls of write, fdatasync, open,"
        " flock, rename, fsync, close and mkdir, over new hours and steps of the clock",
        f"0 lost; {found.torn:,} torn lines, at most {found.most_torn} each; "
        f"{sample.lines:,} lines of {sample.kills} kills loaded and accounted for",
    )


@pytest.fixture
def flood(exchange: Exchange) -> Iterator[None]:
    """An exchange that sends numbered trades, as fast as they are read."""
    ended = threading.Event()

    def send() -> None:
        for first in itertools.count(0, 50):
            exchange.send_all(deal(id=f"deal-{number}") for number in range(first, first + 50))
            if ended.wait(0.005):
                return

    thread = threading.Thread(target=send)
    thread.start()
    yield
    ended.set()
    thread.join()


def seen(root: Path) -> dict[str, bytes]:
    """What others can read at this moment."""
    contents = {}
    for path in visible_files(root):
        if path.suffix == ".jsonl":
            contents[str(path)] = path.read_bytes()
    return contents


def test_a_kill_under_load(
    torture: Torture, settings: Settings, database: Database, exchange: Exchange, flood: None, tmp_path: Path
) -> None:
    found, sample = Found(), Found()
    calls = 0
    for trial in torture.trials(10, 700):
        root, receipts = tmp_path / f"root{trial}", tmp_path / "receipts"
        root.mkdir()
        at_call = torture.random.randrange(15, 120) if trial % 2 else -1
        moment = torture.random.choice([killed.BEFORE, killed.DURING, killed.AFTER])
        arguments = (root, receipts, exchange.url, f"c{trial}", at_call, moment)
        with killed.running(killed.capture, *arguments) as process:
            if at_call >= 0:
                process.join(30)
                assert process.exitcode == -signal.SIGKILL
                calls += 1
                before = {}
            else:
                eventually(lambda: killed.Receipts.count(receipts) > 0)  # noqa: B023
                process.join(torture.random.uniform(0, 0.1))
                before = seen(root)
                process.kill()
                process.join()
        after = seen(root)
        for path, content in before.items():
            assert after[path].startswith(content), "what others have read stays"
        found.take(root, killed.Receipts.count(receipts))
        if sample.kills < LOADED / 3:
            sample.take(root, 0)
            shutil.copytree(root, settings.landing_root, dirs_exist_ok=True)
        shutil.rmtree(root)
        receipts.unlink(missing_ok=True)
    sample.trades = distinct_trades(settings.landing_root)
    check_account(settings, database, sample)
    torture.report(
        "What capture has written survives its SIGKILL",
        f"{found.kills - calls:,} kills at random moments and {calls:,} at random calls to the disk,"
        " while an exchange sends 5,000 trades a second and a new hour begins every 50 ms",
        f"0 of {found.trades:,} lost; {found.torn:,} torn lines, at most {found.most_torn} each;"
        f" {sample.lines:,} lines of {sample.kills} kills loaded and accounted for",
    )


def distinct_trades(root: Path) -> int:
    """Captures one after the other received different trades, but for what was under way."""
    found = set()
    for path in root.rglob("*.jsonl"):
        *whole, _ = path.read_bytes().split(b"\n")
        found |= {match[1] for line in whole if (match := re.search(rb"(deal-\d+)", line))}
    return len(found)
