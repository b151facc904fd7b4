"""The rules of the alarms: what is late, missing, wrong, or to be decided in a market."""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal

from psycopg2.extensions import cursor

from include.capture.liveness import last_signs
from include.capture.silence import trading_since
from include.domain.rejection import shown
from include.duration import counted, duration
from include.health.limits import breaches
from include.health.missing_statements import overdue_statements
from include.load.waiting import MAX_WAIT, waiting_files
from include.settings import Settings
from include.statement_files import STATEMENT_DUE, statement_due_at
from include.warehouse.queries import fetch_dicts, load_queries, run_sql
from include.warehouse.roles import READER, hold_reader

log = logging.getLogger(__name__)

QUERIES = load_queries("health/alarms.sql")
SHARED = load_queries("warehouse/queries.sql")

CAPTURE_LIMIT = timedelta(seconds=60)
"""A capture writes a heartbeat every 10 s, connected or not."""

NEW_FIELD = timedelta(hours=24)
"""How long the alarm is on after a field of the exchange's messages was first received."""

SUSPICIOUS_HOURS = 3
"""So many hours with one and the same reference price, or all without one, are suspicious."""

_NAMED = 3
_CAPTURE_DOWN = "what is traded now is missing here, and its hours stay incomplete."


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm that is on.

    Attributes:
        alarm: Its name, and its section of docs/runbook.md.
        since_at: The last sign of what is missing, UTC.
        detail: What is the matter, in words.
        page_code: Code of ops.troubles; None: the name of the alarm.
        page_text: What it means for a trader; None: the page shows the detail of a critical alarm, nothing of a
            warning.
        severity: `critical`: the task is red while it is on. `warning`: people are notified, nothing is red.
            People are notified again when it changes.
        is_news: While the alarm is on and `since_at` becomes later, people are notified again: it is raised
            again.
    """

    alarm: str
    since_at: datetime
    detail: str
    page_text: str | None = None
    page_code: str | None = None
    severity: Literal["critical", "warning"] = "critical"
    is_news: bool = False

    def __str__(self) -> str:
        return f"{self.alarm}: {self.detail}. What to do: docs/runbook.md, section {self.alarm}"


_warning = partial(Alarm, severity="warning")
_news = partial(Alarm, severity="warning", is_news=True)


@dataclass(frozen=True, slots=True)
class _Look:
    """One look at the market: the transaction, the settings, the moment, and when a task of it first ran."""

    cur: cursor
    settings: Settings
    now: datetime
    first_run_at: datetime

    def rows(self, statement: str, **parameters: object) -> list[dict[str, Any]]:
        return fetch_dicts(self.cur, statement, {"market": self.settings.market.market, **parameters})

    def when(self, at: datetime) -> str:
        return f"{duration((self.now - at).total_seconds())} ago, at {at:%Y-%m-%d %H:%M:%S} UTC"


def alarms_on(cur: cursor, settings: Settings, now: datetime) -> list[Alarm]:
    """The alarms of the market that are on, by its landing files and its warehouse.

    Before a task of the market first ran only the rules about what is in the warehouse apply. The reader's role
    is put right.
    """
    run_sql(cur, SHARED["first_run"], {"market": settings.market.market})
    (first_run_at,) = cur.fetchone() or (None,)
    look = _Look(cur, settings, now, first_run_at or now)
    return [alarm for rule in ((*_RUNNING, *_ALWAYS) if first_run_at else _ALWAYS) for alarm in rule(look)]


def _capture(look: _Look) -> Iterator[Alarm]:
    """Whether any capture instance lives, and whether any is connected: at least one should be."""
    signs = last_signs(look.settings.landing_root, look.now, look.settings.landing_market)
    started_at = look.first_run_at
    if look.now - max(signs.written_at or started_at, started_at) > CAPTURE_LIMIT:
        last = (
            f"the last line in one was written {look.when(signs.written_at)}"
            if signs.written_at
            else "none yet"
        )
        detail = f"no capture writes landing files: {last}"
        text = f"We are not recording trades: {_CAPTURE_DOWN}"
        yield Alarm("capture_silent", signs.written_at or started_at, detail, text, "capture_down")
    elif look.now - max(signs.connected_at or started_at, started_at) > CAPTURE_LIMIT:
        last = look.when(signs.connected_at) if signs.connected_at else "longer ago than the last two hours"
        detail = f"capture runs but is not connected to the exchange: it last was {last}"
        text = f"We are not connected to the exchange: {_CAPTURE_DOWN}"
        yield Alarm("capture_disconnected", signs.connected_at or started_at, detail, text, "capture_down")


def _late(look: _Look) -> Iterator[Alarm]:
    """What the view ops.freshness says: the rows hold limit, alarm and words of each thing."""
    for row in look.rows(QUERIES["late"]):
        last_at, meaning = row["last_at"], row["meaning"]
        detail = f"the {meaning} was {look.when(last_at)}" if last_at else f"there never was one: {meaning}"
        detail += f"; the limit is {duration(row['limit_seconds'])}"
        yield Alarm(row["alarm"], last_at or look.first_run_at, detail, row["page_text"], row["page_code"])


def _loading(look: _Look) -> Iterator[Alarm]:
    """Lines that wait to be loaded: which file is the oldest, and why."""
    if not (waiting := waiting_files(look.cur, look.settings, look.now)):
        return
    oldest = waiting[0]
    files = "1 landing file holds" if len(waiting) == 1 else f"{len(waiting)} landing files hold"
    limit = f"{MAX_WAIT.seconds // 60} minutes"
    when = f"was received {look.when(oldest.since_at)}, in" if oldest.is_received_then else "is in"
    detail = (
        f"{files} lines that have waited for more than {limit} to be loaded: the oldest {when}"
        f" {oldest.landing_file}"
    )
    why = f": {oldest.load_error}" if oldest.load_error else ""
    text = f"Some trades or prices that arrived more than {limit} ago are not in these numbers yet."
    yield Alarm("loading_stuck", oldest.since_at, detail + why, text, "data_late")


def _silence(look: _Look) -> Iterator[Alarm]:
    """Whether a capture was connected for MAX_SILENCE_SECONDS, while hours could be traded, and no trade came.

    Only trades count, not what else the exchange sends: its heartbeats prove no subscription. Time without a
    connection does not count, since other alarms are about that.
    """
    open_since = trading_since(look.settings.market, look.now)
    if open_since is None:
        return
    (found,) = look.rows(QUERIES["last_trade"], first_run_at=look.first_run_at, trading_since=open_since)
    if found["connected_seconds"] <= look.settings.max_silence_seconds:
        return
    last_at = found["last_trade_at"]
    last = f"the last one was received {look.when(last_at)}" if last_at else "there never was one"
    limit = duration(look.settings.max_silence_seconds)
    detail = f"capture is connected to the exchange and receives no trades: {last}; the limit is {limit}"
    text = "No trades arrive from the exchange: nobody trades, or we are not sent what is traded."
    yield Alarm("no_trades", last_at or found["since_at"], detail, text)


def _differences(look: _Look) -> Iterator[Alarm]:
    """Which capture instances missed trades in the last hour that was compared."""
    if not (rows := look.rows(QUERIES["capture_differences"])):
        return
    missed = "; ".join(
        f"{row['capture_instance']} {row['missed_count']:,}, such as {', '.join(row['missed_trade_ids'][:3])}"
        for row in rows
    )
    hour = f"{rows[0]['hour_start_at']:%Y-%m-%d %H:%M} UTC"
    detail = f"in the hour from {hour} capture instances missed trades that another one received: {missed}"
    text = "One of our recordings of the exchange lacks trades that another one has: the numbers are complete."
    yield _warning("capture_differences", min(row["first_missed_at"] for row in rows), detail, text)


def _prices(look: _Look) -> Iterator[Alarm]:
    """Prices that somebody should look at: revised, stale and final, all the same, none at all."""
    if revised := look.rows(QUERIES["revised_prices"]):
        hours = counted(len({(row["delivery_day"], row["delivery_hour"]) for row in revised}), "delivery hour")
        changes = _first(
            f"{row['delivery_day']} {row['delivery_hour']} from {row['previous_price_eur_per_mwh']:f}"
            f" to {row['price_eur_per_mwh']:f} EUR/MWh"
            for row in revised
        )
        detail = f"the provider revised the final price of {hours} within the last day: {changes}"
        text = (
            f"The provider changed the reference price of {hours} after it was final:"
            " PnL of these hours was calculated again."
        )
        yield _news("price_revised", revised[0]["observed_at"], detail, text)
    if stale := look.rows(QUERIES["stale_prices"]):
        hours = counted(len(stale), "delivery hour")
        updates = _first(
            f"{row['delivery_day']} {row['delivery_hour']}, last updated"
            f" {row['provider_updated_at']:%Y-%m-%d %H:%M:%S} UTC"
            for row in stale
        )
        detail = f"the price of {hours} is final, and the provider never updated it after the last trades:"
        text = (
            f"The provider stopped updating the reference price of {hours} before trading ended:"
            " it may lack the last trades."
        )
        yield _news("stale_price", stale[0]["observed_at"], f"{detail} {updates}", text)
    for equal in look.rows(QUERIES["equal_prices"], suspicious_hours=SUSPICIOUS_HOURS):
        hours, price = counted(equal["hours"], "delivery hour"), f"{equal['price_eur_per_mwh']:f} EUR/MWh"
        detail = f"the provider answers {price} for each of the open hours that have a price: {hours}"
        text = f"The reference prices of all open hours are the same, {price}: they may be wrong."
        yield _warning("suspicious_prices", equal["observed_at"], detail, text)
    for unknown in look.rows(QUERIES["undefined_prices"], suspicious_hours=SUSPICIOUS_HOURS):
        hours, traded = counted(unknown["hours"], "delivery hour"), unknown["traded_hours"]
        statuses = f" ({unknown['statuses']})" if unknown["statuses"] else ""
        detail = (
            f"the provider knows no price of {hours}, all that it was asked for lately{statuses}, though"
            f" {traded:,} of them {'is' if traded == 1 else 'are'} traded"
        )
        text = "The provider has no reference price for any hour: prices stay as they are or are missing."
        yield _warning("prices_undefined", unknown["since_at"], detail, text)


def _missing_statement(look: _Look) -> Iterator[Alarm]:
    """Days whose statement should be reconciled as it is now, and is not."""
    overdue = overdue_statements(look.cur, look.settings, look.now, look.first_run_at)
    absent = [missed.day for missed in overdue if missed.file is None]
    found = [missed.day for missed in overdue if missed.file is not None and not missed.is_reconciled]
    changed = [missed.day for missed in overdue if missed.is_reconciled]
    said = []
    if absent:
        said.append(f"no statement of the exchange by {STATEMENT_DUE:%H:%M} of the next day: {_first(absent)}")
    if found:
        said.append(f"the file is in STATEMENT_FOLDER and not reconciled: {_first(found)}")
    if changed:
        said.append(f"the file in STATEMENT_FOLDER is another one than was reconciled: {_first(changed)}")
    if absent:
        text = "The exchange's end-of-day file has not come: capture gaps stay open."
    elif found:
        text = "The exchange's end-of-day file is there but not reconciled yet: capture gaps stay open."
    else:
        text = "The exchange's end-of-day file changed and is not reconciled again yet: trades are as before."
    if said:
        due_at = statement_due_at(min(missed.day for missed in overdue), look.settings.market.timezone)
        yield Alarm("statement_missing", due_at, "; ".join(said), text)


def _reader(look: _Look) -> Iterator[Alarm]:
    """PostgreSQL lets every role change its own password: it is set back, and people are notified."""
    is_restored, ended_sessions = hold_reader(look.cur)
    if ended_sessions:
        log.warning("%d sessions of %s were ended: their transactions took too long", ended_sessions, READER)
    if is_restored:
        detail = f"the role {READER} had changed its own password or settings; they were set back"
        yield Alarm("analyst_changed", look.now, detail)


def _reviews(look: _Look) -> Iterator[Alarm]:
    """Messages that wait for a person's decision, until the last of them is reviewed."""
    for row in look.rows(QUERIES["unreviewed"]):
        count, since_at, reasons = row["message_count"], row["since_at"], row["reasons"]
        if row["problem"] == "quarantined":
            are = "trade is" if count == 1 else "trades are"
            detail = f"{count:,} {are} in quarantine; expected: {reasons}"
            text = f"{count:,} {are} held back because a check failed, until an engineer decides."
            yield Alarm("trades_quarantined", since_at, detail, text)
        else:
            were = "message was" if count == 1 else "messages were"
            detail = f"{count:,} {were} rejected and not reviewed: {reasons}"
            text = f"{count:,} {were} unreadable; the hours that may lack trades are marked incomplete."
            yield _warning("messages_rejected", since_at, detail, text)


