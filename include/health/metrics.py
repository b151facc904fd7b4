"""Every figure that is exported: its name, what it says, and its labels."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

PREFIX = "power_desk_"

Sample = tuple[str, tuple[str, ...], float]
"""Name of a figure without the prefix, the values of its labels, its value."""


@dataclass(frozen=True, slots=True)
class Figure:
    """What a figure says.

    Attributes:
        meaning: For the reader of a graph: one sentence, with what is special about its value.
        labels: Their names; every one has a handful of values.
        is_counter: It only grows, save for a reload or a decision on a batch; its name ends with `_total`.
    """

    meaning: str
    labels: tuple[str, ...] = ()
    is_counter: bool = False


FIGURES: Mapping[str, Figure] = {
    "warehouse_up": Figure("1: the warehouse answered the last read in time; 0: its figures are left out."),
    "read_duration_seconds": Figure("How long the last read of the warehouse took."),
    # capture, from what is loaded
    "capture_connected": Figure(
        "1: the capture line was connected where its loaded files end; lines of the last day.", ("line", "host")
    ),
    "capture_last_line_timestamp_seconds": Figure(
        "When the capture line wrote the last line that is loaded, heartbeats included.", ("line", "host")
    ),
    "capture_messages_per_minute": Figure(
        "Messages a minute that the loads of the last ten minutes brought.", ("line", "host")
    ),
    "capture_gap_open": Figure("1: no capture line was connected at the end of what is loaded."),
    "capture_gaps_today": Figure(
        "Times without any connected line since midnight of the market, as far as loaded."
    ),
    "capture_gap_seconds_today": Figure("Their length within today, together."),
    # capture, from the landing files themselves
    "capture_last_write_timestamp_seconds": Figure(
        "When any capture last wrote into a landing file. Only where LANDING_ROOT is mounted."
    ),
    "capture_last_connected_timestamp_seconds": Figure(
        "When any capture was last connected, by its files of the last two hours; 0: not in these."
        " Only where LANDING_ROOT is mounted."
    ),
    "landing_unloaded_bytes": Figure(
        "Bytes in landing files of the last day that are not loaded yet. Only where LANDING_ROOT is mounted.",
        ("source",),
    ),
    "landing_free_bytes": Figure("Free space for landing files. Only where LANDING_ROOT is mounted."),
    "landing_size_bytes": Figure(
        "Size of the volume of the landing files. Only where LANDING_ROOT is mounted."
    ),
    # loading
    "lines_total": Figure(
        "Captured lines by what became of them: loaded, duplicate, rejected or event. A reload or a decision on"
        " a blocked batch moves lines, which looks like a restart of the counter.",
        ("source", "outcome"),
        is_counter=True,
    ),
    "lines_last_hour": Figure(
        "Lines that were loaded within the last hour, reloads left out, by what became of them.",
        ("source", "outcome"),
    ),
    "rejected_messages_total": Figure(
        "Refused lines by reason; ops.rejected_messages holds them.", ("source", "reason_code"), is_counter=True
    ),
    "blocked_batches": Figure("Batches that broke a critical expectation and wait for a decision."),
    "newest_trade_timestamp_seconds": Figure(
        "When the newest trade that counts was received; 0: there is none."
    ),
    # building
    "pending_delivery_periods": Figure("Delivery periods whose inputs changed since their PnL was built."),
    "pnl_published_timestamp_seconds": Figure("When PnL last changed in curated.pnl_hourly; 0: never."),
    "freshness_timestamp_seconds": Figure(
        "When the thing of ops.freshness last happened; 0: never, or nothing waits (`pending`).",
        ("thing",),
    ),
    "freshness_limit_seconds": Figure("How old the thing of ops.freshness may get.", ("thing",)),
    "freshness_late": Figure("1: the thing of ops.freshness is late.", ("thing",)),
    # prices
    "open_hours": Figure(
        "Hours that are open for trading, by status of their reference price.", ("price_status",)
    ),
    "missing_prices": Figure("Traded periods whose price is due and not there (ops.missing_prices)."),
    "provider_requests_total": Figure("Requests to the provider that were begun, all time.", is_counter=True),
    "provider_budget_used_requests": Figure(
        "Requests that count against the provider's budget now.", ("period",)
    ),
    "provider_budget_requests": Figure("The provider's budget: requests a minute and an hour.", ("period",)),
    "provider_down": Figure("1: the last requests to the provider got no answer or an error of the server."),
    # outcomes
    "alarm": Figure("1: the alarm is on; no sample: it is not.", ("alarm",)),
    "last_run_success": Figure(
        "1: the DAG's last run that ended was a success; 0: failed or lost. DAGs of the last two days.",
        ("dag_id",),
    ),
    "last_run_ended_timestamp_seconds": Figure("When that run ended.", ("dag_id",)),
}


def full_name(figure: str) -> str:
    """As Prometheus knows it."""
    return PREFIX + figure


def seconds(at: datetime | None) -> float:
    """A moment as seconds of the Unix clock; 0 for none: endlessly old."""
    return 0.0 if at is None else at.timestamp()


def value(number: bool | int | float | Decimal) -> float:
    """A sample's value. Prometheus knows floats only; no money is exported."""
    return float(number)


def families(samples: Iterable[Sample]) -> Iterator[Metric]:
    """The samples as Prometheus wants them, in the order of FIGURES; a figure without samples is left out.

    Raises:
        KeyError: A sample's figure is not in FIGURES.
    """
    by_figure: dict[str, list[tuple[tuple[str, ...], float]]] = defaultdict(list)
    for name, labels, number in samples:
        if name not in FIGURES:
            raise KeyError(name)
        by_figure[name].append((labels, number))
    for name, figure in FIGURES.items():
        if found := by_figure.get(name):
            kind = CounterMetricFamily if figure.is_counter else GaugeMetricFamily
            family = kind(full_name(name), figure.meaning, labels=figure.labels)
            for labels, number in found:
                family.add_metric(labels, number)
            yield family
