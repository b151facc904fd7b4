"""A bad provider, one that is away for a day, and processes that want more of it than the budget allows."""

import gc
import itertools
import os
import signal
import threading
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from multiprocessing.process import BaseProcess
from random import Random

import psutil
import psycopg2
import pytest

from include.domain.reference_price import why_no_answer
from include.jobs import load_reference_prices
from include.landing import REFERENCE_PRICES, list_files
from include.landing_writer import LandingWriter
from include.load import audit
from include.pull import budget, puller
from include.pull.client import MarketDataClient
from include.pull.puller import Puller
from include.pull.schedule import PeriodToPrice
from include.settings import Settings
from tests.factories import MARKET, Database
from tests.integration.conftest import provider as provider
from tests.integration.pull.server import Answer, ScriptedProvider, price
from tests.messages import read_lines
from tests.torture import hostile
from tests.torture.conftest import Torture
from tests.torture.server import FORK, forget_sockets

PER_WINDOW, PER_LONG_WINDOW = 20, 60
WINDOW_SECONDS, LONG_WINDOW_SECONDS = 3.0, 12.0
"""In place of a minute and an hour."""
REQUEST_SECONDS, WHOLE_TIMEOUT_SECONDS = 2.5, 1.5
PROCESSES = 4
DAY = date(2026, 3, 2)


def pull(settings: Settings, number: int, seconds: float, times: tuple[float, float, float]) -> None:
    """A process that asks for a day of its own again and again, as fast as the budget lets it."""
    forget_sockets()
    budget.MINUTE_SECONDS, budget.HOUR_SECONDS, budget.REQUEST_SECONDS = times
    end = time.monotonic() + seconds
    day = DAY + timedelta(days=number)
    with (
        closing(psycopg2.connect(settings.warehouse_url)) as conn,
        MarketDataClient(settings.market_data_url, whole_seconds=WHOLE_TIMEOUT_SECONDS) as client,
    ):
        writer = LandingWriter(settings.landing_root, REFERENCE_PRICES, f"pull-{number}")
        for hour in itertools.cycle(MARKET.hours_of(day)):
            if time.monotonic() >= end:
                break
            period = PeriodToPrice(day, hour.delivery_hour, hour.start_at, True, False, None)
            Puller(client, budget.Budget(conn, settings), writer, MARKET, end).pull([period])
        writer.close(datetime.now(UTC))


def busiest(arrivals: Sequence[float], seconds: float) -> int:
    """The most requests in any window, which begins at one of them."""
    return max(bisect_left(arrivals, first + seconds) - number for number, first in enumerate(arrivals))


def test_the_budget_is_never_exceeded(
    torture: Torture, settings: Settings, database: Database, provider: ScriptedProvider
) -> None:
    """Processes are killed in mid-request and started again; replies are slow, refuse, hang or break."""
    arrivals: list[float] = []
    lock, random = threading.Lock(), torture.random

    def answer(target: str) -> Answer:
        with lock:
            arrivals.append(time.monotonic())
            mood = random.random()
        if mood < 0.1:
            provider.stopping.wait(random.uniform(0, WHOLE_TIMEOUT_SECONDS + 0.5))
        if mood > 0.97:
            return Answer(random.choice([500, 503, 404]), b"", {})
        return price()(target) if mood < 0.95 else Answer(write=hang_up)

    provider.script = [answer]
    settings = replace(
        settings,
        market_data_url=provider.url,
        reference_price_per_minute=PER_WINDOW,
        reference_price_per_hour=PER_LONG_WINDOW,
    )
    seconds = float(torture.count(12, 240))
    end = time.monotonic() + seconds
    times = (WINDOW_SECONDS, LONG_WINDOW_SECONDS, REQUEST_SECONDS)

    def start(number: int) -> BaseProcess:
        left = max(end - time.monotonic(), 0.0)
        worker = FORK.Process(target=pull, args=(settings, number, left, times))
        worker.start()
        return worker

    workers = [start(number) for number in range(PROCESSES)]
    kills = 0
    while time.monotonic() < end - 3:
        time.sleep(random.uniform(0.2, 2.0 if torture.is_long else 4.0))
        victim = random.randrange(PROCESSES)
        pid = workers[victim].pid
        if arrivals and workers[victim].is_alive() and pid is not None:
            os.kill(pid, signal.SIGKILL)
            workers[victim].join()
            workers[victim] = start(victim)
            kills += 1
    for worker in workers:
        worker.join(60)
    assert {worker.exitcode for worker in workers} == {0}
    arrivals.sort()
    windows = busiest(arrivals, WINDOW_SECONDS), busiest(arrivals, LONG_WINDOW_SECONDS)
    assert windows[0] <= PER_WINDOW
    assert windows[1] <= PER_LONG_WINDOW
    assert windows[0] == PER_WINDOW or windows[1] == PER_LONG_WINDOW, "saturated"
    unsent = database.value("SELECT count(*) FROM ops.provider_requests") - len(arrivals)
    unanswered = database.value("SELECT count(*) FROM ops.provider_requests WHERE status IS NULL")
    assert 0 <= unsent <= unanswered, "taken by a process that was killed before it sent anything"
    torture.report(
        "The provider never receives more than the budget",
        f"{PROCESSES} processes for {seconds:.0f} s with {kills} kills, {len(arrivals):,} requests received",
        f"busiest windows {windows[0]} of {PER_WINDOW} and {windows[1]} of {PER_LONG_WINDOW}",
    )


def hang_up(_: BaseHTTPRequestHandler) -> None:
    """No reply at all."""


