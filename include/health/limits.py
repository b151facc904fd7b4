"""Limits of the desk and its traders: which are reached, and since when."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from psycopg2.extensions import cursor

from include.domain.rejection import shown
from include.duration import rounded
from include.warehouse.queries import fetch_dicts, load_queries, run_sql

QUERIES = load_queries("health/limits.sql")

Measure = Literal["position_mwh", "loss_eur", "price_distance_eur_per_mwh"]


@dataclass(frozen=True, slots=True)
class Breach:
    """A limit that was reached.

    Attributes:
        measure: What is limited, with its unit.
        trader_id: Who; None: the portfolio.
        delivery_day: Local day of the market.
        delivery_hour: None: the loss of the whole day.
        value: Now if it is over the limit, else when it first was; only a position may be below 0.
        limit_value: In the same unit.
        trade_id: Of a price distance the trade that is farthest from the reference price.
        reached_at: When it was first seen.
        is_over: Whether the limit is reached now.
    """

    measure: Measure
    trader_id: str | None
    delivery_day: date
    delivery_hour: str | None
    value: Decimal
    limit_value: Decimal
    trade_id: str | None
    reached_at: datetime
    is_over: bool

    def __str__(self) -> str:
        who = "the portfolio" if self.trader_id is None else shown(self.trader_id)
        when = f"{self.delivery_day} {self.delivery_hour or ''}".strip()
        limit = f"the limit is {_fewest(self.limit_value):,f}" + ("" if self.is_over else ", within it again")
        match self.measure:
            case "position_mwh":
                return f"{who}, {when}: position of {self._shown(_energy_places(self.value)):+,f} MWh, {limit}"
            case "loss_eur":
                return f"{who}, {when}: loss of {self._shown(2):,f} EUR, {limit}"
            case "price_distance_eur_per_mwh":
                trade = shown(self.trade_id or "")
                distance = f"{self._shown(2):,f} EUR/MWh"
                return f"{who}, {when}: trade {trade} {distance} from the reference price, {limit}"

    def _shown(self, places: int) -> Decimal:
        """The value, rounded unless it would seem to be within the limit: then with all its digits."""
        value = rounded(self.value, places)
        return _fewest(self.value) if abs(value) < self.limit_value <= abs(self.value) else value


def _fewest(value: Decimal) -> Decimal:
    """Without zeros at the end of its decimals."""
    return value.quantize(Decimal(1)) if value == value.to_integral_value() else value.normalize()


def _energy_places(value: Decimal) -> int:
    """1 to 3 decimals, as the page shows energies."""
    return min(max(-int(_fewest(value).as_tuple().exponent), 1), 3)


def breaches(cur: cursor, market: str) -> list[Breach]:
    """The limits of a market that were reached for hours and days that are not over, the last reached first.

    Once in a transaction.

    Those that are reached for the first time are noted in ops.limit_breaches: a limit that is reached again for
    the same hour is no news, unless it was changed.
    """
    run_sql(cur, QUERIES["limits_now"], {"market": market})
    run_sql(cur, QUERIES["note_breaches"])
    return [Breach(**row) for row in fetch_dicts(cur, QUERIES["breaches"], {"market": market})]
