"""The exchange's end-of-day file: all trades executed on a local day, as they stand when it is written."""

import csv
import io
import json
import os
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

from include.domain.delivery_period import Market
from include.domain.lifecycle import Received, outcome
from include.domain.rejection import RejectedMessageError
from include.domain.trade import Cancellation, Operational, Trade, parse_message
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
"""What has been sent about trades of a day: a line a message, with its time. The dot: it is not for others."""

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
            message = message if isinstance(message, str) else message.decode()
            sent = parse_message(message, self._calendar)
        except (RejectedMessageError, UnicodeDecodeError):
            return
        now = self._clock()
        if isinstance(sent, Trade):
            day = self._local_day(sent.executed_at or now)
            parts = [self._part(day)] if day >= self._local_day(now) or self._part(day).exists() else []
        elif isinstance(sent, Cancellation):
            parts = list(self._parts().values())  # it does not say when the trade was executed
        else:
            return
        with self._lock:
            for part in parts:
                with part.open("a", encoding="utf-8") as file:
                    # the first line end ends what a crash may have cut off
                    file.write(f"\n{json.dumps([now.isoformat(), message])}\n")

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
        data = _encoded(_disturbed(self._standing(self._part(day)), self._faults), self._faults)
        unfinished = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
        unfinished.write_bytes(data)
        unfinished.replace(path)
        return path

    def _standing(self, part: Path) -> list[Row]:
        """The rows of the trades that count."""
        received = list[Received]()
        for number, line in enumerate(part.read_text(encoding="utf-8").splitlines() if part.exists() else ()):
            try:
                at, text = json.loads(line)
            except ValueError:  # empty, or cut off by a crash
                continue
            message = parse_message(text, self._calendar)
            if isinstance(message, Trade):
                message = replace(message, executed_at=message.executed_at or datetime.fromisoformat(at))
            if not isinstance(message, Operational):
                # several may have been sent at one moment: their order is what matters
                received.append(Received(message, datetime.fromtimestamp(number, UTC), (part.name, number)))
        return [_row(trade) for trade in outcome(received).counting.values()]

    def _local_day(self, at: datetime) -> date:
        return at.astimezone(self._calendar.timezone).date()

    def _part(self, day: date) -> Path:
        return self._folder / _PART.format(day)

    def _parts(self) -> dict[date, Path]:
        stem, ending = _PART.split("{:%Y%m%d}")
        found = self._folder.glob(f"{stem}*{ending}")
        return {date.fromisoformat(path.name[len(stem) : -len(ending)]): path for path in found}


def _row(trade: Trade) -> Row:
    period, executed_at = trade.period, trade.executed_at
    assert executed_at is not None
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
