"""The job against providers of every kind: what is asked, landed, counted and said."""

import multiprocessing
import os
import re
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from include.domain.delivery_period import Market
from include.errors import TransientError
from include.jobs.pull_reference_prices import run
from include.landing import REFERENCE_PRICES, is_writer_gone, list_files
from include.local.ports import find_free
from include.run_scope import DeliveryDays
from include.settings import Settings
from tests.integration.pull.conftest import Warehouse
from tests.integration.pull.server import Answer, ScriptedProvider, price
from tests.messages import read_lines

NOW = datetime(2026, 3, 2, 13, 50, tzinfo=UTC)
"""14:50 in Berlin: the nine hours 15-16 to 23-24 are open."""
OPEN = [f"2026-03-02 {hour}-{hour + 1}" for hour in range(15, 24)]
SPAWN = multiprocessing.get_context("spawn")


pytestmark = pytest.mark.usefixtures("short_pauses")


def landed(settings: Settings) -> list[dict[str, Any]]:
    """All lines of all files; each file has to be a closed one of whole lines."""
    lines = []
    for file in list_files(settings.landing_root, REFERENCE_PRICES):
        assert file.path.read_bytes().endswith(b"\n")
        assert is_writer_gone(file.path)
        lines += list(read_lines(file.path))
    return lines


def replies(settings: Settings) -> list[dict[str, Any]]:
    return [line for line in landed(settings) if "status" in line]


def test_every_open_hour_is_asked_once_and_every_reply_landed(
    settings: Settings, provider: ScriptedProvider
) -> None:
    assert run(settings, now=NOW) == {
        "due": 9,
        "answered": 9,
        "asked_elsewhere": 0,
        "failed": 0,
        "deferred": 0,
        "requested": 9,
        "spent_last_minute": 9,
        "spent_last_hour": 9,
    }
    assert provider.asked == OPEN
    lines = landed(settings)
    assert (lines[0]["event"], lines[-1]["event"]) == ("opened", "closed")
    first = lines[1]
    assert set(first) == {"received_at", "request", "status", "raw"}
    assert first["request"] == {"delivery_day": "2026-03-02", "delivery_hour": "15-16"}
    assert first["status"] == 200
    assert first["raw"].encode() == price()(provider.targets[0]).body


def test_nothing_is_asked_twice_within_a_publication_and_nothing_due_writes_no_file(
    settings: Settings, provider: ScriptedProvider
) -> None:
    run(settings, now=NOW)
    files = list_files(settings.landing_root, REFERENCE_PRICES)
    assert run(settings, now=NOW)["due"] == 0
    assert provider.count == 9
    assert list_files(settings.landing_root, REFERENCE_PRICES) == files


@pytest.mark.parametrize(
    "answer",
    [
        price(None),
        Answer(204),
        Answer(400, b'{"error_message": "no such hour"}'),
        Answer(404, b"nothing was traded"),
    ],
)
def test_any_reply_about_the_price_is_landed_verbatim_and_is_an_answer(
    settings: Settings, provider: ScriptedProvider, answer: Answer | Callable[[str], Answer]
) -> None:
    provider.script = [answer]
    assert run(settings, now=NOW)["answered"] == 9
    expected = answer if isinstance(answer, Answer) else answer(provider.targets[0])
    reply = replies(settings)[0]
    assert (reply["status"], reply["raw"].encode()) == (expected.status, expected.body)
    assert run(settings, now=NOW)["due"] == 0


