"""The report of a day to finance: the numbers of the specification, corrections, each revision sent once."""

import email
import email.policy
import errno
import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from include import day_report
from include import report as day_table
from include.domain.pnl import Fill, compute_pnl
from include.errors import TerminalError, TransientError
from include.health.notices import Notice
from include.health.notify import send_once
from include.jobs import send_report, write_report
from include.settings import Settings
from tests.factories import Database
from tests.integration.health.receivers import mail_receiver, webhook_receiver

DAY = date(2026, 3, 1)
ANNA = [Fill("sell", Decimal("1.2"), Decimal("10.2")), Fill("buy", Decimal("0.1"), Decimal("11.35"))]
BERT = [Fill("buy", Decimal("3.7"), Decimal("-4.01")), Fill("sell", Decimal("1.5"), Decimal(7))]
PRICE, OTHER = Decimal("9.8"), Decimal("-3.12")
EARLY = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def day(database: Database) -> Database:
    """Two traders, two hours, all priced; announced as final an hour ago."""
    for hour, trader, fills, price in (
        ("09-10", "anna", ANNA, OTHER),
        ("12-13", "anna", ANNA, PRICE),
        ("12-13", "bert", BERT, PRICE),
    ):
        database.pnl(DAY, hour, trader, price, fills=fills, valid_from=EARLY)
    announce(database, 1, datetime.now(UTC) - timedelta(hours=1))
    return database


def announce(database: Database, revision: int, final_at: datetime) -> None:
    database.insert(
        "ops.final_days",
        market="DE",
        delivery_day=DAY,
        revision=revision,
        final_at=final_at,
        has_open_points=False,
        announced_by="r",
    )


def change(database: Database, price: Decimal | None) -> None:
    """Bert's hour gets another price, now."""
    now = datetime.now(UTC)
    database.rows("UPDATE curated.pnl_versions SET valid_to = %s WHERE trader_id = 'bert'", (now,))
    database.pnl(DAY, "12-13", "bert", price, fills=BERT, valid_from=now)


def read(settings: Settings) -> tuple[day_report.DayReport, dict[str, list[dict[str, Any]]]]:
    """The report, and the rows of each sheet of its file by the names of their columns."""
    report = day_report.read(settings, DAY)
    return report, tables((settings.report_root / write(settings)).read_bytes())


def write(settings: Settings) -> str:
    return str(write_report.run(settings, DAY)["file"])


def tables(workbook: bytes) -> dict[str, list[dict[str, Any]]]:
    book = openpyxl.load_workbook(io.BytesIO(workbook))
    found = {}
    for sheet in book:
        header, *rows = sheet.iter_rows(values_only=True)
        found[sheet.title] = [dict(zip(map(str, header), row, strict=True)) for row in rows]
    return found


