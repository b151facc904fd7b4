"""The end-of-day file: every trade of its day as it stands, in the exchange's format."""

import csv
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from include.domain.delivery_period import Market
from include.domain.lifecycle import Received, outcome
from include.domain.trade import parse_message
from include.simulator.faults import StatementFaults
from include.simulator.statement import EndOfDayFiles

BERLIN = Market.of("Europe/Berlin")
DAY = date(2025, 6, 2)
NOON = datetime(2025, 6, 2, 10, tzinfo=UTC)
MIDNIGHT = datetime(2025, 6, 2, 22, tzinfo=UTC)
"""The end of that day in the market's zone."""


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def files(tmp_path: Path, clock: Clock) -> EndOfDayFiles:
    return EndOfDayFiles(tmp_path, BERLIN, clock=clock)


def confirmation(key: str = "deal_confirmation", **changes: Any) -> str:
    body = {
        "id": "t1",
        "price": 20.64,
        "quantity": 1.2,
        "direction": "sell",
        "delivery_day": "2025-06-02",
        "delivery_hour": "15-16",
        "trader_id": "flex_trader_4",
        "execution_time": "2025-06-02T06:13:43+00:00",
    }
    return json.dumps({key: body | changes})


def rows(path: Path, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(path.read_text(encoding="utf-8").splitlines(), delimiter=delimiter))[1:]


def test_the_file_is_in_the_public_format(files: EndOfDayFiles, tmp_path: Path) -> None:
    files.record(confirmation())
    files.record(confirmation("trade_confirmation", id="12", price=-3, direction="buy", delivery_hour="00-01"))
    assert files.write() == tmp_path / "epex_trades_20250602.csv"
    assert (tmp_path / "epex_trades_20250602.csv").read_text().splitlines() == [
        "id,price,quantity,direction,delivery_day,delivery_hour,trader_id,execution_time",
        "t1,20.64,1.2,sell,2025-06-02,15,flex_trader_4,2025-06-02T06:13:43Z",
        "12,-3,1.2,buy,2025-06-02,0,flex_trader_4,2025-06-02T06:13:43Z",
    ]


@pytest.mark.parametrize(
    ("label", "written"),
    [
        ("H16", "15"),
        ("23-00", "23"),
        ("15:00-15:15", "15:00-15:15"),
        ("15:30-16:00", "15:30-16:00"),
        ("08-20", "08-20"),
    ],
)
def test_an_hour_is_written_as_its_start_and_any_other_period_as_its_label(
    files: EndOfDayFiles, label: str, written: str
) -> None:
    files.record(confirmation(delivery_hour=label))
    assert rows(files.write())[0][5] == written


def test_trades_stand_as_they_are_at_the_end(files: EndOfDayFiles) -> None:
    for number in range(1, 6):
        files.record(confirmation(id=f"t{number}"))
    files.record(confirmation(id="t1", price=99, revision=1))  # amended
    files.record(confirmation(id="t2", price=99))  # a copy with another price: the first counts
    files.record(json.dumps({"trade_recall": {"id": "t3"}}))
    files.record(confirmation(id="t4", state="CANCELLED"))
    files.record(confirmation(id="t5", direction="buy"))  # the other leg of a self trade
    assert [(row[0], row[3], row[1]) for row in rows(files.write())] == [
        ("t1", "sell", "99"),
        ("t2", "sell", "20.64"),
        ("t5", "sell", "20.64"),
        ("t5", "buy", "20.64"),
    ]


def test_what_is_no_trade_is_not_in_it(files: EndOfDayFiles) -> None:
    for message in (b"\xff", "{", '{"type": "heartbeat"}', confirmation(currency="GBP")):
        files.record(message)
    assert rows(files.write()) == []