NO_ANSWERS = {
    "HTML": Answer(200, b"<html>Service temporarily unavailable</html>"),
    "no text": Answer(200, b"<html>garbage \xff\x00\r\n</html>"),
    "nothing": Answer(200, b""),
    "half a document": Answer(200, b'{"delivery_day": "2026-03-02", "delivery_hour": "15-1'),
    "nested too deep": Answer(200, b"[" * 200_000),
    "an error in JSON": Answer(200, b'{"error": "internal"}'),
    "another period": Answer(200, price()("/?delivery_day=2026-03-01&delivery_hour=15-16").body),
    "moved": Answer(301, b"", {"Location": "/elsewhere"}),
    "found": Answer(302, b"<html>log in</html>", {"Location": "/login"}),
    "temporary redirect": Answer(307, b"", {"Location": "/elsewhere"}),
    "not modified": Answer(304),
    "forbidden": Answer(403, b"no"),
}


@pytest.mark.parametrize("answer", NO_ANSWERS.values(), ids=NO_ANSWERS.keys())
def test_a_reply_that_says_nothing_about_the_price_is_asked_again_and_then_the_run_is_red(
    settings: Settings, provider: ScriptedProvider, warehouse: Warehouse, answer: Answer
) -> None:
    provider.script = [answer]
    with pytest.raises(TransientError, match=rf"0 were answered .* 9 were not .*status {answer.status}"):
        run(settings, now=NOW)
    assert sorted(provider.asked) == [hour for hour in OPEN for _ in range(3)]
    assert [line["status"] for line in replies(settings)] == [answer.status] * 27
    rows = "SELECT DISTINCT status, is_answer FROM ops.provider_requests"
    assert warehouse.rows(rows) == [(answer.status, False)]
    # the rejected reply, once it is loaded, is no answer either
    provider.script = [price()]
    assert run(settings, now=NOW)["answered"] == 9
    rejected = "SELECT count(*) FROM ops.rejected_messages WHERE source = 'reference_prices'"
    assert warehouse.rows(rejected) == [(27,)]


def test_one_unreadable_reply_costs_one_more_request(settings: Settings, provider: ScriptedProvider) -> None:
    provider.script = [Answer(200, b"<html>"), Answer(302, b"", {"Location": "/"}), price()]
    summary = run(settings, now=NOW)
    assert (summary["answered"], summary["failed"], summary["requested"]) == (9, 0, 11)


@pytest.mark.parametrize("status", [200, 302, 404, 408, 500])
def test_retry_after_counts_with_429_and_503_only(
    settings: Settings, provider: ScriptedProvider, warehouse: Warehouse, status: int
) -> None:
    provider.script = [Answer(status, b"", {"Retry-After": "3000"}), price()]
    assert run(settings, now=NOW, deadline_seconds=30)["answered"] == 9
    assert warehouse.rows("SELECT max(retry_at) FROM ops.provider_requests") == [(None,)]


def test_a_transient_failure_is_tried_again_and_its_reply_landed_too(
    settings: Settings, provider: ScriptedProvider
) -> None:
    hang_up = Answer(write=lambda handler: None)
    provider.script = [Answer(503, b"not now"), hang_up, price()]
    summary = run(settings, now=NOW)
    assert (summary["answered"], summary["failed"], summary["requested"]) == (9, 0, 11)
    assert provider.asked[:4] == [OPEN[0]] * 3 + [OPEN[1]]
    assert [(line.get("status"), line.get("event")) for line in landed(settings)[1:4]] == [
        (503, None),
        (None, "request_failed"),
        (200, None),
    ]


def test_a_provider_that_is_down_ends_the_run_early_and_says_what_it_means(
    settings: Settings, warehouse: Warehouse
) -> None:
    settings = replace(settings, market_data_url=f"http://127.0.0.1:{find_free()}/v1?key=secret")
    with pytest.raises(
        TransientError, match=r"of 9 .* 3 were not .*refused.* 6 were left .*PnL keeps the last"
    ):
        run(settings, now=NOW)
    failures = [line for line in landed(settings) if line["event"] == "request_failed"]
    assert [f"{f['request']['delivery_day']} {f['request']['delivery_hour']}" for f in failures] == [
        hour for hour in (OPEN[0], OPEN[5], OPEN[1]) for _ in range(3)
    ]
    assert "secret" not in str(landed(settings))
    spent = "SELECT count(*), count(finished_at), count(status) FROM ops.provider_requests"
    assert warehouse.rows(spent) == [(9, 9, 0)]


