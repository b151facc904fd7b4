"""The page of the data dictionary: headings, tables and what must not break them."""

from include.commands.dictionary import page
from include.domain.rejection import Reason
from include.warehouse.dictionary import Column, Function, Relation, Schema

PRICES = Relation(
    "prices",
    "table",
    "Prices | of the market",
    ("delivery_day", "delivery_hour"),
    (
        Column("price_eur_per_mwh", "numeric", "Price"),
        Column("observed_at", "timestamp with time zone", "When"),
    ),
)
LATEST = Relation("latest", "view", "The last ones", (), (Column("note", "text", "one | or | other"),))
AS_OF = Function("as_of", "at timestamptz", "SETOF curated.prices", "What it said then")


def test_a_page_has_a_table_a_relation_and_the_reason_codes() -> None:
    text = page([Schema("curated", "What people read", (PRICES, LATEST), (AS_OF,))])
    assert "## curated\n\nWhat people read.\n" in text
    assert (
        "### curated.prices\n\nTable. Prices | of the market. Primary key: `delivery_day`, `delivery_hour`.\n"
        in text
    )
    assert "| `price_eur_per_mwh` | numeric | EUR/MWh | Price |\n" in text
    assert "| `observed_at` | timestamp with time zone | UTC | When |\n" in text
    assert "### curated.latest\n\nView. The last ones.\n" in text
    assert "### curated.as_of(at timestamptz)\n\nFunction that returns `SETOF curated.prices`." in text
    assert all(f"| `{reason}` | " in text for reason in Reason)


def test_a_bar_in_a_comment_does_not_end_its_cell() -> None:
    assert r"| `note` | text |  | one \| or \| other |" in page([Schema("curated", "", (LATEST,), ())])


def test_a_unit_is_what_the_name_promises() -> None:
    names = (
        "price_eur_per_mwh",
        "buy_mwh",
        "quantity_mw",
        "pnl_eur",
        "gap_seconds",
        "delivery_hours",
        "trade_id",
    )
    units = [Column(name, "numeric", None).unit for name in names]
    assert units == ["EUR/MWh", "MWh", "MW", "EUR", "s", "h", ""]