def test_a_day_is_the_local_one_of_execution(files: EndOfDayFiles, clock: Clock, tmp_path: Path) -> None:
    files.record(confirmation(id="before", execution_time="2025-06-02T21:59:59.999+00:00"))
    files.record(confirmation(id="after", execution_time="2025-06-02T22:00:00+00:00"))
    files.record(confirmation(id="unreadable", execution_time="noon"))
    clock.now = MIDNIGHT + timedelta(days=1, minutes=5)
    first, second = files.write_due()
    assert [(path.name, [row[0] for row in rows(path)]) for path in (first, second)] == [
        ("epex_trades_20250602.csv", ["before", "unreadable"]),
        ("epex_trades_20250603.csv", ["after"]),
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == [first.name, second.name]


def test_it_is_written_once_shortly_after_midnight(files: EndOfDayFiles, clock: Clock) -> None:
    files.record(confirmation())
    clock.now = MIDNIGHT + timedelta(minutes=4, seconds=59)
    assert files.write_due() == []
    files.record(json.dumps({"deal_cancellation": {"id": "t1"}}))  # a correction in time
    clock.now = MIDNIGHT + timedelta(minutes=5)
    (written,) = files.write_due()
    assert rows(written) == []
    files.record(confirmation(id="t2"))  # too late
    assert files.write_due() == []
    assert rows(written) == []


def test_another_process_continues_and_completes_what_one_left_behind(tmp_path: Path, clock: Clock) -> None:
    EndOfDayFiles(tmp_path, BERLIN, clock=clock).record(confirmation(id="t1"))
    with (tmp_path / ".epex_trades_20250602.part").open("a") as part:
        part.write('["2025-06-02T12:00:00+00:00", "{')  # a crash of the machine in the middle of a record
    part_of_next = EndOfDayFiles(tmp_path, BERLIN, clock=clock)
    part_of_next.record(confirmation(id="t3"))
    part_of_next.record(confirmation(id="t4"))
    clock.now = MIDNIGHT + timedelta(days=3)
    (written,) = EndOfDayFiles(tmp_path, BERLIN, clock=clock).write_due()
    assert [row[0] for row in rows(written)] == ["t1", "t3", "t4"]


def test_the_running_day_can_be_written_at_any_time(files: EndOfDayFiles, clock: Clock, tmp_path: Path) -> None:
    assert rows(files.write()) == []
    files.record(confirmation(id="t1"))
    assert [row[0] for row in rows(files.write())] == ["t1"]
    files.record(confirmation(id="t2"))
    clock.now = MIDNIGHT + timedelta(minutes=5)
    (written,) = files.write_due()
    assert [row[0] for row in rows(written)] == ["t1", "t2"]
    assert [path.name for path in tmp_path.iterdir()] == [written.name]


def test_the_folder_is_looked_at_every_few_seconds(files: EndOfDayFiles, clock: Clock) -> None:
    assert [files.is_due(), files.is_due()] == [True, False]
    clock.now += timedelta(seconds=5)
    assert files.is_due()


TRADES = [confirmation(id=f"t{number}", price=number) for number in range(1, 5)]


def with_fault(folder: Path, clock: Clock, **faults: Any) -> bytes:
    files = EndOfDayFiles(folder, BERLIN, faults=StatementFaults(**faults), clock=clock)
    for trade in TRADES:
        files.record(trade)
    return files.write().read_bytes()


def test_each_fault_does_what_its_name_says(tmp_path: Path, clock: Clock) -> None:
    def lines(**faults: Any) -> list[str]:
        folder = tmp_path / "-".join(faults)
        return with_fault(folder, clock, **faults).decode().splitlines()

    plain = lines()
    assert lines(missing_line=True) == [plain[0], *plain[2:]]
    assert lines(other_price=True) == [*plain[:-1], plain[-1].replace("t4,4,", "t4,5,")]
    assert lines(unknown_trade=True) == [*plain[:-1], plain[-1].replace("t4", "t4-unknown"), plain[-1]]
    truncated = lines(truncated=True)
    assert truncated[:-1] == plain[: len(truncated) - 1]
    assert plain[len(truncated) - 1].startswith(truncated[-1])
    assert 1 < len(truncated) < len(plain)
    assert truncated[-1] != plain[len(truncated) - 1]
    semicolons = lines(semicolons=True)
    assert semicolons[1] == "t1;1;1,2;sell;2025-06-02;15;flex_trader_4;2025-06-02T06:13:43Z"
    utf16 = with_fault(tmp_path / "utf16", clock, utf16=True)
    assert utf16[:2] in (b"\xff\xfe", b"\xfe\xff")
    assert utf16.decode("utf-16").splitlines() == plain


def test_a_late_file_is_late(tmp_path: Path, clock: Clock) -> None:
    files = EndOfDayFiles(tmp_path, BERLIN, faults=StatementFaults(late_minutes=120), clock=clock)
    files.record(confirmation())
    clock.now = MIDNIGHT + timedelta(minutes=124)
    assert files.write_due() == []
    clock.now = MIDNIGHT + timedelta(minutes=125)
    assert len(files.write_due()) == 1


def messages() -> st.SearchStrategy[str]:
    ids, directions = st.sampled_from(["a", "b"]), st.sampled_from(["buy", "sell"])
    revisions = st.none() | st.integers(0, 2)

    def without_none(body: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in body.items() if value is not None}

    confirmations = st.builds(
        lambda revision, **body: confirmation(**without_none(body | {"revision": revision})),
        revision=revisions,
        id=ids,
        direction=directions,
        price=st.integers(1, 3),
    )
    recalls = st.builds(
        lambda **body: json.dumps({"deal_recall": without_none(body)}),
        id=ids,
        direction=st.none() | directions,
        revision=revisions,
    )
    return confirmations | recalls


RECALL = json.dumps({"deal_recall": {"id": "t1"}})


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    return iter(tmp_path_factory.mktemp("statement") / str(number) for number in range(10_000))


@given(sent=st.lists(messages(), max_size=8))
@example(sent=[RECALL, confirmation(revision=1), RECALL, confirmation(revision=1)])  # sent again after a break
@settings(max_examples=200, deadline=None)
def test_what_stands_follows_the_specification(folders: Iterator[Path], sent: list[str]) -> None:
    clock = Clock()
    files = EndOfDayFiles(next(folders), BERLIN, clock=clock)
    files.record(confirmation(id="first"))  # the exchange knows the trades that it takes back
    for message in sent:
        files.record(message)
    parsed = [parse_message(text, BERLIN) for text in sent]
    received = [
        Received(message, NOON + timedelta(seconds=number), ("file", number))  # type: ignore[arg-type]
        for number, message in enumerate(parsed)
    ]
    expected = {
        (t.trade_id, t.direction, str(t.price_eur_per_mwh)) for t in outcome(received).counting.values()
    }
    assert {(row[0], row[3], row[1]) for row in rows(files.write())[1:]} == expected