ERRORS = {"a broken contract": Answer(200, b'{"oops": 1}'), "a server error": Answer(500, b"oops")}


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS.keys())
@pytest.mark.parametrize(("hours", "count"), [("17-18", 1), ("15-16|16-17|17-18", 3)])
def test_bad_hours_keep_no_other_from_its_price(
    settings: Settings, provider: ScriptedProvider, error: Answer, hours: str, count: int
) -> None:
    provider.script = [lambda target: error if re.search(hours, target) else price()(target)]
    said = rf"of 9 delivery periods {9 - count} were answered .* {count} were not .*status {error.status}"
    with pytest.raises(TransientError, match=f"{said}.* 0 were left"):
        run(settings, now=NOW)
    assert set(provider.asked) == set(OPEN)
    landed_prices = [line for line in replies(settings) if line["status"] == 200 and "value" in line["raw"]]
    assert len(landed_prices) == 9 - count
    provider.script = [price()]
    assert run(settings, now=NOW)["due"] == count


def test_the_next_pull_begins_with_what_did_not_fail(settings: Settings, provider: ScriptedProvider) -> None:
    provider.script = [lambda target: price()(target) if "19-20" in target else Answer(503)]
    for _ in range(3):
        with pytest.raises(TransientError):
            run(settings, now=NOW)
    assert set(provider.asked) == set(OPEN)
    provider.script = [price()]
    assert run(settings, now=NOW)["answered"] == 8


def test_an_hour_that_the_provider_was_too_busy_for_stays_first(
    settings: Settings, provider: ScriptedProvider, warehouse: Warehouse
) -> None:
    provider.script = [Answer(429, b"slower", {"Retry-After": "100"}), price()]
    assert run(settings, now=NOW, deadline_seconds=10)["deferred"] == 9
    warehouse.age_requests(100)
    assert run(settings, now=NOW)["answered"] == 9
    assert provider.asked == [OPEN[0], *OPEN]


def test_bad_hours_that_are_open_do_not_keep_history_from_its_prices(
    settings: Settings, provider: ScriptedProvider, warehouse: Warehouse
) -> None:
    warehouse.trade(Market.of("Europe/Berlin").period(date(2026, 3, 1), "08-09"))
    provider.script = [lambda target: price()(target) if "2026-03-01" in target else Answer(503)]
    with pytest.raises(TransientError, match=r"of 10 .* 1 were answered .* 3 were not .* 6 were left"):
        run(settings, now=NOW)


def test_a_provider_that_answers_nothing_but_nonsense_is_not_asked_without_end(
    settings: Settings, provider: ScriptedProvider
) -> None:
    provider.script = [Answer(200, b"<html>maintenance</html>")]
    days = DeliveryDays(date(2026, 2, 1), date(2026, 2, 28))
    settings = replace(settings, reference_price_per_minute=1000)
    with pytest.raises(TransientError, match=r"of 672 .* 30 were not .* 642 were left"):
        run(settings, days=days, now=NOW)
    assert provider.count == 90


def test_retry_after_is_waited_for(settings: Settings, provider: ScriptedProvider) -> None:
    provider.script = [Answer(429, b"slower", {"Retry-After": "1"}), price()]
    started = time.monotonic()
    assert run(settings, now=NOW)["answered"] == 9
    assert time.monotonic() - started >= 1
    assert replies(settings)[0]["status"] == 429


