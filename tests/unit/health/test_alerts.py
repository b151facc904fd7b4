"""The alert rules name metrics that exist, say what to do, and fire when they should."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import airflow
import pytest
import yaml

from include.health.__main__ import DEFAULT_PORT
from include.health.alarm_rules import CAPTURE_LIMIT
from include.health.metrics import METRICS, PREFIX, full_name
from include.settings import PROJECT_ROOT

FOLDER = PROJECT_ROOT / "docs" / "monitoring"
RUNBOOK = (PROJECT_ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
REGISTRY = Path(airflow.__file__).parent / "_shared" / "observability" / "metrics" / "metrics_template.yaml"


def rules(file: str) -> list[dict[str, Any]]:
    groups = yaml.safe_load((FOLDER / file).read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


OURS, AIRFLOWS = rules("alerts.yml"), rules("airflow-alerts.yml")
NAMED = [pytest.param(rule, id=rule["alert"]) for rule in OURS + AIRFLOWS]


def anchors(markdown: str) -> set[str]:
    """The links to the headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", markdown, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("rule", NAMED)
def test_a_rule_says_how_bad_it_is_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert re.fullmatch(r".{20,}\.", rule["annotations"]["summary"].strip())
    file, _, section = rule["annotations"]["runbook"].partition("#")
    assert file == "docs/runbook.md"
    assert section in anchors(RUNBOOK)


def test_every_metric_of_a_rule_is_exported_with_these_labels() -> None:
    used = {}
    for rule in OURS:
        for name, matchers in re.findall(rf"({PREFIX}\w+)(?:\{{(.*?)\}})?", rule["expr"]):
            used.setdefault(name, set()).update(re.findall(r"(\w+)\s*[=!]~?\"", matchers))
    assert len(used) > 15
    assert set(used) <= {full_name(name) for name in METRICS}
    for name, labels in used.items():
        assert labels <= set(METRICS[name.removeprefix(PREFIX)].labels)


def test_every_alarm_of_ours_has_a_rule() -> None:
    expressions = "\n".join(rule["expr"] for rule in OURS)
    for alarm in (
        "capture_silent",
        "capture_disconnected",
        "loading_stuck",
        "no_trades",
        "capture_differences",
        "analyst_changed",
        "unknown_fields",
    ):
        assert f'power_desk_alarm{{alarm="{alarm}"}}' in expressions
    for problem in ("quarantined", "rejected"):
        assert f'power_desk_unreviewed_messages{{problem="{problem}"}} > 0' in expressions
    for thing in ("hourly_pnl", "reference_prices"):
        assert f'power_desk_freshness_late{{thing="{thing}"}}' in expressions
    for sign in ("write", "connected"):
        limit = f"power_desk_capture_last_{sign}_timestamp_seconds > {CAPTURE_LIMIT.total_seconds():.0f})"
        assert limit in expressions, "Prometheus and the alarm have the same limit"


def airflow_env() -> dict[str, str]:
    lines = (FOLDER / "airflow.env").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if not line.startswith("#"))


def test_every_metric_of_airflow_is_one_and_may_leave_airflow() -> None:
    known = {
        "airflow_"
        + metric["name"].replace(".", "_")
        + ("_total" if metric["type"] == "counter" else ""): metric["name"]
        for metric in yaml.safe_load(REGISTRY.read_text(encoding="utf-8"))["metrics"]
    }
    used = {name for rule in AIRFLOWS for name in re.findall(r"airflow_\w+", rule["expr"])}
    assert len(used) > 5
    assert used <= set(known)
    allowed = airflow_env()["AIRFLOW__METRICS__METRICS_ALLOW_LIST"].split(",")
    for name in used:
        assert any(re.search(pattern, known[name]) for pattern in allowed)
    for name in ("ti_failures", "ti.start", "task.duration", "operator_successes"):
        assert not any(re.search(pattern, name) for pattern in allowed)


def test_the_example_scrapes_the_exporter_under_the_name_that_the_rules_expect() -> None:
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text(encoding="utf-8"))
    (job,) = config["scrape_configs"]
    assert job["static_configs"] == [{"targets": [f"127.0.0.1:{DEFAULT_PORT}"]}]
    expressions = "\n".join(rule["expr"] for rule in OURS)
    assert set(re.findall(r'job="(.*?)"', expressions)) == {job["job_name"]}
    assert all((FOLDER / file).exists() for file in config["rule_files"])


def promtool(*arguments: str) -> None:
    command = shutil.which("promtool")
    if command is None:
        pytest.skip("promtool is not installed (Debian: apt-get install prometheus)")
    ended = subprocess.run([command, *arguments], cwd=FOLDER, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_prometheus_accepts_the_example_and_the_rules() -> None:
    promtool("check", "config", "prometheus.yml")


def test_each_rule_fires_for_what_it_is_about_and_only_for_that() -> None:
    promtool("test", "rules", "alerts-test.yml")


def test_every_rule_is_tested() -> None:
    tests = (FOLDER / "alerts-test.yml").read_text(encoding="utf-8")
    assert [rule["alert"] for rule in OURS + AIRFLOWS if rule["alert"] not in tests] == []
