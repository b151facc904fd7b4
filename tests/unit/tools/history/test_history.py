"""The made history: what it counts is what lies in the files, and it looks as if it had been captured."""

import hashlib
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from include.domain.delivery_period import Market
from include.domain.reference_price import is_transient_status, parse_reference_price
from include.domain.rejection import RejectedMessageError
from include.domain.trade import Trade, parse_trade
from include.landing import REFERENCE_PRICES, TRADES, list_files, read_lines
from include.load.journal import Journal
from tools.history import History, write_history
from tools.history.__main__ import main
from tools.history.outages import outages

START = datetime(2026, 10, 24, 22, tzinfo=UTC)  # the night in which clocks change
HOURS, PER_MINUTE = 17, 10
BERLIN = Market.of("Europe/Berlin")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, History]:
    root = tmp_path_factory.mktemp("history")
    return root, write_history(root, START, HOURS, per_minute=PER_MINUTE, has_revisions=True)


def lines(root: Path, source: str) -> list[dict[str, Any]]:
    return [line for file in list_files(root, source) for line in read_lines(file.path)]


def trades(root: Path) -> tuple[dict[str, list[tuple[str, Trade]]], int]:
    """The trades by id, each copy with its time of receipt, and the number of messages that are none."""
    found, broken = defaultdict(list), 0
    for line in lines(root, TRADES):
        if "event" not in line:
            try:
                trade = parse_trade(line["raw"], BERLIN)
            except (KeyError, RejectedMessageError):
                broken += 1
            else:
                found[trade.trade_id].append((line["received_at"], trade))
    return found, broken


