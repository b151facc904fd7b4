"""The tasks from landed trades and the provider's prices to published PnL, and those of a rebuild.

load_trades ─┬─▶ validate_trades ────────────────────────────────────────────────────────────┐
             └─▶ pull_reference_prices ─▶ load_reference_prices ─▶ validate_reference_prices ─┴─▶ build_pnl
build_pnl ───▶ report_findings
"""

from airflow.sdk import Asset, Param, TriggerRule

from include.orchestration.tasks import job

RAW_TRADES = Asset("raw.trades", uri="warehouse://raw/trades")
RAW_REFERENCE_PRICES = Asset("raw.reference_prices", uri="warehouse://raw/reference_prices")
CURATED_TRADES = Asset("curated.trades", uri="warehouse://curated/trades")
CURATED_REFERENCE_PRICES = Asset("curated.reference_prices", uri="warehouse://curated/reference_prices")
PNL_HOURLY = Asset("curated.pnl_hourly", uri="warehouse://curated/pnl_hourly")

WINDOW_PARAMS = {
    "hour": Param(
        None,
        type=["null", "string"],
        format="date-time",
        title="Hour",
        description="Any moment within the hour of receipt that the run is about: the whole UTC hour around it"
        " is loaded, priced and built. Empty: the hour of the run's date. A backfill ignores it.",
    ),
    "force_prices": Param(
        False,
        type="boolean",
        title="Force prices",
        description="Ask the provider again for prices that are already final. Costs requests of its budget.",
    ),
}
"""What a person may tell a run about one hour."""


def load_price_and_build(windowed: bool) -> None:
    """Adds the tasks to the DAG that is being defined.

    Args:
        windowed: The run is about one hour of receipt, and the DAG has the params of WINDOW_PARAMS; otherwise
            about all there is.
    """
    trades = job("load_trades", windowed, outlets=[RAW_TRADES])
    accepted_trades = job("validate_trades", outlets=[CURATED_TRADES])
    # does its own retries within the budget; what it got is loaded even if the provider failed it
    params = ("force_prices",) if windowed else ()
    replies = job("pull_reference_prices", windowed, params, retries=0)
    prices = job("load_reference_prices", outlets=[RAW_REFERENCE_PRICES], trigger_rule=TriggerRule.ALL_DONE)
    accepted_prices = job("validate_reference_prices", outlets=[CURATED_REFERENCE_PRICES])
    pnl = job("build_pnl", windowed, outlets=[PNL_HOURLY])

    trades >> [accepted_trades, replies]
    replies >> prices >> accepted_prices
    [accepted_trades, accepted_prices] >> pnl >> job("report_findings", windowed)


def rebuild_everything() -> None:
    """Adds the tasks of a rebuild to the DAG that is being defined, one after the other."""
    checked = job("check_range", rebuilding=True)
    reloaded = job("reload_landing_files", rebuilding=True)
    trades = job("load_trades", outlets=[RAW_TRADES])
    accepted_trades = job("validate_trades", outlets=[CURATED_TRADES])
    replies = job("repull_reference_prices", rebuilding=True)
    prices = job("load_reference_prices", outlets=[RAW_REFERENCE_PRICES])
    accepted_prices = job("validate_reference_prices", outlets=[CURATED_REFERENCE_PRICES])
    pnl = job("rebuild_pnl", rebuilding=True, outlets=[PNL_HOURLY])

    checked >> reloaded >> trades >> accepted_trades >> replies >> prices >> accepted_prices >> pnl
    pnl >> job("report_findings")
