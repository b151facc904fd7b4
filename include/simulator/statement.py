"""The exchange's end-of-day file: all trades executed on a local day, as they stand when it is written."""

import csv
import io
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

from include.domain.delivery_period import Market
from include.domain.rejection import RejectedMessageError
from include.domain.trade import Cancellation, Trade, parse_message
from include.simulator.faults import StatementFaults
from include.simulator.market import utc_now

COLUMNS = (
    *("id", "price", "quantity", "direction", "delivery_day", "delivery_hour", "trader_id", "execution_time"),
)
WRITTEN_AFTER = timedelta(minutes=5)
"""After local midnight, so that what is corrected in the last minutes of a day is in its file."""

_LOOKS_EVERY = timedelta(seconds=5)
_NAME = "epex_trades_{:%Y%m%d}.csv"
_PART = ".epex_trades_{:%Y%m%d}.part"
"""What has been sent so far about trades of a day. Its name begins with a dot: it is not for others."""

Row = list[str]


class EndOfDayFiles:
    """Keeps what is sent about the trades of each day, and writes the file when the day is over.

    A part that an earlier process left behind is continued, or completed if its day is over. Safe for use from
    several threads.

    Args:
        folder: Where the files are written; made if it is missing.
        calendar: Whose local days are meant.
        faults: What is wrong with a file; read when it is written.
        clock: The present, UTC.
    """

    def __init__(
        self,
        folder: Path,
        calendar: Market,
        *,
        faults: StatementFaults | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._folder = folder
        self._calendar = calendar
        self._faults = faults or StatementFaults()
        self._clock = clock
        self._look_at = datetime.min.replace(tzinfo=UTC)
        self._lock = threading.Lock()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # the desk's trades

    def record(self, message: str | bytes) -> None:
        """Takes notice of a message that was sent, whether anybody received it or not.

        What is no confirmation and no cancellation changes nothing, nor does what concerns a day whose file has
        been written.
        """
        try:
            sent = parse_message(message if isinstance(message, str) else message.decode(), self._calendar)
        except (RejectedMessageError, UnicodeDecodeError):
            return
        today = self._local_day(self._clock())
        if isinstance(sent, Trade):
            executed_at = sent.executed_at or self._clock()
            day, revision, row = self._local_day(executed_at), f"{sent.revision}", _row(sent, executed_at)
            parts = [self._part(day)] if day >= today or self._part(day).exists() else []
        elif isinstance(sent, Cancellation):
            revision = "" if sent.revision is None else f"{sent.revision}"
            row = [sent.trade_id, "", "", sent.direction or "", *[""] * (len(COLUMNS) - 4)]
            parts = list(self._parts().values())  # it does not say when the trade was executed
        else:
            return
        with self._lock:
            for part in parts:
                with part.open("a", encoding="utf-8", newline="") as file:
                    file.write("\n")  # ends what a crash may have cut off
                    csv.writer(file).writerow([revision, *row])

    def is_due(self) -> bool:
        """Whether `write_due` should be called: every few seconds, as looking at the folder costs something."""
        now = self._clock()
        if now < self._look_at:
            return False
        self._look_at = now + _LOOKS_EVERY
        return True

    def write_due(self) -> list[Path]:
        """Writes the files of the days that are over, each once; returns them."""
        late = timedelta(minutes=self._faults.late_minutes)
        due = [
            day
            for day in self._parts()
            if datetime.combine(day + timedelta(days=1), time(), self._calendar.timezone) + WRITTEN_AFTER + late
            <= self._clock()
        ]
        written = []
        for day in sorted(due):
            written.append(self.write(day))
            with self._lock:
                self._part(day).unlink(missing_ok=True)
        return written

    def write(self, day: date | None = None) -> Path:
        """Writes the file of a day from what is known of it by now, in place of the one that may be there.

        Args:
            day: Local day; the running one if not given.
        """
        day = day or self._local_day(self._clock())
        path = self._folder / _NAME.format(day)
        data = _encoded(_disturbed(_final(_read(self._part(day))), self._faults), self._faults)
        unfinished = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
        unfinished.write_bytes(data)
        unfinished.replace(path)
        return path

    def _local_day(self, at: datetime) -> date:
        return at.astimezone(self._calendar.timezone).date()

    def _part(self, day: date) -> Path:
        return self._folder / _PART.format(day)

    def _parts(self) -> dict[date, Path]:
        stem, ending = _PART.split("{:%Y%m%d}")
        found = self._folder.glob(f"{stem}*{ending}")
        return {date.fromisoformat(path.name[len(stem) : -len(ending)]): path for path in found}


def _row(trade: Trade, executed_at: datetime) -> Row:
    period = trade.period
    start, end = period.delivery_hour[:2], period.delivery_hour[3:]
    is_hour = end.isdigit() and int(end) == int(start) + 1  # no quarter, no block, none of two hours 02-03
    return [
        trade.trade_id,
        f"{trade.price_eur_per_mwh:f}",
        f"{trade.quantity_mw:f}",
        trade.direction,
        f"{period.delivery_day}",
        str(int(start)) if is_hour else period.delivery_hour,
        trade.trader_id,
        executed_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
    ]


def _read(part: Path) -> Iterator[Row]:
    """Revision and columns of each record, in the order of sending, without those that a crash cut off."""
    if part.exists():
        with part.open(encoding="utf-8", newline="") as file:
            yield from (record for record in csv.reader(file) if len(record) == len(COLUMNS) + 1)


def _final(records: Iterable[Row]) -> list[Row]:
    """The rows of the trades that stand: of each the highest revision, none that was taken back.

    The rules are those of include/domain/lifecycle.py.
    """
    trades: dict[tuple[str, str], tuple[int, Row]] = {}
    taken_back: dict[tuple[str, str], int] = {}
    for revision, *row in records:
        for direction in [row[3]] if row[3] else ["buy", "sell"]:
            key = (row[0], direction)
            highest = trades[key][0] if key in trades else 0
            if not row[1]:
                until = int(revision) if revision else highest
                taken_back[key] = max(until, taken_back.get(key, -1))
            elif key not in trades or int(revision) > highest:
                trades[key] = int(revision), row
    return [row for key, (revision, row) in trades.items() if revision > taken_back.get(key, -1)]


def _disturbed(rows: list[Row], faults: StatementFaults) -> list[Row]:
    """The first row is missing, the last has another price, or a copy of the last one has an unknown id."""
    if faults.missing_line:
        rows = rows[1:]
    if faults.unknown_trade and rows:
        rows = [*rows[:-1], [f"{rows[-1][0]}-unknown", *rows[-1][1:]], rows[-1]]
    if faults.other_price and rows:
        trade_id, price, *others = rows[-1]
        rows = [*rows[:-1], [trade_id, f"{Decimal(price) + 1:f}", *others]]
    return rows


def _encoded(rows: Iterable[Row], faults: StatementFaults) -> bytes:
    if faults.semicolons:
        rows = ([r[0], r[1].replace(".", ","), r[2].replace(".", ","), *r[3:]] for r in rows)
    file = io.StringIO()
    writer = csv.writer(file, delimiter=";" if faults.semicolons else ",", lineterminator="\n")
    writer.writerows([COLUMNS, *rows])
    text = file.getvalue()
    if faults.truncated:
        text = text[: len(text) // 2].rstrip("\n,;")[:-1]
    return text.encode("utf-16" if faults.utf16 else "utf-8")
