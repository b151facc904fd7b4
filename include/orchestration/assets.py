"""The stores that the tasks read and write, as Airflow's assets: landing files → raw → curated."""

from airflow.sdk import Asset

from include.settings import Settings

LANDING_TRADES = Asset("landing/trades", uri="landing://files/trades")
LANDING_PRICES = Asset("landing/reference_prices", uri="landing://files/reference_prices")
LANDING_STATEMENTS = Asset("landing/statements", uri="landing://files/statements")
RAW_TRADES = Asset("raw.trades", uri="warehouse://raw/trades")
RAW_PRICES = Asset("raw.reference_prices", uri="warehouse://raw/reference_prices")
RAW_STATEMENTS = Asset("raw.statement_trades", uri="warehouse://raw/statement_trades")
CURATED_TRADES = Asset("curated.trades", uri="warehouse://curated/trades")
CURATED_PRICES = Asset("curated.reference_prices", uri="warehouse://curated/reference_prices")
RECONCILIATIONS = Asset("ops.reconciliations", uri="warehouse://ops/reconciliations")
PNL_HOURLY = Asset("curated.pnl_hourly", uri="warehouse://curated/pnl_hourly")


def pnl_daily(settings: Settings) -> Asset:
    """The final days of a market: an event per day and revision, whose partition key is the day (`2026-03-02`).

    Each market has its own, named as its DAGs are, since the days of the others are not its days.
    """
    name = f"pnl_daily{settings.dag_suffix}"
    return Asset(f"curated.{name}", uri=f"warehouse://curated/{name}")
