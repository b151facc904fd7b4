"""The trading desk on a test's own warehouse, with a login that knows one word."""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import requests
import uvicorn
from fastapi import HTTPException, Request
from starlette.types import ASGIApp

from include.dashboard.app import ForbiddenError, create_app
from include.dashboard.service import LOOK_SECONDS, Service
from include.jobs.build_pnl import publish, stage
from include.settings import Settings
from include.warehouse.connection import connect
from include.warehouse.locks import lock_pnl_days
from tests.factories import Database

DAY = date(2023, 2, 6)
LOGIN = {"Authorization": "Bearer known"}


def login(request: Request) -> None:
    """As Airflow's: 401 for strangers, 403 for a token that is no longer good; one user has no role."""
    given = request.headers.get("authorization")
    if given == "Bearer without-a-role":
        raise ForbiddenError
    if given != LOGIN["Authorization"]:
        raise HTTPException(403 if given else 401, "Not authenticated")


class Desk:
    """Trades, prices and builds, as the pipeline makes them."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database = database
        self.settings = settings
        self.trades = database.batch("trades")
        self.prices = database.batch("reference_prices", name="b")

    def sell(self, hour: str, price: str, trader: str = "anna", mw: str = "1", **columns: Any) -> str:
        return self._trade("sell", hour, price, trader, mw, **columns)

    def buy(self, hour: str, price: str, trader: str = "anna", mw: str = "1", **columns: Any) -> str:
        return self._trade("buy", hour, price, trader, mw, **columns)

    def _trade(
        self, direction: str, hour: str, price: str, trader: str, mw: str, day: date = DAY, **columns: Any
    ) -> str:
        quantity = Decimal(mw)
        return self.database.trade(
            self.trades, day, hour, trader, direction, quantity, Decimal(price), **columns
        )

    def cancel(self, trade_id: str, received_at: datetime) -> None:
        """The exchange takes the trade back."""
        line = self._line() | {"load_batch_id": self.trades, "received_at": received_at}
        self.database.insert("raw.trade_cancellations", market="DE", trade_id=trade_id, **line)

    def quarantine(self, trade_id: str, expectation: str = "each quantity is above 0 MW") -> None:
        """The trade breaks an expectation."""
        self.database.quarantine(trade_id, expectation)

    def reject(self, *hours: str, day: date = DAY, **columns: Any) -> int:
        """A message is rejected that tells these hours, or none; returns its line."""
        told = {"delivery_day": day, "delivery_hours": list(hours)} if hours else {}
        for hour in hours:
            self.database.told_period(day, hour)
        line = self._line()
        row = line | told | columns
        self.database.insert("ops.rejected_messages", load_batch_id=self.trades, **row)
        return int(line["line_number"])

    def _line(self) -> dict[str, int]:
        """A line of the file with the trades that holds nothing else."""
        known = ("ops.rejected_messages", "raw.trade_cancellations")
        counts = [self.database.value(f"SELECT count(*) FROM {table}") for table in known]
        return {"landing_file_id": 1, "line_number": 1000 + sum(counts)}

    def price(self, hour: str, price: str | None, day: date = DAY) -> None:
        """Observed an hour after the last one, long after delivery: final."""
        count = self.database.value("SELECT count(*) FROM raw.reference_prices")
        at = datetime(2023, 6, 1, tzinfo=UTC) + timedelta(hours=count)
        self.database.price(self.prices, day, hour, None if price is None else Decimal(price), at)

    def build(self, *days: date) -> datetime:
        """Publishes what is there, as build_pnl does; returns a moment after it."""
        self.database.pending()
        with connect(self.settings.warehouse_url, "test") as conn:
            with conn, conn.cursor() as cur:
                lock_pnl_days(cur, "DE", days or (DAY,))
            built = stage(conn, "DE", list(days or (DAY,)))
            with conn, conn.cursor() as cur:
                publish(cur, built)
        moment = self.database.value("SELECT clock_timestamp()")
        assert isinstance(moment, datetime)
        return moment


@pytest.fixture
def desk(database: Database, settings: Settings) -> Desk:
    return Desk(database, settings)


@pytest.fixture
def dashboard(desk: Desk) -> Desk:
    """The traders' table of the domain's description: +0.4 and -3.2."""
    desk.sell("12-13", "10.2")
    desk.sell("13-14", "5.7")
    desk.price("12-13", "9.8")
    desk.price("13-14", "8.9")
    desk.build()
    return desk


class Client:
    """A browser without a page: one user's requests to a running server.

    Attributes:
        session: With the headers of every request.
    """

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers.update(headers)

    def get(self, path: str, **parameters: str) -> requests.Response:
        return self.session.get(f"{self.url}/{path}", params=parameters, timeout=30)

    def json(self, path: str, **parameters: str) -> Any:
        """What a call below api/v1 answers; it must be 200."""
        reply = self.get(f"api/v1/{path}", **parameters)
        assert reply.status_code == 200, reply.text
        return reply.json()


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """URL of the application on a server of its own."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none"))
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def service(settings: Settings) -> Iterator[Service]:
    service = Service(lambda: [settings])
    yield service
    service.close()


@pytest.fixture
def url(settings: Settings, service: Service) -> Iterator[str]:
    """Where the trading desk is served."""
    app = create_app(lambda: [settings], login, "../dags/{dag_id}/runs/{run_id}", service)
    with served(app) as url:
        yield url


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    """Somebody who is logged in."""
    client = Client(url, LOGIN)
    yield client
    client.session.close()


@pytest.fixture
def stranger(url: str) -> Iterator[Client]:
    """Somebody who is not."""
    client = Client(url, {})
    yield client
    client.session.close()


PAUSE = LOOK_SECONDS + 0.3
"""After that the version is looked at again."""
