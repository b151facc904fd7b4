"""A component that runs but stays unhealthy is restarted, once, and only if it is its own fault."""

import pytest

from include.containers.watchdog import Watchdog
from include.errors import TransientError


class Airflow:
    """A clock, a health and a list of what was restarted."""

    def __init__(self) -> None:
        self.now = 0.0
        self.status: dict[str, str] | None = {}
        self.is_database_there = True
        self.restarted: list[str] = []
        self.started_at = -1000.0
        self.said: list[str] = []
        self.watchdog = Watchdog(
            self.health,
            self.restarted.append,
            lambda: self.is_database_there,
            self.said.append,
            lambda _name: self.now - self.started_at,
            lambda: self.now,
        )

    def health(self) -> dict[str, str]:
        if self.status is None:
            raise TransientError("no answer")
        return {"metadatabase": "healthy", "scheduler": "healthy", "dag_processor": "healthy"} | self.status

    def pass_seconds(self, seconds: int) -> None:
        for _ in range(seconds):
            self.now += 1
            self.watchdog.look()


def old(_name: str) -> float:
    """The age of a process that was started long ago."""
    return 1000.0


@pytest.fixture
def airflow() -> Airflow:
    return Airflow()


def test_the_healthy_are_left_alone(airflow: Airflow) -> None:
    airflow.pass_seconds(600)
    assert airflow.restarted == []


def test_a_component_that_stays_unhealthy_is_restarted_under_its_process_name(airflow: Airflow) -> None:
    airflow.status = {"dag_processor": "unhealthy"}
    airflow.pass_seconds(60)
    assert airflow.restarted == ["dag-processor"]


def test_a_short_outage_is_no_reason_to_restart(airflow: Airflow) -> None:
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


def test_an_api_that_waits_for_the_database_is_left_alone_and_the_user_is_told(airflow: Airflow) -> None:
    airflow.status, airflow.is_database_there = None, False
    airflow.pass_seconds(600)
    assert airflow.restarted == []
    assert airflow.said == ["Airflow's database does not answer: nothing is restarted while it is away"]
    airflow.status, airflow.is_database_there = {}, True
    airflow.pass_seconds(600)
    assert airflow.restarted == []
    assert airflow.said[1:] == ["Airflow's database answers again"]


@pytest.mark.parametrize("status", [None, {"scheduler": "unhealthy"}])
def test_all_get_their_time_anew_once_the_database_is_back(
    airflow: Airflow, status: dict[str, str] | None
) -> None:
    airflow.status = status
    airflow.pass_seconds(30)  # unhealthy already
    airflow.is_database_there = False
    airflow.pass_seconds(75)
    airflow.is_database_there = True
    airflow.pass_seconds(40)
    assert airflow.restarted == []
    airflow.pass_seconds(20)
    assert airflow.restarted == ["scheduler" if status else "api-server"]


def test_a_database_that_goes_away_during_the_look_is_the_reason_for_what_is_found() -> None:
    answers = iter([True, False] * 60)
    airflow = Airflow()
    airflow.watchdog = Watchdog(
        airflow.health,
        airflow.restarted.append,
        lambda: next(answers),
        airflow.said.append,
        lambda: airflow.now,
    )
    airflow.status = None
    airflow.pass_seconds(600)
    assert airflow.restarted == []


def test_nobody_is_asked_who_would_wait_for_the_database(airflow: Airflow) -> None:
    """Each request would occupy a thread of the API server until the database is back."""
    airflow.is_database_there = False
    asked: list[float] = []
    airflow.watchdog = Watchdog(
        lambda: asked.append(airflow.now) or {}, airflow.restarted.append, lambda: False, airflow.said.append,
        old, lambda: airflow.now,
    )  # fmt: skip
    airflow.pass_seconds(600)
    assert asked == []


def test_one_that_needs_long_to_start_is_not_ended_while_it_does(airflow: Airflow) -> None:
    airflow.status, airflow.started_at = None, airflow.now
    airflow.pass_seconds(170)
    assert airflow.restarted == []
    airflow.pass_seconds(30)
    assert airflow.restarted == ["api-server"]