def fingerprint(root: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.jsonl")):
        digest.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def test_it_counts_what_it_wrote(made: tuple[Path, History]) -> None:
    root, history = made
    found, broken = trades(root)
    copies = [trade for many in found.values() for _, trade in many]
    assert history.trade_count == len(found)
    assert history.duplicate_or_conflict_count == len(copies) - len(found)
    assert history.broken_count == broken > 0
    assert history.conflict_count == sum(len({t for _, t in many}) > 1 for many in found.values()) > 0
    assert history.trade_lines == len(lines(root, TRADES))
    assert history.price_lines == len(lines(root, REFERENCE_PRICES))
    assert history.trade_files == len(list_files(root, TRADES)) == 2 * HOURS
    assert history.price_files == len(list_files(root, REFERENCE_PRICES))
    days = {trade.period.delivery_day for trade in copies}
    assert (history.first_delivery_day, history.last_delivery_day) == (min(days), max(days))
    assert history.lost_count > 0
    assert history.trade_count + history.lost_count > HOURS * 60 * PER_MINUTE
    hours = [file.hour_start_at for file in list_files(root, REFERENCE_PRICES)]
    assert max(hours) < history.prices_until <= max(hours) + timedelta(hours=2)


def test_same_arguments_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        write_history(tmp_path / name, START, 3, per_minute=5, seed=seed, has_revisions=True)
    a, b, c = (fingerprint(tmp_path / name) for name in "abc")
    assert a == b != c


def test_each_file_is_in_order_and_lies_where_it_belongs(made: tuple[Path, History]) -> None:
    for source in (TRADES, REFERENCE_PRICES):
        for file in list_files(made[0], source):
            content = list(read_lines(file.path))
            times = [datetime.fromisoformat(line["received_at"]) for line in content]
            if source == REFERENCE_PRICES:
                assert times == sorted(times)
            # an event of a file that was left comes from the next hour
            assert all(file.hour_start_at <= at < file.hour_start_at + timedelta(hours=1) for at in times[:-2])
            assert content[0]["event"] == "opened"
            assert content[-1]["event"] in ("rolled", "closed")


def test_lines_receive_the_same_at_other_times_and_miss_some(made: tuple[Path, History]) -> None:
    received: list[dict[str, str]] = [{}, {}]
    for file in list_files(made[0], TRADES):
        of_line = received["standalone" in file.key]
        for line in read_lines(file.path):
            if "raw" in line:
                of_line.setdefault(line["raw"], line["received_at"])
    first, second = received
    both = first.keys() & second.keys()
    assert first.keys() - both
    assert second.keys() - both
    order = Counter("first" if first[raw] < second[raw] else "second" for raw in both)
    assert min(order.values()) > len(both) / 3


def test_the_journal_tells_the_outages(tmp_path: Path) -> None:
    write_history(tmp_path, START, HOURS, per_minute=1, has_prices=False)
    for number, name in enumerate(("airflow", "standalone")):
        down = outages(7, number, START, HOURS)
        intervals: list[tuple[datetime, datetime]] = []
        for file in list_files(tmp_path, TRADES):
            if name in file.key:
                journal = Journal()
                for line in read_lines(file.path):
                    at = datetime.fromisoformat(line["received_at"])
                    if "event" in line:
                        alive = line.get("alive_until")
                        alive_until = datetime.fromisoformat(alive) if alive else None
                        journal.event(at, line["event"], line.get("connected"), alive_until)
                    else:
                        journal.proof(at)
                intervals += journal.intervals.items()
        connected = sum((until - since for since, until in intervals), timedelta())
        expected = timedelta(hours=HOURS) - sum((o.connected_at - o.lost_at for o in down), timedelta())
        # a link that dies silently is provably alive until its last message or heartbeat only
        assert timedelta() <= expected - connected < timedelta(seconds=11) * (len(down) + 1)
        assert not [
            o for o in down for since, until in intervals if since < o.noticed_at and until > o.noticed_at
        ]


def test_there_is_some_of_everything(made: tuple[Path, History]) -> None:
    root, _ = made
    found, _ = trades(root)
    firsts = [min(many, key=lambda copy: copy[0]) for many in found.values()]
    assert {t.price_eur_per_mwh > 0 for _, t in firsts} == {True, False}
    assert Decimal(0) in {t.price_eur_per_mwh for _, t in firsts}
    assert any("trade_confirmation" in line.get("raw", "") for line in lines(root, TRADES))
    assert any("raw_base64" in line for line in lines(root, TRADES))
    ages = [(t.executed_at - t.period.end_at) // timedelta(days=1) for _, t in firsts]
    assert max(ages) >= 3
    assert min(ages) <= -2
    assert any(t.period.is_dst_ambiguous for _, t in firsts)
    conflicts = [many for many in found.values() if len({t for _, t in many}) > 1]
    assert any(len({at for at, _ in many}) < len(many) for many in conflicts)  # at the same microsecond


def test_every_traded_period_has_its_final_price(made: tuple[Path, History]) -> None:
    root, _ = made
    final, provisional, undefined, transient, revised = set(), set(), 0, 0, 0
    for line in lines(root, REFERENCE_PRICES):
        if "event" in line or is_transient_status(line["status"]):
            transient += line.get("status") == 503 or line.get("event") == "request_failed"
            continue
        asked = line["request"]
        period = BERLIN.period(date.fromisoformat(asked["delivery_day"]), asked["delivery_hour"])
        price = parse_reference_price(line["status"], line["raw"], period).price_eur_per_mwh
        is_final = datetime.fromisoformat(line["received_at"]) >= period.price_final_from
        undefined += price is None
        if price is not None:
            revised += period in final
            (final if is_final else provisional).add(period)
    found, _ = trades(root)
    assert {trade.period for many in found.values() for _, trade in many} <= final
    assert provisional
    assert (undefined > 0, transient, revised) == (True, 4, 1)


def test_the_fast_way_makes_as_much_that_is_as_good(tmp_path: Path) -> None:
    history = write_history(tmp_path / "a", START, 2, per_minute=50, has_prices=False, is_fast=True)
    write_history(tmp_path / "b", START, 2, per_minute=50, has_prices=False, is_fast=True)
    assert fingerprint(tmp_path / "a") == fingerprint(tmp_path / "b")
    found, broken = trades(tmp_path / "a")
    assert (len(found), broken) == (history.trade_count, history.broken_count)
    assert history.trade_count + history.lost_count > 2 * 60 * 50
    assert len({trade.period for many in found.values() for _, trade in many}) > 20


def test_wrong_arguments_are_refused(tmp_path: Path) -> None:
    for start, hours in ((START + timedelta(minutes=1), 1), (START.replace(tzinfo=None), 1), (START, 0)):
        with pytest.raises(ValueError, match="hour"):
            write_history(tmp_path, start, hours)
    write_history(tmp_path, START, 1, per_minute=1)
    with pytest.raises(FileExistsError):
        write_history(tmp_path, START, 1, per_minute=1)


def test_the_command_says_what_it_wrote(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--root", str(tmp_path), "--from", "2026-10-24T22:00Z", "--hours", "2", "--per-minute", "1"]
    assert main([*arguments, "--lines", "1", "--no-prices"]) == 0
    written = dict(line.split(" ", 1) for line in capsys.readouterr().out.splitlines())
    assert int(written["trade_lines"]) == len(lines(tmp_path, TRADES))
    assert (written["trade_files"], written["price_files"]) == ("2", "0")