def raw(content: bytes) -> Callable[[BaseHTTPRequestHandler], None]:
    """Bytes in place of a reply."""

    def write(handler: BaseHTTPRequestHandler) -> None:
        try:
            handler.wfile.write(content)
        except OSError:
            return  # the client had enough

    return write


def bad_answer(random: Random, asked: dict[str, str]) -> Answer:
    """A reply with any status, odd headers, and a body that is not what was promised."""
    status, body = hostile.reply(random, asked)
    names = random.sample(sorted(_HEADERS), random.choice([0, 1, 1, 2]))
    headers = {name: random.choice(_HEADERS[name]) for name in names}
    head = f"HTTP/1.1 {status} Odd\r\nContent-Length: {len(body)}\r\n".encode()
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("latin-1", "replace")
    whole = head + lines + b"\r\n" + body
    match random.randrange(12):
        case 0:
            return Answer(
                write=raw(hostile.changed(random, whole.decode("latin-1")).encode("latin-1", "replace"))
            )
        case 1:
            return Answer(write=raw(whole[: random.randrange(len(whole))]))
        case 2:
            return Answer(write=raw(random.randbytes(random.randrange(200))))
        case 3:
            many = b"X-Many: 1\r\n" * random.choice([90, 101, 5_000])
            return Answer(write=raw(head + many + b"\r\n" + body))
        case 4:
            return Answer(write=raw(head + b"X-Long: " + b"x" * 70_000 + b"\r\n\r\n" + body))
        case _:
            return Answer(write=raw(whole))


_HEADERS = {
    "Retry-After": ["0", "-1", "9" * 40, "soon", "Fri, 31 Dec 9999 23:59:59 GMT", "Thu, 01 Jan 1970 00:00:00"],
    "Content-Encoding": ["gzip", "deflate", "br", "odd", "gzip, gzip"],
    "Transfer-Encoding": ["chunked", "identity", "gzip"],
    "Location": ["http://[::1", "//x", "\xff\xfe", "/reference-price", "file:///etc/passwd"],
    "Content-Type": ["text/html; charset=utf-7", "application/json; charset=odd", "\x00"],
    "Content-Length": ["-1", "999999999999", "0", "one"],
    "Set-Cookie": ["a=b; Domain=.", "x" * 5_000],
    "Connection": ["close", "keep-alive", "upgrade"],
    "WWW-Authenticate": ["Basic realm=x", "Digest nonsense"],
}  # fmt: skip


# urllib3 leaves the socket of some broken replies to the garbage collector: counted at the end
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_whatever_a_provider_answers(
    torture: Torture,
    settings: Settings,
    database: Database,
    provider: ScriptedProvider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every status, odd headers, broken HTTP, hostile bodies: landed, judged as specified, never an error."""
    monkeypatch.setattr(puller, "MAX_ATTEMPTS", 1)
    count, kinds = torture.count(120, 8_000), Counter[str]()
    settings = replace(settings, market_data_url=provider.url, reference_price_per_minute=10**6)
    settings = replace(settings, reference_price_per_hour=10**6)
    hours = [hour for day in range(1, 28) for hour in MARKET.hours_of(date(2026, 2, day))]
    writer = LandingWriter(settings.landing_root, REFERENCE_PRICES, "pull")
    handles = psutil.Process().num_fds()
    with (
        closing(psycopg2.connect(settings.warehouse_url)) as conn,
        MarketDataClient(provider.url, read_seconds=0.3, whole_seconds=1.0) as client,
    ):
        for _ in torture.trials(count, count):
            hour = torture.random.choice(hours)
            asked = {"delivery_day": str(hour.delivery_day), "delivery_hour": hour.delivery_hour}
            provider.script = [bad_answer(torture.random, asked)]
            # no time to wait for what this provider asks for, nor for the answer before
            database.rows("DELETE FROM ops.provider_requests")
            period = PeriodToPrice(hour.delivery_day, hour.delivery_hour, hour.start_at, True, False, None)
            end = time.monotonic() + 30
            result = Puller(client, budget.Budget(conn, settings), writer, MARKET, end).pull([period])
            assert (result.requested, result.asked_elsewhere) == (1, 0)
            ((status, is_answer),) = database.rows("SELECT status, is_answer FROM ops.provider_requests")
            kinds["answered" if is_answer else "no reply" if status is None else "no answer"] += 1
            assert result.answered == is_answer
    writer.close(datetime.now(UTC))
    gc.collect()
    assert psutil.Process().num_fds() <= handles + 10
    landed = [
        line
        for file in list_files(settings.landing_root, REFERENCE_PRICES)
        for line in read_lines(file.path)
        if line.get("event") not in ("opened", "rolled", "closed")
    ]
    assert len(landed) == count, "each reply, and each failure, is landed"
    assert sum("event" in line for line in landed) == kinds["no reply"]
    answers = 0
    for line in landed:
        if "event" not in line:
            asked = line["request"]
            hour = MARKET.period(date.fromisoformat(asked["delivery_day"]), asked["delivery_hour"])
            body = line["raw"].encode() if "raw" in line else b"\xff"
            answers += why_no_answer(line["status"], body, hour) is None
    assert answers == kinds["answered"]
    loaded = load_reference_prices.run(settings)
    assert loaded["failed_files"] == 0
    assert not [file for file in audit.run(settings) if file.problems or file.waiting_lines]
    assert len(kinds) == 3
    what = ", ".join(f"{number:,} {kind}" for kind, number in sorted(kinds.items()))
    torture.report(
        "A bad provider does no harm", f"{count:,} bad replies", f"each landed and as specified: {what}"
    )