def _statements(look: _Look) -> Iterator[Alarm]:
    """Statements that differ from what was captured: critical as long as a day waits for a review."""
    rows = look.rows(QUERIES["statement_differences"])
    if waiting := [row for row in rows if row["state"] != "reconciled"]:
        days = _first(
            f"{row['statement_day']} (held, nothing of it is added: {row['alike_count']:,} of its trades equal"
            " captured ones in all but their id: are ids written differently?)"
            if row["state"] == "held"
            else f"{row['statement_day']}"
            f" ({row['unreviewed_unexpected_count']:,} captured trades are not in it,"
            f" {row['unreviewed_cancelled_count']:,} cancelled ones are,"
            f" {row['unreviewed_reject_count']:,} of its lines cannot be used)"
            for row in waiting
        )
        detail = f"the exchange's statement is not reconciled, a review is needed: {days}"
        text = "The exchange's end-of-day file and our trades differ, until an engineer decides."
        yield Alarm("statement_differences", waiting[0]["landed_at"], detail, text)
    elif rows:
        days = _first(
            f"{row['statement_day']} ({row['missing_count']:,} added, {row['differs_count']:,} changed)"
            for row in rows
        )
        detail = f"the exchange's statement added or changed trades: {days}"
        text = "The exchange's end-of-day file added or changed trades: PnL was calculated again."
        yield _news("statement_differences", max(row["landed_at"] for row in rows), detail, text)