@pytest.mark.parametrize(("headers", "seconds"), [({"Retry-After": "100"}, 100), ({}, 60)])
def test_every_process_waits_when_one_was_told_to(
    settings: Settings, provider: ScriptedProvider, warehouse: Warehouse, headers: dict[str, str], seconds: int
) -> None:
    provider.script = [Answer(429, b"slower", headers), price()]
    summary = run(settings, now=NOW, deadline_seconds=10)
    assert (summary["deferred"], summary["requested"]) == (9, 1)
    [summary] = run_at_once(settings, [{"deadline_seconds": 10}])
    assert (summary["deferred"], summary["requested"]) == (9, 0)
    warehouse.age_requests(seconds)
    assert run(settings, now=NOW)["answered"] == 9


def test_a_provider_that_always_refuses_gets_three_requests_and_no_more(
    settings: Settings, provider: ScriptedProvider
) -> None:
    provider.script = [Answer(429, b"slower", {"Retry-After": "0"})]
    assert run(settings, now=NOW)["deferred"] == 9
    assert provider.count == 3


def test_what_the_budget_leaves_over_is_deferred_and_done_next_time(
    settings: Settings, provider: ScriptedProvider, warehouse: Warehouse
) -> None:
    settings = replace(settings, reference_price_per_minute=5)
    summary = run(settings, now=NOW, deadline_seconds=5)
    assert (summary["answered"], summary["deferred"], summary["spent_last_minute"]) == (5, 4, 5)
    warehouse.age_requests(60)
    assert run(settings, now=NOW, deadline_seconds=5)["answered"] == 4
    assert provider.asked == OPEN


def test_no_time_is_no_request(settings: Settings, provider: ScriptedProvider) -> None:
    assert run(settings, now=NOW, deadline_seconds=0)["deferred"] == 9
    assert provider.count == 0


def work(
    settings: Settings, arguments: dict[str, Any], summaries: "multiprocessing.Queue[dict[str, int]]"
) -> None:
    summaries.put(run(settings, now=NOW, **arguments))


def run_at_once(settings: Settings, runs: list[dict[str, Any]]) -> list[dict[str, int]]:
    """The summaries of runs with these arguments, each a process of its own."""
    summaries: multiprocessing.Queue[dict[str, int]] = SPAWN.Queue()
    workers = [SPAWN.Process(target=work, args=(settings, arguments, summaries)) for arguments in runs]
    for worker in workers:
        worker.start()
    results = [summaries.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join()
    return results


def test_a_kill_in_mid_request_costs_budget_and_nothing_else(
    settings: Settings, provider: ScriptedProvider, warehouse: Warehouse
) -> None:
    hang = Answer(write=lambda handler: bool(provider.stopping.wait()) and None)
    provider.script = [price(), price(), hang]
    summaries: multiprocessing.Queue[dict[str, int]] = SPAWN.Queue()
    worker = SPAWN.Process(target=work, args=(settings, {"deadline_seconds": 60.0}, summaries))
    worker.start()
    while provider.count < 3:
        assert worker.is_alive()
        time.sleep(0.01)
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGKILL)
    worker.join()
    assert [line["status"] for line in landed(settings)[1:]] == [200, 200]
    under_way = "SELECT delivery_hour FROM ops.provider_requests WHERE finished_at IS NULL"
    assert warehouse.rows(under_way) == [("17-18",)]
    provider.script = [price()]
    summary = run(settings, now=NOW)
    assert (summary["answered"], summary["asked_elsewhere"], summary["spent_last_minute"]) == (6, 1, 9)
    warehouse.age_requests(60)
    assert run(settings, now=NOW)["answered"] == 1


def test_a_warehouse_that_goes_away_is_transient_and_what_was_answered_is_on_disk(
    settings: Settings, provider: ScriptedProvider, warehouse: Warehouse
) -> None:
    def cut_off(target: str) -> Answer:
        warehouse.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s"
            " AND datname = current_database()",
            ("pull_reference_prices",),
        )
        return price()(target)

    provider.script = [price(), cut_off]
    with pytest.raises(TransientError, match="the warehouse"):
        run(settings, now=NOW)
    assert [line.get("status", line.get("event")) for line in landed(settings)] == [
        "opened",
        200,
        200,
        "closed",
    ]