def summary(sheets: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    return {name: value for name, value in (row.values() for row in sheets["Summary"]) if name}


def test_the_numbers_are_those_of_the_specification(settings: Settings, day: Database) -> None:
    report, sheets = read(settings)
    hours = [("09-10", "anna", ANNA, OTHER), ("12-13", "anna", ANNA, PRICE), ("12-13", "bert", BERT, PRICE)]
    assert [(row["delivery_hour"], row["trader_id"]) for row in sheets["Hours"]] == [h[:2] for h in hours]
    computed = [compute_pnl(fills, price) for _, _, fills, price in hours]
    for row, pnl in zip(sheets["Hours"], computed, strict=True):
        for name in ("trade_count", "buy_mwh", "sell_mwh", "pnl_eur", "cash_flow_eur", "realised_pnl_eur"):
            assert row[name] == pytest.approx(float(getattr(pnl, name)), rel=1e-14), name
    pnls = [pnl.pnl_eur for pnl in computed]
    assert None not in pnls
    total = sum(pnl for pnl in pnls if pnl is not None)
    assert [Decimal(str(row["pnl_eur"])) for row in sheets["Traders"]] == [pnls[0] + pnls[1], pnls[2]]  # type: ignore[operator]
    assert [row["delivery period"] for row in sheets["Portfolio"]][-1] == "total"
    assert Decimal(str(sheets["Portfolio"][-1]["PnL EUR"])) == total
    told = summary(sheets)
    assert Decimal(str(told["PnL of the portfolio, EUR"])) == total
    assert (told["open"], told["revision"]) == ("nothing", 1)
    assert "Changes" not in sheets
    assert report.title == "PnL 2026-03-01 DE"
    assert f"PnL of the portfolio, EUR: {total:.2f}" in report.text
    assert [file.name for file in settings.report_root.iterdir()] == ["pnl-2026-03-01.xlsx"]


def test_every_amount_is_a_number_however_many_digits_it_has(settings: Settings, day: Database) -> None:
    sevenths = [Fill("buy", Decimal(3), Decimal("12345.67")), Fill("sell", Decimal(3), Decimal("98765.43"))]
    sevenths.append(Fill("sell", Decimal(4), Decimal("98765.44")))
    day.pnl(DAY, "15-16", "carl", Decimal("0.123456"), fills=sevenths, valid_from=EARLY)
    carl = next(row for row in read(settings)[1]["Hours"] if row["trader_id"] == "carl")
    assert {type(value) for name, value in carl.items() if name.endswith("_eur")} <= {int, float}


@pytest.mark.parametrize("is_announced", [False, True])
def test_what_was_published_by_a_clock_ahead_counts_after_it_was_set_right(
    settings: Settings, day: Database, is_announced: bool
) -> None:
    day.rows("DELETE FROM ops.final_days")
    change(day, OTHER)
    ahead = "UPDATE curated.pnl_versions SET valid_to = valid_to + interval '40 min' WHERE valid_to IS NOT NULL"
    day.rows(ahead)
    day.rows(
        "UPDATE curated.pnl_versions SET valid_from = valid_from + interval '40 min'"
        " WHERE trader_id = 'bert' AND valid_to IS NULL"
    )
    if is_announced:
        columns = "market, delivery_day, revision, has_open_points, announced_by"
        day.rows(f"INSERT INTO ops.final_days ({columns}) VALUES ('DE', %s, 1, false, 'r')", (DAY,))
    expected = day.value("SELECT pnl_eur FROM curated.portfolio_pnl_daily")
    assert Decimal(str(summary(read(settings)[1])["PnL of the portfolio, EUR"])) == expected
    assert day_table.run(settings, DAY).table[-1]["PnL EUR"] == expected


def test_what_is_open_is_at_the_top(settings: Settings, day: Database) -> None:
    day.pnl(DAY, "14-15", "carl", None, valid_from=EARLY)
    day.trade(day.batch(), DAY, "15-16", trade_id="=1+1")
    day.quarantine("=1+1")
    report, sheets = read(settings)
    assert list(summary(sheets))[:3] == [
        "OPEN: price_missing",
        "OPEN: quarantined, waits for a review",
        "revision",
    ]
    assert report.text.startswith("OPEN: price_missing: 1 x 14-15\n")
    assert summary(sheets)["PnL of the portfolio, EUR"] is None
    assert "PnL of the portfolio, EUR: missing" in report.text
    assert summary(sheets)["delivery periods without a price"] == 1
    assert report.title == "PnL 2026-03-01 DE, 2 open points"
    points = [(row["what"], row["delivery_hour"], row["trade_id"]) for row in sheets["Open"]]
    assert points == [("price_missing", "14-15", None), ("quarantined, waits for a review", "15-16", "=1+1")]


def test_a_block_in_quarantine_is_one_open_point(settings: Settings, day: Database) -> None:
    day.trade(day.batch(), DAY, "15-18", trade_id="block")
    day.quarantine("block")
    report, sheets = read(settings)
    assert report.title == "PnL 2026-03-01 DE, 1 open point"
    (point,) = sheets["Open"]
    assert (point["delivery_hour"], point["trade_id"]) == ("15-16, 16-17, 17-18", "block")


def test_a_message_that_tells_no_day_is_open_in_each_hour_that_it_may_be_about(
    settings: Settings, day: Database
) -> None:
    day.period(DAY, "15-16")
    row = {"source": "trades", "line_number": 1, "reason_code": "broken_json", "received_at": EARLY}
    batch = day.batch()
    file = day.value("SELECT landing_file_id FROM ops.load_batches WHERE load_batch_id = %s", (batch,))
    day.insert("ops.rejected_messages", **row, load_batch_id=batch, landing_file_id=file)
    _, sheets = read(settings)
    points = [(row["what"], row["delivery_hour"], row["trade_id"]) for row in sheets["Open"]]
    assert ("messages_rejected", "15-16", None) in points


def test_a_correction_says_what_changed(settings: Settings, day: Database) -> None:
    change(day, OTHER)
    report, sheets = read(settings)
    assert (report.revision, report.file_name) == (1, "pnl-2026-03-01.xlsx"), "not announced yet"
    before = summary(sheets)["PnL of the portfolio, EUR"]
    announce(day, 2, datetime.now(UTC))
    report, sheets = read(settings)
    assert report.file_name == "pnl-2026-03-01-revision-2.xlsx"
    assert report.title == "PnL 2026-03-01 DE, correction 1"
    told, (changed,) = summary(sheets), sheets["Changes"]
    assert told["in the revision before, EUR"] == before
    difference = Decimal(str(told["PnL of the portfolio, EUR"])) - Decimal(str(before))
    assert difference == Decimal("2.2") * (OTHER - PRICE)  # what bert is long, times the other price
    assert Decimal(str(changed["pnl_change_eur"])) == difference
    assert (changed["delivery_hour"], changed["trader_id"]) == ("12-13", "bert")
    assert changed["causes"] == "price revision"


def test_a_day_that_is_not_final_is_called_preliminary(settings: Settings, database: Database) -> None:
    report, sheets = read(settings)
    assert (report.title, report.file_name) == (
        "PnL 2026-03-01 DE, preliminary",
        "pnl-2026-03-01-preliminary.xlsx",
    )
    assert summary(sheets)["PnL of the portfolio, EUR"] == "nobody traded for delivery on this day"


def test_another_market_has_files_of_its_own(settings: Settings, database: Database) -> None:
    finland = replace(settings, market=replace(settings.market, market="FI"), is_first_market=False)
    assert day_report.read(finland, DAY).file_name == "pnl-FI-2026-03-01-preliminary.xlsx"


def test_a_folder_that_cannot_be_written_is_named(settings: Settings, database: Database) -> None:
    settings.report_root.write_text("a file")
    with pytest.raises(TerminalError, match=r"cannot write .*reports"):
        write_report.run(settings, DAY)


def test_two_runs_may_write_it_at_once(settings: Settings, day: Database) -> None:
    report = day_report.read(settings, DAY)
    with ThreadPoolExecutor(4) as pool:
        paths = {*pool.map(lambda _: report.write(settings.report_root), range(16))}
    assert {*settings.report_root.iterdir()} == paths
    assert tables(paths.pop().read_bytes())["Hours"]


def test_a_full_disk_keeps_nothing_of_it(
    settings: Settings, day: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_bytes = Path.write_bytes

    def fill(path: Path, content: bytes) -> int:
        write_bytes(path, content[:100])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fill)
    with pytest.raises(TerminalError, match="No space left on device"):
        write_report.run(settings, DAY)
    assert [*settings.report_root.iterdir()] == []


@pytest.mark.parametrize("end", ["\n", "\r", "\u2028", "\u202e"])
def test_a_name_adds_no_line_to_the_mail_and_turns_no_digits_round(
    settings: Settings, day: Database, end: str
) -> None:
    name = f"carl{end}PnL of the portfolio, EUR: 1.00"
    lines = len(day_report.read(settings, DAY).text.splitlines())
    day.pnl(DAY, "15-16", name, PRICE, fills=BERT, valid_from=EARLY)
    text = day_report.read(settings, DAY).text
    assert len(text.splitlines()) == lines + 1
    assert end not in text.replace("\n", "") if end != "\n" else "carl\\nPnL" in text


def attached(mail: str) -> dict[str, list[dict[str, Any]]]:
    message = email.message_from_string(mail, policy=email.policy.default)
    (file,) = message.iter_attachments()
    assert file.get_filename() == "pnl-2026-03-01.xlsx"
    return tables(file.get_payload(decode=True))  # type: ignore[arg-type]


def test_it_is_mailed_once_with_the_spreadsheet(settings: Settings, day: Database) -> None:
    assert "skipped" in send_report.run(settings, DAY)
    with mail_receiver() as mail:
        settings = replace(settings, report_urls=(mail.url(to="finance@example.com"),))
        assert send_report.run(settings, DAY) == {"sent": 1, "revision": 1}
        assert send_report.run(settings, DAY) == {"sent": 0, "revision": 1}
        assert mail.recipients == ["finance@example.com"]
        assert attached(mail.mails[0]) == read(settings)[1]
        assert "Subject: PnL 2026-03-01 DE\r\n" in mail.mails[0]
        assert send_report.run(settings, DAY, "manual__1") == {"sent": 1, "revision": 1}
        assert send_report.run(settings, DAY, "manual__1") == {"sent": 0, "revision": 1}
        change(day, OTHER)
        announce(day, 2, datetime.now(UTC))
        assert send_report.run(settings, DAY) == {"sent": 1, "revision": 2}
        assert len(mail.mails) == 3


def test_a_channel_that_fails_is_red_and_tried_again_without_the_others(
    settings: Settings, day: Database
) -> None:
    with mail_receiver() as mail, webhook_receiver() as webhook:
        mail.refuse = True
        settings = replace(settings, report_urls=(mail.url(), webhook.url))
        with pytest.raises(
            TransientError, match=r"report DE 2026-03-01 revision 1 was not sent by mailto-\w+: "
        ):
            send_report.run(settings, DAY)
        with pytest.raises(TransientError, match=r"mailto-\w+: another try .* less than five minutes ago"):
            send_report.run(settings, DAY)
        day.rows("UPDATE ops.notifications SET started_at = started_at - interval '6 minutes'")
        mail.refuse = False
        assert send_report.run(settings, DAY) == {"sent": 1, "revision": 1}
        assert (len(mail.mails), len(webhook.bodies)) == (1, 1)
        assert webhook.bodies[0]["revision"] == "1"


@pytest.mark.parametrize("is_removed", [True, False], ids=["removed", "last now"])
def test_who_did_not_get_it_gets_it_whatever_becomes_of_the_others(
    settings: Settings, day: Database, is_removed: bool
) -> None:
    with webhook_receiver() as has_it, webhook_receiver() as lacks_it:
        lacks_it.status = 503
        urls = (has_it.url, lacks_it.url)
        with pytest.raises(TransientError, match="was not sent by json-"):
            send_report.run(replace(settings, report_urls=urls), DAY)
        day.rows("UPDATE ops.notifications SET started_at = started_at - interval '6 minutes'")
        lacks_it.status = 200
        settings = replace(settings, report_urls=urls[1:] if is_removed else urls[::-1])
        assert send_report.run(settings, DAY) == {"sent": 1, "revision": 1}
        assert (len(has_it.bodies), len(lacks_it.bodies)) == (1, 2), "the refused one, and the one it took"


def test_nothing_is_sent_while_nobody_knows_what_was_sent() -> None:
    settings = replace(Settings(), warehouse_url="postgresql://u:p@127.0.0.1:1/w")
    with webhook_receiver() as webhook:
        with pytest.raises(TransientError, match="nothing is sent"):
            send_once(settings, Notice("a", "report", "t", "x"), [webhook.url])
        assert webhook.bodies == []
