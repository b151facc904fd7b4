"""The stores that the tasks read and write, as Airflow's assets: landing files → raw → curated."""

from airflow.sdk import Asset

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