def _fields(look: _Look) -> Iterator[Alarm]:
    """The exchange's messages have fields that have no meaning for us, for the first time."""
    if rows := look.rows(QUERIES["new_fields"], since=look.now - NEW_FIELD):
        names = ", ".join(f"{shown(row['name'])} (in {row['message_count']:,} messages)" for row in rows)
        detail = f"trades have fields that were never received before: {names}"
        yield _warning("unknown_fields", rows[0]["first_seen_at"], detail)


def _limits(look: _Look) -> Iterator[Alarm]:
    """Limits of ops.limits that were reached, until their hours are over: people are notified of each once."""
    if found := breaches(look.cur, look.settings.market.market):
        over = [breach for breach in found if breach.is_over]
        text = f"{counted(len(over), 'limit')} reached: {_first(over)}." if over else None
        last_at = max(breach.reached_at for breach in found)
        yield _news("limit_reached", last_at, f"limits that were reached: {_first(found)}", text)


_Rule = Callable[[_Look], Iterator[Alarm]]
_RUNNING: tuple[_Rule, ...] = (
    *(_capture, _late, _loading, _silence, _differences, _prices, _missing_statement),
)
"""Of a market of which a task has run."""
_ALWAYS: tuple[_Rule, ...] = (_reader, _reviews, _statements, _fields, _limits)


def _first(found: Iterable[object]) -> str:
    """The first few of them."""
    known = [str(each) for each in found]
    rest = len(known) - _NAMED
    return "; ".join(known[:_NAMED]) + (f"; and {rest} more" if rest > 0 else "")
