"""Landing files of a few days of trading in which everything happens that may happen to a trade."""

import fcntl
import json
import os
import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from include.domain.delivery_period import DeliveryPeriod
from include.jobs import import_statements
from include.landing import event_line, message_line
from include.settings import Settings
from tests.concurrency.worker import Task, pipeline
from tests.factories import MARKET
from tests.messages import cancellation, deal
from tests.statements import line, text

FIRST = datetime(2026, 3, 2, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAYS = (date(2026, 3, 2), date(2026, 3, 3))
MAX_LATE_HOURS = 72
_LABELS = ("08-09", "12-13", "15-16", "15:00-15:15", "15:30-16:00", "08-20", "20-21", "23-24")
_INSTANCES = ("a", "b")


@dataclass(frozen=True, slots=True)
class Sent:
    """A message, and when the exchange sent it."""

    at: datetime
    text: str


@dataclass
class Scenario:
    """What is landed: path below LANDING_ROOT to content.

    Attributes:
        files: Of all sources; those of trades are duplicated in part, as by a restored backup.
        message_count: Messages that the exchange sent.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    message_count: int = 0

    @classmethod
    def made(cls, random_: random.Random, trades: int, hours: int, *, has_statement: bool = True) -> "Scenario":
        """Trades of a number of hours with all that becomes of them, received up to 72 hours late."""
        scenario = cls()
        sent, stated = _traded(random_, trades, hours)
        scenario.message_count = len(sent)
        scenario._receive(random_, sent)
        scenario._pull(random_)
        if has_statement:
            random_.shuffle(stated)
            name = f"{FIRST + 20 * HOUR:%Y%m%dT%H%M%S%fZ}-{random_.randbytes(16).hex()}.csv"
            scenario.files[f"statements/date={DAYS[0]}/{name}"] = text(stated).encode()
        return scenario

    def write(self, root: Path) -> None:
        """All files, complete."""
        for key, content in self.files.items():
            path = root / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def _receive(self, random_: random.Random, sent: list[Sent]) -> None:
        lines: dict[str, list[tuple[datetime, bytes]]] = defaultdict(list)
        delays = [random_.uniform(0, MAX_LATE_HOURS) for _ in range(3)]  # so that files hold more than a line
        for message in sent:
            for instance in random_.choice([_INSTANCES, _INSTANCES, ("a",), ("b",)]):
                late = random_.choice([0.0, 0.0, 0.0, random_.choice(delays)])
                at = message.at + timedelta(hours=late, milliseconds=random_.randrange(5_000))
                key = f"trades/date={at:%Y-%m-%d}/hour={at:%H}/{instance}.jsonl"
                # as close to its message as those of a real capture, which come every 10 s
                heartbeat = event_line(at, "heartbeat", connected=True)
                lines[key].append((at, heartbeat + message_line(at, message.text.encode())))
        for key, received in lines.items():
            received.sort()
            start = received[0][0].replace(minute=0, second=0, microsecond=0)
            opened = event_line(start, "opened", connected=True)
            rolled = event_line(start + HOUR - timedelta(milliseconds=1), "rolled", connected=True)
            torn = random_.choice([b"", b"", b'{"received_at":"20'])
            self.files[key] = opened + b"".join(text for _, text in received) + rolled + torn
            if random_.random() < 0.2:
                self.files[key.replace(".jsonl", "-restored.jsonl")] = self.files[key]
        # capture is connected once all is delivered: for the specification gaps end with the last connection
        end = FIRST + 5 * 24 * HOUR
        self.files[f"trades/date={end:%Y-%m-%d}/hour={end:%H}/a.jsonl"] = event_line(
            end, "opened", connected=True
        )

    def _pull(self, random_: random.Random) -> None:
        for number in range(8):
            at = FIRST + random_.randrange(80) * HOUR
            content = b""
            for hour in random_.sample([h for day in DAYS for h in MARKET.hours_of(day)], 12):
                at += timedelta(seconds=1)
                content += _reply(random_, at, hour)
            key = f"reference_prices/date={at:%Y-%m-%d}/hour={at:%H}/pull-{number}.jsonl"
            self.files[key] = content


class Landing:
    """Files of a scenario that appear in any order and grow, as if their writers were still there."""

    def __init__(self, scenario: Scenario, root: Path) -> None:
        self._left = dict(scenario.files)
        self._root = root
        self._growing: dict[str, int] = {}

    def reveal(self, random_: random.Random, share: float) -> None:
        """Lands a share of what is left: whole files, and parts of others."""
        for key in random_.sample(
            sorted(self._left), max(1, round(share * len(self._left))) if self._left else 0
        ):
            content = self._left[key]
            is_part = not key.startswith("statements") and random_.random() < 0.4
            cut = random_.randrange(len(content) + 1) if is_part else len(content)
            self._append(key, content[:cut])
            self._left[key] = content[cut:]
            if not is_part:
                self._end(key)

    def finish(self) -> None:
        """Lands the rest; all writers are gone."""
        for key, content in list(self._left.items()):
            self._append(key, content)
            self._end(key)

    def _append(self, key: str, content: bytes) -> None:
        if key not in self._growing:
            path = self._root / key
            path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            unnamed = path.with_suffix(".opening")
            self._growing[key] = os.open(unnamed, flags, 0o600)
            fcntl.flock(self._growing[key], fcntl.LOCK_EX)
            if key.startswith("statements"):
                os.write(self._growing[key], content)
                content = b""
            unnamed.rename(path)
        os.write(self._growing[key], content)

    def _end(self, key: str) -> None:
        os.close(self._growing.pop(key))
        del self._left[key]


def tasks(settings: Settings) -> list[Task]:
    """Everything that makes PnL of the landing files, statements included."""
    first, second, *rest, build = pipeline(settings, has_pull=False)
    reconcile = ("reconcile", lambda: import_statements.reconcile_landed(settings))
    return [first, second, reconcile, *rest, build]


def run_all(settings: Settings) -> None:
    """All tasks once, undisturbed."""
    for _, task in tasks(settings):
        task()


def _traded(random_: random.Random, trades: int, hours: int) -> tuple[list[Sent], list[str]]:
    sent, stated = [], []
    for number in range(trades):
        at = FIRST + timedelta(seconds=random_.randrange(hours * 3600))
        body: dict[str, Any] = {
            "id": f"t{number}",
            "price": random_.choice([random_.randrange(-5_000, 20_000) / 100] * 30 + [12_345, -9_999.99]),
            "quantity": random_.choice([random_.randrange(1, 300) / 10] * 30 + [0]),
            "direction": random_.choice(["buy", "sell"]),
            "trader_id": random_.choice(["anna", "ben", "Müller"]),
            "delivery_day": str(random_.choice(DAYS)),
            "delivery_hour": random_.choice(_LABELS),
            "execution_time": at.isoformat(),
        }
        sent.append(Sent(at, deal(**body)))
        for later in range(random_.choice([0, 0, 0, 1, 2])):
            sent.append(Sent(at + timedelta(minutes=random_.randrange(1, 600)), _sequel(random_, body, later)))
        if random_.random() < 0.95 and body["quantity"]:
            row = body | random_.choice([{}] * 20 + [{"price": 1.5}])
            stated.append(line(**row))
    stated += [
        line(id=f"s{n}", delivery_hour="12", execution_time=FIRST.isoformat()) for n in range(trades // 50)
    ]
    for number in range(trades // 20):
        at = FIRST + timedelta(seconds=random_.randrange(hours * 3600))
        odd = ["no json", '{"deal": 1}', json.dumps({"type": "heartbeat", "n": number}), deal(currency="GBP")]
        sent.append(Sent(at, random_.choice(odd)))
    return sent, stated


def _sequel(random_: random.Random, body: dict[str, Any], number: int) -> str:
    """What becomes of a trade: an amendment, a cancellation, a dispute, a conflict, a self trade."""
    other = "buy" if body["direction"] == "sell" else "sell"
    match random_.randrange(6):
        case 0 | 1:
            return deal(**body | {"price": random_.randrange(100), "revision": number + 1})
        case 2:
            names = random_.choice(
                [{}, {"direction": body["direction"]}, {"revision": number}, {"direction": other}]
            )
            return cancellation(id=body["id"], **names)
        case 3:
            return deal(**body, state="DISPUTED")
        case 4:
            return deal(**body | {"price": body["price"] + 1})
        case _:
            return deal(**body | {"direction": other})


def _reply(random_: random.Random, at: datetime, hour: DeliveryPeriod) -> bytes:
    asked = {"delivery_day": str(hour.delivery_day), "delivery_hour": hour.delivery_hour}
    status = random_.choice([200] * 8 + [404, 500, 301])
    updated = (at - timedelta(minutes=random_.choice([5, 500]))).isoformat()
    value = random_.choice([random_.randrange(-50, 200)] * 8 + [None, 99_999])
    body = asked | {"unit": "euro/mwh", "value": value, "last_update": updated}
    return message_line(at, json.dumps(body).encode(), request=asked, status=status)
