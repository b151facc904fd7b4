"""Raises and clears the alarms, tells people, and fails while a critical one is on."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from psycopg2.extensions import cursor

from include.capture.liveness import Signs, last_signs
from include.capture.silence import trading_since
from include.domain.rejection import shown
from include.duration import duration
from include.errors import TerminalError
from include.health.notices import Notice
from include.health.notify import notify
from include.load.waiting import MAX_WAIT, Waiting, waiting_files
from include.settings import Settings
from include.statement_files import STATEMENT_DUE
from include.warehouse.connection import connect
from include.warehouse.queries import fetch_dicts, load_queries, run_sql
from include.warehouse.roles import READER, hold_reader

log = logging.getLogger(__name__)

QUERIES = load_queries("jobs/check_freshness.sql")

CAPTURE_LIMIT = timedelta(seconds=60)
"""A capture writes a heartbeat every 10 s, connected or not."""

NEW_FIELD = timedelta(hours=24)
"""How long the alarm is on after a field of the exchange's messages was first received."""


EQUAL_PRICES = 3
"""So many open hours with one and the same reference price are suspicious."""

_NAMED_HOURS = 3
_CAPTURE_DOWN = "deals made now are not seen, their hours stay incomplete."


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
        severity: `critical`: the task is red while it is on. `warning`: people are told, nothing is red.
        is_news: A later `since_at` is news: the alarm is raised again, so that people are told.
    """

    alarm: str
    since_at: datetime
    detail: str
    page_code: str | None = None
    page_text: str | None = None
    severity: Literal["critical", "warning"] = "critical"
    is_news: bool = False

    def __str__(self) -> str:
        return f"{self.alarm}: {self.detail}. What to do: docs/runbook.md, section {self.alarm}"


def run(settings: Settings) -> Mapping[str, int]:
    """Checks what has to stay fresh in the market, keeps ops.alarms, tells people of alarms raised and cleared.

    Returns:
        The number of alarms that were cleared.

    Raises:
        TerminalError: A critical alarm is on; the message has a line for each. Or no warehouse is configured.
        TransientError: The warehouse cannot be reached.
    """
    alarms, cleared = check(settings)
    log_alarms(alarm for alarm in alarms if alarm.severity == "warning")
    if critical := [str(alarm) for alarm in alarms if alarm.severity == "critical"]:
        raise TerminalError("\n".join(critical))
    return {"cleared": cleared}


def log_alarms(alarms: Iterable[Alarm]) -> None:
    """A line for each, of its severity."""
    for alarm in alarms:
        log.log(logging.ERROR if alarm.severity == "critical" else logging.WARNING, "%s", alarm)


def check(settings: Settings) -> tuple[list[Alarm], int]:
    """The alarms that are on, and how many were cleared; both are in ops.alarms, and people were told.

    Raises:
        TransientError: The warehouse cannot be reached.
        TerminalError: No warehouse is configured.
    """
    now = datetime.now(UTC)
    market = {"market": settings.market.market}
    signs = last_signs(settings.landing_root, now, settings.landing_market)
    with connect(settings.warehouse_url, "check_freshness") as conn, conn, conn.cursor() as cur:
        run_sql(cur, QUERIES["first_run"], market)
        (first_run_at,) = cur.fetchone() or (None,)
        alarms: list[Alarm] = []
        if first_run_at is not None:
            alarms += _capture_alarm(now, signs, first_run_at)
            alarms += _late_alarms(now, fetch_dicts(cur, QUERIES["late"], market), first_run_at)
            alarms += _loading_alarm(now, waiting_files(cur, settings, now))
            alarms += _silence_alarm(cur, settings, now, first_run_at)
            alarms += _differences_alarm(fetch_dicts(cur, QUERIES["capture_differences"], market))
            alarms += _price_warnings(cur, market)
            alarms += _missing_statement_alarm(cur, settings, now, first_run_at)
        alarms += _reader_alarm(cur, now)
        alarms += _review_alarms(fetch_dicts(cur, QUERIES["unreviewed"], market))
        alarms += _statement_alarm(fetch_dicts(cur, QUERIES["statement_differences"], market))
        alarms += _field_alarm(fetch_dicts(cur, QUERIES["new_fields"], market | {"since": now - NEW_FIELD}))
        for alarm in alarms:
            run_sql(cur, QUERIES["alarms_outdated"], market | asdict(alarm))
            run_sql(cur, QUERIES["alarms_raise"], market | asdict(alarm))
        cleared = run_sql(cur, QUERIES["alarms_clear"], market | {"alarms": [alarm.alarm for alarm in alarms]})
    if settings.alert_urls:
        with connect(settings.warehouse_url, "check_freshness") as conn, conn, conn.cursor() as cur:
            notices = _notices(cur, settings.market.market)
        for notice in notices:
            notify(settings, notice)
    return alarms, cleared


def _late_alarms(now: datetime, rows: list[dict[str, Any]], first_run_at: datetime) -> Iterator[Alarm]:
    """What the view ops.freshness says: the rows hold limit, alarm and words of each thing."""
    for row in rows:
        last_at, meaning = row["last_at"], row["meaning"]
        detail = f"the {meaning} was {_when(now, last_at)}" if last_at else f"there never was one: {meaning}"
        detail += f"; the limit is {duration(row['limit_seconds'])}"
        yield Alarm(row["alarm"], last_at or first_run_at, detail, row["page_code"], row["page_text"])


def _capture_alarm(now: datetime, signs: Signs, first_run_at: datetime) -> Iterator[Alarm]:
    """Whether any capture instance lives, and whether any is connected: at least one should be."""
    if now - max(signs.written_at or first_run_at, first_run_at) > CAPTURE_LIMIT:
        last = (
            f"the last line in one was written {_when(now, signs.written_at)}"
            if signs.written_at
            else "none yet"
        )
        detail = f"no capture writes landing files: {last}"
        text = f"We do not record the exchange: {_CAPTURE_DOWN}"
        yield Alarm("capture_silent", signs.written_at or first_run_at, detail, "capture_down", text)
    elif now - max(signs.connected_at or first_run_at, first_run_at) > CAPTURE_LIMIT:
        last = _when(now, signs.connected_at) if signs.connected_at else "longer ago than the last two hours"
        detail = f"capture runs but is not connected to the exchange: it last was {last}"
        text = f"We are not connected to the exchange: {_CAPTURE_DOWN}"
        yield Alarm("capture_disconnected", signs.connected_at or first_run_at, detail, "capture_down", text)


def _loading_alarm(now: datetime, waiting: Sequence[Waiting]) -> Iterator[Alarm]:
    """Lines wait to be loaded: which file is the oldest, and why."""
    if not waiting:
        return
    oldest = waiting[0]
    files = "1 landing file holds" if len(waiting) == 1 else f"{len(waiting)} landing files hold"
    limit = f"{MAX_WAIT.seconds // 60} minutes"
    detail = (
        f"{files} lines that have waited for more than {limit} to be loaded: the"
        f" oldest was received {_when(now, oldest.since_at)}, in {oldest.landing_file}"
    )
    why = f": {oldest.load_error}" if oldest.load_error else ""
    text = f"Some deals or prices that arrived more than {limit} ago are not in these numbers yet."
    yield Alarm("loading_stuck", oldest.since_at, detail + why, "data_late", text)


def _silence_alarm(cur: cursor, settings: Settings, now: datetime, first_run_at: datetime) -> Iterator[Alarm]:
    """Whether a capture was connected for MAX_SILENCE_SECONDS, while hours could be traded, and no trade came.

    Only trades count, not what else the exchange sends: its heartbeats prove no subscription. Time without a
    connection does not count, since other alarms are about that.
    """
    open_since = trading_since(settings.market, now)
    if open_since is None:
        return
    since = {"market": settings.market.market, "first_run_at": first_run_at, "trading_since": open_since}
    (found,) = fetch_dicts(cur, QUERIES["last_trade"], since)
    if found["connected_seconds"] <= settings.max_silence_seconds:
        return
    last_at = found["last_trade_at"]
    last = f"the last one was received {_when(now, last_at)}" if last_at else "there never was one"
    limit = duration(settings.max_silence_seconds)
    detail = f"capture is connected to the exchange and receives no trades: {last}; the limit is {limit}"
    text = "No deals arrive from the exchange: nobody trades, or we are not sent what is traded."
    yield Alarm("no_trades", last_at or found["since_at"], detail, page_text=text)


def _differences_alarm(rows: list[dict[str, Any]]) -> Iterator[Alarm]:
    """Which capture instances missed trades in the last hour that was compared."""
    if not rows:
        return
    missed = "; ".join(
        f"{row['capture_instance']} {row['missed_count']:,}, such as {', '.join(row['missed_trade_ids'][:3])}"
        for row in rows
    )
    hour = f"{rows[0]['hour_start_at']:%Y-%m-%d %H:%M} UTC"
    detail = f"in the hour from {hour} capture instances missed trades that another one received: {missed}"
    text = "One of our recordings of the exchange lacks deals that another one has: the numbers are complete."
    first_at = min(row["first_missed_at"] for row in rows)
    yield Alarm("capture_differences", first_at, detail, page_text=text, severity="warning")


def _price_warnings(cur: cursor, market: Mapping[str, str]) -> Iterator[Alarm]:
    """Prices that somebody should look at: revised ones, stale ones that became final, all the same."""
    if revised := fetch_dicts(cur, QUERIES["revised_prices"], market):
        hours = _hours(len({(row["delivery_day"], row["delivery_hour"]) for row in revised}))
        changes = (
            f"{row['delivery_day']} {row['delivery_hour']} from {row['previous_price_eur_per_mwh']:f}"
            f" to {row['price_eur_per_mwh']:f} EUR/MWh"
            for row in revised
        )
        yield Alarm(
            "price_revised",
            revised[0]["observed_at"],
            f"the provider revised the final price of {hours} within the last day: {_first(changes)}",
            page_text=f"The provider changed the reference price of {hours} after it was final:"
            " PnL of these hours was calculated again.",
            severity="warning",
            is_news=True,
        )
    if stale := fetch_dicts(cur, QUERIES["stale_prices"], market):
        hours = _hours(len(stale))
        updates = (
            f"{row['delivery_day']} {row['delivery_hour']}, last updated"
            f" {row['provider_updated_at']:%Y-%m-%d %H:%M:%S} UTC"
            for row in stale
        )
        yield Alarm(
            "stale_price",
            stale[0]["observed_at"],
            f"the price of {hours} is final, and the provider never updated it after the last trades:"
            f" {_first(updates)}",
            page_text=f"The provider stopped updating the reference price of {hours} before trading ended:"
            " it may lack the last trades.",
            severity="warning",
            is_news=True,
        )
    for equal in fetch_dicts(cur, QUERIES["equal_prices"], {**market, "equal_prices": EQUAL_PRICES}):
        hours, price = _hours(equal["hours"]), f"{equal['price_eur_per_mwh']:f} EUR/MWh"
        yield Alarm(
            "suspicious_prices",
            equal["observed_at"],
            f"the provider answers {price} for each of the open hours that have a price: {hours}",
            page_text=f"The reference prices of all open hours are the same, {price}: they may be wrong.",
            severity="warning",
        )


def _hours(count: int) -> str:
    return "1 delivery hour" if count == 1 else f"{count} delivery hours"


def _first(texts: Iterable[str]) -> str:
    """The first few of them."""
    known = list(texts)
    rest = len(known) - _NAMED_HOURS
    return "; ".join(known[:_NAMED_HOURS]) + (f"; and {rest} more" if rest > 0 else "")


def _reader_alarm(cur: cursor, now: datetime) -> Iterator[Alarm]:
    """PostgreSQL lets every role change its own password: it is set back, and people are told."""
    is_restored, ended_sessions = hold_reader(cur)
    if ended_sessions:
        log.warning("%d sessions of %s were ended: their transactions took too long", ended_sessions, READER)
    if is_restored:
        detail = f"the role {READER} had changed its own password or settings; they were set back"
        yield Alarm("analyst_changed", now, detail)


def _review_alarms(rows: list[dict[str, Any]]) -> Iterator[Alarm]:
    """Messages that wait for a person's decision, until the last of them is reviewed."""
    for row in rows:
        count, since_at, reasons = row["message_count"], row["since_at"], row["reasons"]
        if row["problem"] == "quarantined":
            are, deals = ("trade is", "deal is") if count == 1 else ("trades are", "deals are")
            yield Alarm(
                "trades_quarantined",
                since_at,
                f"{count:,} {are} in quarantine; expected is that {reasons}",
                page_text=f"{count:,} {deals} held back because a check failed, until an engineer decides.",
            )
        else:
            were = "message was" if count == 1 else "messages were"
            yield Alarm(
                "messages_rejected",
                since_at,
                f"{count:,} {were} rejected and not reviewed: {reasons}",
                page_text=f"{count:,} {were} unreadable; the hours that may lack deals are marked incomplete.",
                severity="warning",
            )


