"""The metrics keep to Prometheus' rules of naming and are complete in what they say."""

import re

import pytest
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from include.health.metrics import METRICS, Sample, families, full_name, seconds


class Given(Collector):
    """A collector of given samples."""

    def __init__(self, *samples: Sample) -> None:
        self.collect = lambda: families(samples)  # type: ignore[method-assign]


def text(*samples: Sample) -> str:
    registry = CollectorRegistry()
    registry.register(Given(*samples))
    return generate_latest(registry).decode()


@pytest.mark.parametrize("name", METRICS)
def test_names_and_meanings_keep_to_the_rules(name: str) -> None:
    metric = METRICS[name]
    assert re.fullmatch(r"[a-z][a-z_]*[a-z]", full_name(name))
    assert name.endswith("_total") == metric.is_counter
    assert not re.search(r"(_ms|_millis|_minutes|_kb|_mb)$", name)
    assert metric.meaning.endswith(".")
    assert not {"le", "quantile", "job", "instance"} & set(metric.labels)


def test_a_sample_is_exported_with_its_labels_type_and_meaning() -> None:
    said = text(("lines_total", ("DE", "trades", "loaded"), 3.0), ("warehouse_up", (), 1.0))
    assert 'power_desk_lines_total{market="DE",outcome="loaded",source="trades"} 3.0' in said
    assert "# TYPE power_desk_lines_total counter" in said
    assert "# TYPE power_desk_warehouse_up gauge" in said
    assert f"# HELP power_desk_warehouse_up {METRICS['warehouse_up'].meaning}" in said
    assert "power_desk_alarm" not in said


def test_a_metric_that_nobody_described_is_refused() -> None:
    with pytest.raises(KeyError, match="speed"):
        text(("speed", (), 1.0))


def test_no_moment_is_endlessly_old() -> None:
    assert seconds(None) == 0.0
