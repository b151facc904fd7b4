"""Formats of statements: how exchanges write their end-of-day files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

PERIOD_FIELDS = (("delivery_day", "delivery_hour"), ("delivery_start", "delivery_end"))
"""A statement has the columns of one of these pairs."""

_REQUIRED = ("id", "direction", "price", "quantity")
_OPTIONAL = ("trader_id", "execution_time", "currency", "price_unit", "quantity_unit")
_FIELDS = {*_REQUIRED, *(name for names in PERIOD_FIELDS for name in names), *_OPTIONAL}


@dataclass(frozen=True, slots=True)
class StatementFormat:
    """How an exchange writes its statements.

    Attributes:
        columns: What a column holds to its name in the header, in any case: `id`, `direction`, `price`,
            `quantity`, and either `delivery_day` and `delivery_hour` or `delivery_start` and `delivery_end`;
            if there are such columns `trader_id`, `execution_time`, `currency`, `price_unit`, `quantity_unit`.
        is_hour_of_end: Whether a bare number in `delivery_hour` is the hour that ends then (14 is 13-14) and
            not the one that begins (14 is 14-15).
        delimiter: Between the columns; empty: whichever of `;`, `,`, tab and `|` the header has.
        decimal_mark: `.` or `,`; empty: either.
        timezone: IANA name of the zone of times without an offset; empty: the market's.
        is_by_delivery_day: A file has all trades that deliver on its day, whenever they were executed, and not
            all that were executed on its day.

    Raises:
        ValueError: The columns are not those of a statement.
    """

    columns: Mapping[str, str]
    is_hour_of_end: bool = False
    delimiter: str = ""
    decimal_mark: str = ""
    timezone: str = ""
    is_by_delivery_day: bool = False

    def __post_init__(self) -> None:
        if unknown := self.columns.keys() - _FIELDS:
            raise ValueError(f"a statement has no {', '.join(sorted(unknown))}")
        if missing := [name for name in _REQUIRED if name not in self.columns]:
            raise ValueError(f"a statement needs a column for {', '.join(missing)}")
        if sum(all(name in self.columns for name in names) for names in PERIOD_FIELDS) != 1:
            raise ValueError(
                "a statement needs delivery_day and delivery_hour, or delivery_start and delivery_end"
            )

    def positions(self, header: Sequence[str]) -> dict[str, int] | None:
        """Which column of a header holds what; None if a column is missing or there twice."""
        names = [cell.strip().casefold() for cell in header]
        found = {}
        for what, name in self.columns.items():
            count = names.count(name.casefold())
            if count == 1:
                found[what] = names.index(name.casefold())
            elif count > 1 or what not in _OPTIONAL:
                return None
        return found


FORMATS = (
    # id,price,quantity,direction,delivery_day,delivery_hour,trader_id,execution_time
    StatementFormat(
        {name: name for name in (*_REQUIRED, *PERIOD_FIELDS[0], *_OPTIONAL)},
    ),
    # TradeId;Side;DeliveryStart;DeliveryEnd;ExecutionTime;Price;Currency;Volume;VolumeUnit
    # in the public example, of 2025-06-08, a trade for that day was executed on the day before
    StatementFormat(
        {
            "id": "TradeId",
            "direction": "Side",
            "delivery_start": "DeliveryStart",
            "delivery_end": "DeliveryEnd",
            "execution_time": "ExecutionTime",
            "price": "Price",
            "currency": "Currency",
            "quantity": "Volume",
            "quantity_unit": "VolumeUnit",
            "trader_id": "TraderId",
        },
        is_by_delivery_day=True,
    ),
)
"""The formats of two public exchange interfaces; `MARKETS_FILE` can name others."""
