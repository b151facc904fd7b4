"""What is expected of PnL that was built and is not published yet."""

from collections.abc import Sequence
from datetime import date
from typing import get_args

from include.domain.reference_price import PriceStatus
from include.errors import TerminalError
from include.expectations.library import (
    CRITICAL,
    Expectation,
    ExpectColumnValuesToBeBetween,
    ExpectColumnValuesToBeInSet,
    ExpectColumnValuesToNotBeNull,
    ExpectNoRows,
    no_rows_where,
)
from include.expectations.validation import Suite, validate
from include.expectations.views import checked_view
from include.settings import Settings
from include.warehouse.connection import connect

_IDENTITY = ("market", "delivery_day", "delivery_hour", "trader_id")
_SELECT = f"SELECT {', '.join(_IDENTITY)}"


def check_pnl(settings: Settings, days: list[date]) -> None:
    """Validates the rows of these days in staging.pnl_hourly; to be called while what counts cannot change.

    Raises:
        TerminalError: They break a critical expectation and must not be published; it says which.
        TransientError: The warehouse went away.
    """
    with (
        connect(settings.warehouse_url, "check_pnl") as conn,
        checked_view(conn, "pnl_hourly", {"market": settings.market.market, "days": days}) as view,
    ):
        findings = validate(settings, conn, suite(), view)
    broken = [finding for finding in findings if finding.is_critical]
    if broken:
        raise TerminalError(
            f"PnL of {days[0]} to {days[-1]} is not published, curated.pnl_hourly is as it was:\n"
            + "\n".join(f"- expected that {finding.expectation}; {finding.detail}" for finding in broken)
        )


def suite() -> Suite:
    """The suite for a view as `validation_view_pnl_hourly` makes it."""
    return Suite("pnl_hourly", _IDENTITY, (*_keys(), *_inputs(), *_arithmetic(), *_prices(), *_completeness()))


def _rows(condition: str, columns: Sequence[str], description: str) -> Expectation:
    """No row meets the condition on these columns, of which the first is the one it is about."""
    return no_rows_where(
        condition,
        columns=(*_IDENTITY, *columns),
        column=columns[0],
        severity=CRITICAL,
        description=description,
    )


def _keys() -> list[Expectation]:
    return [
        *(
            ExpectColumnValuesToNotBeNull(
                column=column, severity=CRITICAL, description=f"each row has its {column}"
            )
            for column in _IDENTITY
        ),
        ExpectNoRows(
            unexpected_rows_query=f"""
                {_SELECT}, count(*) AS row_count
                FROM {{batch}}
                GROUP BY market, delivery_day, delivery_hour, trader_id
                HAVING count(*) > 1
                """,
            severity=CRITICAL,
            description="a trader has one row in a delivery period",
        ),
    ]


def _inputs() -> list[Expectation]:
    return [
        ExpectNoRows(
            unexpected_rows_query="""
                SELECT
                    market, delivery_day, delivery_hour, trader_id,
                    p.trade_count, t.trade_count AS accepted_trade_count,
                    p.buy_mwh, t.buy_mwh AS accepted_buy_mwh, p.sell_mwh, t.sell_mwh AS accepted_sell_mwh,
                    p.buy_value_eur, t.buy_value_eur AS accepted_buy_value_eur,
                    p.sell_value_eur, t.sell_value_eur AS accepted_sell_value_eur
                FROM {batch} AS p
                FULL JOIN (
                    SELECT
                        c.market, c.delivery_day, h.pnl_hour AS delivery_hour, c.trader_id,
                        count(*) AS trade_count,
                        coalesce(sum(c.quantity_mw * h.hours) FILTER (WHERE direction = 'buy'), 0) AS buy_mwh,
                        coalesce(sum(c.quantity_mw * h.hours) FILTER (WHERE direction = 'sell'), 0) AS sell_mwh,
                        coalesce(sum(c.quantity_mw * h.hours * c.price_eur_per_mwh)
                                 FILTER (WHERE direction = 'buy'), 0) AS buy_value_eur,
                        coalesce(sum(c.quantity_mw * h.hours * c.price_eur_per_mwh)
                                 FILTER (WHERE direction = 'sell'), 0) AS sell_value_eur
                    FROM curated.trades AS c
                    JOIN raw.period_hours AS h
                        ON (h.market, h.delivery_day, h.delivery_hour)
                           = (c.market, c.delivery_day, c.delivery_hour)
                    -- days and labels are known before it is planned what is joined first: else all trades are
                    -- read; and the built hours are no join (IS TRUE): else the trades of a day are joined with
                    -- all of them by the day alone
                    WHERE c.delivery_day = ANY (ARRAY(SELECT DISTINCT delivery_day FROM {batch} AS d))
                      AND c.delivery_hour = ANY (ARRAY(
                          SELECT DISTINCT l.delivery_hour
                          FROM raw.period_hours AS l
                          WHERE (l.market, l.delivery_day, l.pnl_hour) IN (
                              SELECT market, delivery_day, delivery_hour FROM {batch} AS e)))
                      AND ((h.market, h.delivery_day, h.pnl_hour) IN (
                          SELECT market, delivery_day, delivery_hour FROM {batch} AS b)) IS TRUE
                    GROUP BY c.market, c.delivery_day, h.pnl_hour, c.trader_id
                ) AS t USING (market, delivery_day, delivery_hour, trader_id)
                WHERE (p.trade_count, p.buy_mwh, p.sell_mwh, p.buy_value_eur, p.sell_value_eur)
                      IS DISTINCT FROM
                      (t.trade_count, t.buy_mwh, t.sell_mwh, t.buy_value_eur, t.sell_value_eur)
                """,
            severity=CRITICAL,
            description=(
                "number, energy and value of each trader's trades in each delivery period equal"
                " those of the accepted trades, to the last digit"
            ),
        ),
    ]


