"""The tasks from landed trades and prices to PnL that several DAGs have, in the order in which they run."""

from include.orchestration import assets
from include.orchestration.tasks import Run, Summary, task


@task(inlets=[assets.LANDING_TRADES], outlets=[assets.RAW_TRADES])
def load_trades(run: Run) -> Summary:
    from include.jobs import load_trades as job

    return job.run(run.settings, run.window)


@task(inlets=[assets.RAW_TRADES], outlets=[assets.CURATED_TRADES])
def validate_trades(run: Run) -> Summary:
    from include.jobs import validate_trades as job

    return job.run(run.settings)


@task(outlets=[assets.LANDING_PRICES], retries=0)  # retries by itself, within the budget
def pull_reference_prices(run: Run) -> Summary:
    from include.jobs import pull_reference_prices as job

    return job.run(run.settings, run.window, force_prices=run.params.get("force_prices", False))


@task(inlets=[assets.LANDING_PRICES], outlets=[assets.RAW_PRICES], trigger_rule="all_done")
def load_reference_prices(run: Run) -> Summary:
    from include.jobs import load_reference_prices as job

    return job.run(run.settings)


@task(inlets=[assets.RAW_PRICES], outlets=[assets.CURATED_PRICES])
def validate_reference_prices(run: Run) -> Summary:
    from include.jobs import validate_reference_prices as job

    return job.run(run.settings)


@task(inlets=[assets.CURATED_TRADES, assets.CURATED_PRICES], outlets=[assets.PNL_HOURLY])
def build_pnl(run: Run) -> Summary:
    from include.jobs import build_pnl as job

    return job.run(run.settings, run.window)


@task()
def report_findings(run: Run) -> Summary:
    from include.jobs import report_findings as job

    return job.run(run.settings, run.window)
