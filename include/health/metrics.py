"""Every metric that is exported: its name, what it says, and its labels."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

PREFIX = "power_desk_"

Sample = tuple[str, tuple[str, ...], float]
"""Name of a metric without the prefix, the values of its labels, its value; no money is exported."""


@dataclass(frozen=True, slots=True)
class Description:
    """What a metric says.

    Attributes:
        meaning: For the reader of a graph: one sentence, with what is special about its value.
        labels: Their names; every one has a handful of values.
        is_counter: It only grows, save for a reload; its name ends with `_total`.
    """

    meaning: str
    labels: tuple[str, ...] = ()
    is_counter: bool = False


def of_market(meaning: str, labels: tuple[str, ...] = (), is_counter: bool = False) -> Description:
    """A metric of each market: its first label is the market's id."""
    return Description(meaning, ("market", *labels), is_counter)


METRICS: Mapping[str, Description] = {
    "warehouse_up": Description(
        "1: the warehouse answered the last read in time; 0: its metrics are left out."
    ),
    "read_duration_seconds": Description("How long the last read of the warehouse took."),
    # capture, from what is loaded
    "capture_connected": of_market(
        "1: the capture instance was connected where its loaded files end; instances of the last day.",
        ("capture", "host"),
    ),
    "capture_last_line_timestamp_seconds": of_market(
        "When the capture instance wrote the last line that is loaded, heartbeats included.",
        ("capture", "host"),
    ),
    "capture_messages_per_minute": of_market(
        "Messages a minute that the loads of the last ten minutes brought.", ("capture", "host")
    ),
    "capture_gap_open": of_market("1: no capture instance was connected at the end of what is loaded."),
    "capture_gaps_today": of_market(
        "Times without any connected capture instance since midnight of the market, as far as loaded."
    ),
    "capture_gap_seconds_today": of_market("Their length within today, together."),
    # capture, from the landing files themselves
    "capture_last_write_timestamp_seconds": of_market(
        "When any capture instance last wrote into a landing file. Only where LANDING_ROOT is mounted."
    ),
    "capture_last_connected_timestamp_seconds": of_market(
        "When any capture instance was last connected, by its files of the last two hours; 0: not in these."
        " Only where LANDING_ROOT is mounted."
    ),
    "landing_unloaded_bytes": of_market(
        "Bytes in landing files of the last day that are not loaded yet. Only where LANDING_ROOT is mounted.",
        ("source",),
    ),
    "landing_free_bytes": Description("Free space for landing files. Only where LANDING_ROOT is mounted."),
    "landing_size_bytes": Description(
        "Size of the volume of the landing files. Only where LANDING_ROOT is mounted."
    ),
    # loading
    "lines_total": of_market(
        "Captured lines by what became of them: loaded, duplicate, rejected or event. A reload moves lines,"
        " which looks like a restart of the counter.",
        ("source", "outcome"),
        is_counter=True,
    ),
    "lines_last_hour": of_market(
        "Lines that were loaded within the last hour, reloads left out, by what became of them.",
        ("source", "outcome"),
    ),
    "rejected_messages_total": of_market(
        "Refused lines by reason; ops.rejected_messages holds them.", ("source", "reason_code"), is_counter=True
    ),
    "unreviewed_messages": of_market(
        "Messages of the exchange that do not count and wait for a review: quarantined trades and rejects.",
        ("problem",),
    ),
    "newest_trade_timestamp_seconds": of_market(
        "When the newest trade that counts was received; 0: there is none."
    ),
    # building
    "pending_delivery_periods": of_market("Delivery periods whose inputs changed since their PnL was built."),
    "pnl_published_timestamp_seconds": of_market("When PnL last changed in curated.pnl_hourly; 0: never."),
    "freshness_timestamp_seconds": of_market(
        "When the thing of ops.freshness last happened; 0: never, or nothing waits (`pending`).",
        ("thing",),
    ),
    "freshness_limit_seconds": of_market("How old the thing of ops.freshness may get.", ("thing",)),
    "freshness_late": of_market("1: the thing of ops.freshness is late.", ("thing",)),
    # prices
    "open_hours": of_market(
        "Hours that are open for trading, by status of their reference price.", ("price_status",)
    ),
    "missing_prices": of_market("Traded periods whose price is due and not there (ops.missing_prices)."),
    "provider_requests_total": Description(
        "Requests to providers that were begun, all markets together, all time.", is_counter=True
    ),
    "provider_budget_used_requests": of_market(
        "Requests that count against the budget of the market's provider now; markets of one provider show"
        " the same.",
        ("period",),
    ),
    "provider_budget_requests": of_market("The provider's budget: requests a minute and an hour.", ("period",)),
    "provider_down": of_market("1: the last requests to the provider got no answer or an error of the server."),
    # outcomes
    "alarm": of_market("1: the alarm is on; no sample: it is not.", ("alarm", "severity")),
    "last_run_success": of_market(
        "1: the DAG's last run that ended was a success; 0: failed or lost. DAGs of the last two days.",
        ("dag_id",),
    ),
    "last_run_ended_timestamp_seconds": of_market("When that run ended.", ("dag_id",)),
}


def full_name(metric: str) -> str:
    """As Prometheus knows it."""
    return PREFIX + metric


def seconds(at: datetime | None) -> float:
    """A moment as seconds of the Unix clock; 0 for none: endlessly old."""
    return 0.0 if at is None else at.timestamp()


def families(samples: Iterable[Sample]) -> Iterator[Metric]:
    """The samples as Prometheus wants them, in the order of METRICS; a metric without samples is left out.

    Raises:
        KeyError: A sample's metric is not in METRICS.
    """
    by_name: dict[str, list[tuple[tuple[str, ...], float]]] = defaultdict(list)
    for name, labels, number in samples:
        if name not in METRICS:
            raise KeyError(name)
        by_name[name].append((labels, number))
    for name, metric in METRICS.items():
        if found := by_name.get(name):
            kind = CounterMetricFamily if metric.is_counter else GaugeMetricFamily
            family = kind(full_name(name), metric.meaning, labels=metric.labels)
            for labels, number in found:
                family.add_metric(labels, number)
            yield family