def _arithmetic() -> list[Expectation]:
    return [
        _rows(
            "net_position_mwh <> buy_mwh - sell_mwh",
            ("net_position_mwh", "buy_mwh", "sell_mwh"),
            "the net position is what was bought less what was sold",
        ),
        _rows(
            "cash_flow_eur <> sell_value_eur - buy_value_eur",
            ("cash_flow_eur", "sell_value_eur", "buy_value_eur"),
            "the cash flow is the income from sells less the cost of buys",
        ),
        _rows(
            "pnl_eur <> cash_flow_eur + net_position_mwh * reference_price_eur_per_mwh",
            ("pnl_eur", "cash_flow_eur", "net_position_mwh", "reference_price_eur_per_mwh"),
            "PnL is the cash flow and the net position at the reference price, to the last digit",
        ),
        _rows(
            "realised_pnl_eur + unrealised_pnl_eur <> pnl_eur",
            ("pnl_eur", "realised_pnl_eur", "unrealised_pnl_eur"),
            "realised and unrealised PnL add up to PnL, to the last digit",
        ),
        _rows(
            "(pnl_eur IS NULL) <> (reference_price_eur_per_mwh IS NULL)"
            " OR (unrealised_pnl_eur IS NULL) <> (reference_price_eur_per_mwh IS NULL)",
            ("pnl_eur", "unrealised_pnl_eur", "reference_price_eur_per_mwh"),
            "PnL is undefined without a reference price, and only then",
        ),
    ]


def _prices() -> list[Expectation]:
    return [
        ExpectColumnValuesToBeInSet(
            column="price_status",
            value_set=list(get_args(PriceStatus)),
            severity=CRITICAL,
            description="each price is final, provisional or missing",
        ),
        ExpectNoRows(
            unexpected_rows_query="""
                SELECT
                    p.delivery_day, p.delivery_hour, p.reference_price_eur_per_mwh, p.price_status,
                    r.price_eur_per_mwh AS accepted_price_eur_per_mwh, r.price_status AS accepted_price_status
                FROM (
                    SELECT DISTINCT
                        market, delivery_day, delivery_hour, reference_price_eur_per_mwh, price_status
                    FROM {batch} AS b
                ) AS p
                LEFT JOIN LATERAL (
                    SELECT c.price_eur_per_mwh, c.price_status
                    FROM curated.reference_prices AS c
                    WHERE (c.market, c.delivery_day, c.delivery_hour)
                          = (p.market, p.delivery_day, p.delivery_hour)
                    LIMIT 1 -- else the whole view is computed
                ) AS r ON true
                WHERE (p.reference_price_eur_per_mwh, p.price_status)
                      IS DISTINCT FROM (r.price_eur_per_mwh, coalesce(r.price_status, 'missing'))
                """,
            meta={"column": "reference_price_eur_per_mwh"},
            severity=CRITICAL,
            description="no price is invented: each is the accepted reference price of its delivery period",
        ),
    ]


def _completeness() -> list[Expectation]:
    return [
        ExpectColumnValuesToBeBetween(
            column="capture_gap_seconds",
            min_value=0,
            severity=CRITICAL,
            description="no capture gap is shorter than 0 s",
        ),
        _rows(
            "is_complete <> (capture_gap_seconds = 0 AND NOT has_unreviewed_messages)",
            ("is_complete", "capture_gap_seconds", "has_unreviewed_messages"),
            "a row is complete if and only if there was no capture gap and no message waits for a review",
        ),
    ]
