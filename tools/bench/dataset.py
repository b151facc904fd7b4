"""The input of all measurements: messages of two delivery days as a landing file and as websocket frames."""

import logging
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

from websockets.frames import Frame, Opcode

from include.landing import TRADES, message_line

log = logging.getLogger(__name__)

DELIVERY_DAYS = ("2026-03-02", "2026-03-03")
DELIVERY_HOURS = tuple(f"{hour:02}-{hour + 1:02}" for hour in range(24))
_PERIODS = tuple(product(DELIVERY_DAYS, DELIVERY_HOURS))
_TRADERS = tuple(f"flex_trader_{number}" for number in range(1, 6))
_SHARES = (35, 25, 20, 15, 5)
"""How many of 100 trades each trader makes."""

_RECEIVED_HOUR = datetime(2026, 3, 1, 20, tzinfo=UTC)
_SEED = 20260302
_LINES_PER_REPORT = 250_000


@dataclass(frozen=True)
class Dataset:
    """The generated files and what a load of them must come to.

    Attributes:
        line_count: Messages, one a line and one a frame, in the same order.
        duplicate_count: Messages that were sent before, half the file away on average.
        malformed_count: Messages that are no trades.
        landing_root: A landing root with one file.
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
    hour = landing_root / TRADES / f"date={_RECEIVED_HOUR:%Y-%m-%d}" / f"hour={_RECEIVED_HOUR:%H}"
    hour.mkdir(parents=True)
    dataset = Dataset(line_count, line_count // 100, line_count // 1000, landing_root, folder / "frames.bin")
    step = timedelta(hours=1) / (line_count + 1)
    with (hour / "bench.jsonl").open("wb") as lines, dataset.frames.open("wb") as frames:
        for number, message in enumerate(messages(dataset), start=1):
            payload = message.encode()
            lines.write(message_line(_RECEIVED_HOUR + number * step, payload))
            frames.write(Frame(Opcode.TEXT, payload).serialize(mask=False))
            if number % _LINES_PER_REPORT == 0:
                log.info("generated %d of %d messages", number, line_count)
    return dataset


def messages(dataset: Dataset) -> Iterator[str]:
    """The messages in the order in which they were sent."""
    rng = random.Random(_SEED)
    middle = dataset.line_count // 2
    early_malformed = dataset.malformed_count // 2
    early = rng.sample(range(middle), dataset.duplicate_count + early_malformed)
    late = rng.sample(
        range(middle, dataset.line_count),
        dataset.duplicate_count + dataset.malformed_count - early_malformed,
    )
    repeat_of = dict(zip(late[: dataset.duplicate_count], early, strict=False))
    malformed = {*early[dataset.duplicate_count :], *late[dataset.duplicate_count :]}
    originals = set(repeat_of.values())
    kept: dict[int, str] = {}
    for position in range(dataset.line_count):
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
