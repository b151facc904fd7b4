"""A component that lives but does not work is restarted, once, and only if it is its own fault."""

import pytest

from include.errors import TransientError
from include.local.watchdog import Watchdog


class Airflow:
    """A clock, a health and a list of what was restarted."""

    def __init__(self) -> None:
        self.now = 0.0
        self.status: dict[str, str] | None = {}
        self.restarted: list[str] = []
        self.watchdog = Watchdog(self.health, self.restarted.append, lambda: self.now)

    def health(self) -> dict[str, str]:
        if self.status is None:
            raise TransientError("no answer")
        return {"metadatabase": "healthy", "scheduler": "healthy", "dag_processor": "healthy"} | self.status

    def pass_seconds(self, seconds: int) -> None:
        for _ in range(seconds):
            self.now += 1
            self.watchdog.look()


@pytest.fixture
def airflow() -> Airflow:
    return Airflow()


def test_the_healthy_are_left_alone(airflow: Airflow) -> None:
    airflow.pass_seconds(600)
    assert airflow.restarted == []


def test_a_component_that_stays_ill_is_restarted_under_its_process_name(airflow: Airflow) -> None:
    airflow.status = {"dag_processor": "unhealthy"}
    airflow.pass_seconds(60)
    assert airflow.restarted == ["dag-processor"]


def test_a_short_illness_is_forgiven_and_forgotten(airflow: Airflow) -> None:
    for _ in range(10):
        airflow.status = {"scheduler": "unhealthy"}
        airflow.pass_seconds(30)
        airflow.status = {}
        airflow.pass_seconds(30)
    assert airflow.restarted == []


def test_what_is_restarted_gets_time_before_it_is_judged_again(airflow: Airflow) -> None:
    airflow.status = {"scheduler": "unhealthy"}
    airflow.pass_seconds(90)
    assert airflow.restarted == ["scheduler"]


def test_an_api_that_does_not_answer_is_itself_restarted(airflow: Airflow) -> None:
    airflow.status = None
    airflow.pass_seconds(60)
    assert airflow.restarted == ["api-server"]


def test_nobody_is_blamed_for_a_database_that_is_down(airflow: Airflow) -> None:
    airflow.status = {"metadatabase": "unhealthy", "scheduler": "unhealthy"}
    airflow.pass_seconds(600)
    assert airflow.restarted == []
