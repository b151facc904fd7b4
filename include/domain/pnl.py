"""PnL of one trader in one delivery period: the executable specification that the SQL is tested against."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Literal

Direction = Literal["buy", "sell"]

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Fill:
    """The part of a trade that PnL depends on.

    Attributes:
        direction: `buy` or `sell`.
        energy_mwh: Quantity in MW x hours of delivery; > 0.
        price_eur_per_mwh: May be negative or zero.
    """

    direction: Direction
    energy_mwh: Decimal
    price_eur_per_mwh: Decimal


@dataclass(frozen=True, slots=True)
class Pnl:
    """The measures of a row of `curated.pnl_hourly`, with the same names and units.

    A measure that needs a reference price is None without one, and an average of no trades is None; never zero.
    """

    trade_count: int
    buy_mwh: Decimal
    sell_mwh: Decimal
    net_position_mwh: Decimal
    buy_vwap_eur_per_mwh: Decimal | None
    sell_vwap_eur_per_mwh: Decimal | None
    average_price_eur_per_mwh: Decimal | None
    cash_flow_eur: Decimal
    reference_price_eur_per_mwh: Decimal | None
    pnl_eur: Decimal | None
    realised_pnl_eur: Decimal
    unrealised_pnl_eur: Decimal | None
    performance_eur_per_mwh: Decimal | None
    buy_value_eur: Decimal
    sell_value_eur: Decimal


def compute_pnl(fills: Iterable[Fill], reference_price_eur_per_mwh: Decimal | None) -> Pnl:
    """PnL of the fills against the reference price of their delivery period.

    Sums and products are exact. Ratios are rounded half up to 12 decimals. Realised PnL is such a ratio and
    unrealised PnL is the rest of `pnl_eur`, so that the two add up exactly.
    """
    with localcontext() as context:
        context.prec = 100
        all_fills = list(fills)
        bought = [f for f in all_fills if f.direction == "buy"]
        sold = [f for f in all_fills if f.direction == "sell"]
        buy_mwh, sell_mwh = _energy(bought), _energy(sold)
        buy_value, sell_value = _value(bought), _value(sold)
        cash_flow, net_position = sell_value - buy_value, buy_mwh - sell_mwh
        reference = reference_price_eur_per_mwh
        pnl = None if reference is None else cash_flow + net_position * reference
        realised = realised_pnl(buy_mwh, sell_mwh, buy_value, sell_value)
        return Pnl(
            trade_count=len(all_fills),
            buy_mwh=buy_mwh,
            sell_mwh=sell_mwh,
            net_position_mwh=net_position,
            buy_vwap_eur_per_mwh=ratio(buy_value, buy_mwh),
            sell_vwap_eur_per_mwh=ratio(sell_value, sell_mwh),
            average_price_eur_per_mwh=ratio(buy_value + sell_value, buy_mwh + sell_mwh),
            cash_flow_eur=cash_flow,
            reference_price_eur_per_mwh=reference,
            pnl_eur=pnl,
            realised_pnl_eur=realised,
            unrealised_pnl_eur=None if pnl is None else pnl - realised,
            performance_eur_per_mwh=None if pnl is None else ratio(pnl, buy_mwh + sell_mwh),
            buy_value_eur=buy_value,
            sell_value_eur=sell_value,
        )


def realised_pnl(buy_mwh: Decimal, sell_mwh: Decimal, buy_value: Decimal, sell_value: Decimal) -> Decimal:
    """Realised PnL in EUR: min(buy, sell) x (sell_vwap - buy_vwap); 0 if there are no buys or no sells.

    Computed with one division, so that it is rounded only once.
    """
    if not buy_mwh or not sell_mwh:
        return ZERO
    if buy_mwh >= sell_mwh:
        return ratio(sell_value * buy_mwh - buy_value * sell_mwh, buy_mwh) or ZERO
    return ratio(sell_value * buy_mwh - buy_value * sell_mwh, sell_mwh) or ZERO


def ratio(numerator: Decimal, denominator: Decimal) -> Decimal | None:
    """The quotient, rounded half up to 30 and then to 12 decimals, as in SQL; None if the denominator is 0."""
    if not denominator:
        return None
    with localcontext() as context:
        context.prec = 100
        exact = (numerator / denominator).quantize(Decimal("1e-30"), ROUND_HALF_UP)
        return exact.quantize(Decimal("1e-12"), ROUND_HALF_UP)


def _energy(fills: list[Fill]) -> Decimal:
    return sum((f.energy_mwh for f in fills), ZERO)


def _value(fills: list[Fill]) -> Decimal:
    return sum((f.energy_mwh * f.price_eur_per_mwh for f in fills), ZERO)
