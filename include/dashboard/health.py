"""What the page shows of the platform itself: in a trader's words, and for the engineer."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

from include.dashboard.language import say, stored
from include.dashboard.market import next_publication_at, next_refresh_at
from include.dashboard.reader import Query, Row
from include.dashboard.service import State
from include.dashboard.trades import review_command
from include.settings import Settings
from include.warehouse.queries import load_queries

QUERIES = load_queries("dashboard/queries.sql")
SHARED = load_queries("warehouse/queries.sql")

_GAP_DAYS = 7

DATA_DOCS = "data-docs/index.html"
"""Where the app serves the pages of the validations."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the database says about the platform; how old that is depends on when somebody asks.

    Attributes:
        data_as_of: Up to when the trades are known; None: none was ever loaded.
        troubles: In a trader's words.
    """

    data_as_of: datetime | None
    troubles: list[Row]

    @property
    def size(self) -> int:
        """Bytes of memory, estimated."""
        return 2000


def read_facts(query: Query) -> Facts:
    """Reads what status_at tells."""
    row = next(iter(query(QUERIES["data_as_of"])), {"data_as_of": None})
    troubles = [trouble | {"text": stored(trouble["text"])} for trouble in query(QUERIES["troubles"])]
    return Facts(row["data_as_of"], troubles)


def status_at(facts: Facts, now: datetime) -> Row:
    """The same facts as of a moment."""
    age = None if facts.data_as_of is None else max(int((now - facts.data_as_of).total_seconds()), 0)
    return {
        "now": now,
        "data_as_of": facts.data_as_of,
        "data_age_seconds": age,
        **upcoming(now),
        "troubles": facts.troubles,
    }


def upcoming(now: datetime) -> Row:
    """When the provider publishes next, and when its prices are asked for next."""
    return {"next_publication_at": next_publication_at(now), "next_refresh_at": next_refresh_at(now)}


def read_gaps(query: Query, first: datetime, until: datetime, limit: int = 1000) -> list[Row]:
    """Gaps of the capture that touch a span of time, the last first."""
    return query(SHARED["gaps"], from_at=first, until_at=until, limit=limit)


def read_health(query: Query, state: State, now: datetime, run_href: str) -> Row:
    """Everything that an engineer looks at first.

    Args:
        run_href: Where a run is shown, with `{dag_id}` and `{run_id}`; empty: nowhere.
    """
    settings = state.settings
    open_now = settings.market.tradable_hours(now)
    (prices,) = query(
        SHARED["health_prices"],
        provider=settings.provider,
        days=[period.delivery_day for period in open_now],
        hours=[period.delivery_hour for period in open_now],
    )
    (ledger,) = query(QUERIES["health_ledger"])
    runs = query(QUERIES["health_runs"])
    return {
        "version": state.version,
        "now": None,  # filled in when somebody asks
        "lines": query(SHARED["capture_instances"]),
        "gaps": read_gaps(query, now - timedelta(days=_GAP_DAYS), now + timedelta(days=1), 50),
        "ledger": ledger,
        "quarantined": [_with_command(row, settings) for row in query(QUERIES["health_quarantined"])],
        "rejects": [_with_command(row, settings) for row in query(QUERIES["health_rejects"])],
        "operational_messages": query(QUERIES["health_operational_messages"]),
        "unknown_fields": query(QUERIES["health_unknown_fields"]),
        "orphan_cancellations": query(QUERIES["health_orphan_cancellations"]),
        "prices": prices
        | {
            "per_minute": settings.reference_price_per_minute,
            "per_hour": settings.reference_price_per_hour,
        },
        "validations": [row | {"href": DATA_DOCS} for row in query(QUERIES["health_validations"])],
        "runs": [_run(row, run_href) for row in runs],
        "alarms": query(SHARED["alarms"]),
    }


def _with_command(row: Row, settings: Settings) -> Row:
    """The row with the command that decides on its example, None if it has none, instead of where that lies."""
    command = None if row["landing_file"] is None else review_command(row, settings.market_argument)
    return {k: v for k, v in row.items() if k not in ("trade_id", "landing_file", "line_number")} | {
        "review_command": command
    }


def _run(row: Row, run_href: str) -> Row:
    start, end = row.pop("window_start_at"), row.pop("window_end_at")
    window = (
        None
        if start is None
        else say("{start} to {end}", start=f"{start:%Y-%m-%d %H:%M} UTC", end=f"{end:%Y-%m-%d %H:%M} UTC")
    )
    href = run_href and run_href.format(**{name: quote(row[name], safe="") for name in ("dag_id", "run_id")})
    return row | {"window": window, "href": href or None}
