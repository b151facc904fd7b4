"""The tasks from landed trades and prices to PnL that several DAGs have, in the order in which they run."""

from typing import Any

from include.orchestration import assets
from include.orchestration.tasks import Run, Summary, task
from include.settings import Settings


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


def announce_final_days(settings: Settings) -> Any:
    """The task that tells downstream DAGs which delivery days of the market are final."""
    daily = assets.pnl_daily(settings)

    # after a failed build as well: a build that is red for long must not hold up the report
    @task(
        task_id="announce_final_days",
        inlets=[assets.PNL_HOURLY],
        outlets=[daily],
        trigger_rule="all_done",
    )
    def announce(run: Run) -> Summary:
        from include.jobs import announce_final_days as job

        days = job.run(run.settings, job.Announcer(*run.names))
        run.announce(daily, days)
        # an event without a day would be about nothing
        return {"days": [f"{day}" for day in days]} if days else {"skipped": "no day has become final"}

    return announce()