def _statement_alarm(rows: list[dict[str, Any]]) -> Iterator[Alarm]:
    """Statements that differ from what was captured: critical as long as a day waits for a review."""
    waiting = [row for row in rows if row["state"] != "reconciled"]
    if waiting:
        days = (
            f"{row['statement_day']} ({row['unreviewed_unexpected_count']:,} captured trades are not in it,"
            f" {row['unreviewed_reject_count']:,} of its lines cannot be used)"
            for row in waiting
        )
        yield Alarm(
            "statement_differences",
            waiting[0]["landed_at"],
            f"the exchange's statement is not reconciled, a review is needed: {_first(days)}",
            page_text="The exchange's end-of-day file and our deals differ, until an engineer decides.",
        )
    elif rows:
        days = (
            f"{row['statement_day']} ({row['missing_count']:,} added, {row['differs_count']:,} changed)"
            for row in rows
        )
        yield Alarm(
            "statement_differences",
            max(row["landed_at"] for row in rows),
            f"the exchange's statement added or changed trades: {_first(days)}",
            page_text="The exchange's end-of-day file added or changed deals: PnL was calculated again.",
            severity="warning",
            is_news=True,
        )


def _missing_statement_alarm(
    cur: cursor, settings: Settings, now: datetime, first_run_at: datetime
) -> Iterator[Alarm]:
    """Days, of the last week and since the platform first ran, whose statement should be there and is not."""
    if settings.statement_folder is None:
        return
    market = settings.market
    local = now.astimezone(market.timezone)
    last = local.date() - timedelta(days=1 if local.time() >= STATEMENT_DUE else 2)
    first = max(first_run_at.astimezone(market.timezone).date(), last - timedelta(days=6))
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    parameters = {"market": market.market, "days": days}
    if missing := [row["day"] for row in fetch_dicts(cur, QUERIES["statements_missing"], parameters)]:
        due_at = datetime.combine(missing[0] + timedelta(days=1), STATEMENT_DUE, market.timezone)
        yield Alarm(
            "statement_missing",
            due_at.astimezone(UTC),
            f"no statement of the exchange by {STATEMENT_DUE:%H:%M} of the next day:"
            f" {_first(str(day) for day in missing)}",
            page_text="The exchange's end-of-day file has not come: capture gaps stay open.",
        )


