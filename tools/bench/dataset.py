"""The input of all measurements: messages of two delivery days as a landing file and as websocket frames."""

import json
import logging
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import product
from pathlib import Path

from websockets.frames import Frame, Opcode

from include.landing import TRADES, hour_folder, message_line

log = logging.getLogger(__name__)

DELIVERY_DAYS = ("2026-03-02", "2026-03-03")
DELIVERY_HOURS = tuple(f"{hour:02}-{hour + 1:02}" for hour in range(24))
_PERIODS = tuple(product(DELIVERY_DAYS, DELIVERY_HOURS))
_TRADERS = tuple(f"flex_trader_{number}" for number in range(1, 6))
_SHARES = (35, 25, 20, 15, 5)
"""How many of 100 trades each trader makes."""

FIRST_HOUR = datetime(2026, 3, 1, 18, tzinfo=UTC)
_HOURS = 4
_SEED = 20260302


@dataclass(frozen=True)
class Dataset:
    """The generated files and what a load of them must come to.

    Attributes:
        line_count: Messages, one a line and one a frame, in the same order.
        duplicate_count: Messages that were sent before, half an hour away on average.
        malformed_count: Messages that are no trades.
        landing_root: A landing root with a file for each of four hours.
        frames: The messages as the server sends them, ready-made.
    """

    line_count: int
    duplicate_count: int
    malformed_count: int
    landing_root: Path
    frames: Path

    @property
    def trade_count(self) -> int:
        """Trades with an id of their own."""
        return self.line_count - self.duplicate_count - self.malformed_count


def generate(folder: Path, line_count: int) -> Dataset:
    """Writes both files; the same line count gives the same bytes."""
    landing_root = folder / "landing"
    dataset = Dataset(line_count, line_count // 100, line_count // 1000, landing_root, folder / "frames.bin")
    rng = random.Random(_SEED)
    with dataset.frames.open("wb") as frames:
        for number in range(_HOURS):
            counts = (dataset.line_count, dataset.duplicate_count, dataset.malformed_count)
            lines, duplicates, malformed = (
                count * (number + 1) // _HOURS - count * number // _HOURS for count in counts
            )
            payloads = [message.encode() for message in messages(rng, lines, duplicates, malformed)]
            land_hour(landing_root, FIRST_HOUR + timedelta(hours=number), payloads)
            frames.writelines(Frame(Opcode.TEXT, payload).serialize(mask=False) for payload in payloads)
            log.info("generated %d of %d hours", number + 1, _HOURS)
    return dataset


def land_hour(root: Path, hour: datetime, payloads: Sequence[bytes]) -> None:
    """Lands messages as received evenly over an hour."""
    step = timedelta(hours=1) / (len(payloads) + 1)
    lines = (message_line(hour + n * step, payload) for n, payload in enumerate(payloads, start=1))
    write_lines(root, TRADES, hour, lines)


def write_lines(root: Path, source: str, hour: datetime, lines: Iterable[bytes]) -> None:
    """Writes a landing file of an hour."""
    folder = root / hour_folder(source, hour)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "bench.jsonl").open("wb") as file:
        file.writelines(lines)


def reply_line(at: datetime, day: date | str, label: str, price: Decimal | int) -> bytes:
    """A reply of the provider as it is landed; the price in EUR/MWh."""
    request = {"delivery_day": f"{day}", "delivery_hour": label}
    fields = json.dumps(request | {"last_update": at.isoformat(), "unit": "euro/mwh"})
    return message_line(at, f'{fields[:-1]}, "value": {price}}}'.encode(), request=request, status=200)


def messages(rng: random.Random, count: int, duplicate_count: int, malformed_count: int) -> Iterator[str]:
    """The messages of an hour in the order in which they were sent."""
    middle = count // 2
    early_malformed = malformed_count // 2
    early = rng.sample(range(middle), duplicate_count + early_malformed)
    late = rng.sample(range(middle, count), duplicate_count + malformed_count - early_malformed)
    repeat_of = dict(zip(late[:duplicate_count], early, strict=False))
    malformed = {*early[duplicate_count:], *late[duplicate_count:]}
    originals = set(repeat_of.values())
    kept: dict[int, str] = {}
    for position in range(count):
        if position in repeat_of:
            yield kept[repeat_of[position]]
            continue
        message = _message(rng)
        if position in originals:
            kept[position] = message
        yield _broken(message, rng) if position in malformed else message


def _message(rng: random.Random) -> str:
    day, label = rng.choice(_PERIODS)
    evening_peak = 25 * (17 <= int(label[:2]) < 21)
    price = round(rng.gauss(35 + evening_peak, 35), 2)
    quantity = round(0.1 + rng.expovariate(1 / 4), 1)
    direction = "sell" if rng.random() < 0.7 else "buy"
    trader = rng.choices(_TRADERS, _SHARES)[0]
    second = rng.randrange(3600)
    return (
        f'{{"deal_confirmation": {{"id": "{rng.getrandbits(128):032x}", "price": {price},'
        f' "quantity": {quantity}, "direction": "{direction}", "delivery_day": "{day}",'
        f' "delivery_hour": "{label}", "trader_id": "{trader}",'
        f' "execution_time": "2026-03-01T19:{second // 60:02}:{second % 60:02}+00:00"}}}}'
    )


def _broken(message: str, rng: random.Random) -> str:
    """The message as no exchange should send it, in one of several ways."""
    return rng.choice(
        (
            message[: rng.randrange(1, len(message))],
            message.replace('"quantity"', '"volume"'),
            message.replace('"price": ', '"price": "NaN", "was": '),
            message.replace('"delivery_hour": "', '"delivery_hour": "9'),
        )
    )
