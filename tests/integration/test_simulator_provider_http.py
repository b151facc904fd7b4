"""The provider over real HTTP: keep-alive, slow bodies, hang-ups, a clean end."""

import threading
import time

import pytest
import requests

from include.simulator.faults import ProviderFaults
from include.simulator.provider import Provider

QUESTION = {"delivery_day": "2024-06-01", "delivery_hour": "08-09"}
WAIT_S = 20


def test_many_requests_share_a_connection() -> None:
    with Provider(budget=[(1000, 60)]) as provider, requests.Session() as session:
        replies = [
            session.get(f"{provider.url}/v1/reference-price", params=QUESTION, timeout=WAIT_S)
            for _ in range(20)
        ]
        assert {reply.status_code for reply in replies} == {200}
        assert len({reply.text for reply in replies}) == 1
        assert replies[0].headers["Content-Type"] == "application/json"
        assert isinstance(replies[0].json()["value"], float)
        assert provider.requests_answered == 20


def test_the_budget_is_shared_by_all_clients() -> None:
    replies: list[requests.Response] = []

    def ask(url: str) -> None:
        with requests.Session() as session:
            for _ in range(20):
                replies.append(session.get(url + "/reference-price", params=QUESTION, timeout=WAIT_S))

    with Provider() as provider:
        threads = [threading.Thread(target=ask, args=(provider.url,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    refused = [reply for reply in replies if reply.status_code == 429]
    assert ([reply.status_code for reply in replies].count(200), len(refused)) == (50, 30)
    assert all(0 < int(reply.headers["Retry-After"]) <= 60 for reply in refused), "when to come back"


def test_a_slow_body_takes_its_time_and_still_arrives() -> None:
    with Provider(faults=ProviderFaults(slow_body_seconds=0.5)) as provider:
        start = time.monotonic()
        reply = requests.get(f"{provider.url}/reference-price", params=QUESTION, stream=True, timeout=WAIT_S)
        assert reply.json()["delivery_hour"] == "08-09"
        assert time.monotonic() - start >= 0.5


def test_a_hang_up_is_no_reply_at_all() -> None:
    with Provider(faults=ProviderFaults(hang_up=True)) as provider, pytest.raises(requests.ConnectionError):
        requests.get(f"{provider.url}/reference-price", params=QUESTION, timeout=WAIT_S)


def test_it_ends_at_once_while_clients_wait_and_leaves_nothing_behind() -> None:
    threads = threading.active_count()
    provider = Provider(faults=ProviderFaults(slow_body_seconds=3600))
    provider.start()
    with requests.Session() as idle:
        provider.faults.slow_body_seconds = 0
        idle.get(f"{provider.url}/reference-price", params=QUESTION, timeout=WAIT_S)
        provider.faults.slow_body_seconds = 3600
        with requests.get(f"{provider.url}/reference-price", params=QUESTION, stream=True, timeout=WAIT_S):
            provider.stop()
    provider.stop()
    assert threading.active_count() == threads
    with pytest.raises(requests.ConnectionError):
        requests.get(provider.url, timeout=WAIT_S)