def _field_alarm(rows: list[dict[str, Any]]) -> Iterator[Alarm]:
    """The exchange's messages have fields that have no meaning for us, for the first time."""
    if rows:
        names = ", ".join(f"{shown(row['name'])} (in {row['message_count']:,} messages)" for row in rows)
        detail = f"trades have fields that were never received before: {names}"
        yield Alarm("unknown_fields", rows[0]["first_seen_at"], detail, severity="warning")


def _when(now: datetime, at: datetime) -> str:
    return f"{duration((now - at).total_seconds())} ago, at {at:%Y-%m-%d %H:%M:%S} UTC"


def _notices(cur: cursor, market: str) -> list[Notice]:
    run_sql(cur, QUERIES["alarms_to_tell"], {"market": market})
    notices = []
    for alarm_id, alarm, severity, since_at, raised_at, cleared_at, detail, has_several in cur.fetchall():
        details = {"alarm": alarm, "market": market, "severity": severity}
        named = f"{market} {alarm}" if has_several else alarm
        details |= {"since": since_at.isoformat(), "raised": raised_at.isoformat()}
        about, todo = f"alarm {alarm_id}", f"What to do: docs/runbook.md, section {alarm}"
        if cleared_at is None:
            text = f"{detail}. {todo}"
            title = f"{'ALARM' if severity == 'critical' else 'warning:'} {named}"
            notices.append(Notice(f"{about} raised", "alarm_raised", title, text, details))
        else:
            details["cleared"] = cleared_at.isoformat()
            text = f"Over since {cleared_at:%Y-%m-%d %H:%M:%S} UTC; raised {raised_at:%H:%M:%S} UTC: {detail}."
            notices.append(Notice(f"{about} cleared", "alarm_cleared", f"over: {named}", text, details))
    return notices
