"""The API in German for those who want it, on a real warehouse."""

import time

import pytest

from include.dashboard.service import Service
from tests.integration.dashboard.conftest import DAY, PAUSE, Client, Desk

GERMAN = {"Accept-Language": "de-DE,de;q=0.9,en;q=0.8"}
ENGLISH = {"Accept-Language": "en-GB,en;q=0.9"}


def test_reasons_and_causes_are_in_the_language_of_who_asks(dashboard: Desk, client: Client) -> None:
    dashboard.quarantine(dashboard.sell("12:30-12:45", "1"), "each quantity is above 0 MW")
    dashboard.build()
    english = client.get("api/v1/page", day=str(DAY))
    client.session.headers.update(GERMAN)
    german = client.get("api/v1/page", day=str(DAY))
    assert english.headers["Content-Language"] == "en"
    assert german.headers["Content-Language"] == "de"
    assert english.headers["ETag"] != german.headers["ETag"]
    assert "Accept-Language" in german.headers["Vary"]
    assert german.json()["desk"]["rows"][0]["incomplete_because"] == [
        "1 Trade ist zurückgehalten, weil er eine Regel verletzt (jede Menge liegt über 0 MW): er zählt, wenn"
        " die Technik ihn freigibt"
    ]
    (row,) = client.json("quarantined_trades", day=str(DAY))["rows"]
    assert row["expectation"] == "jede Menge liegt über 0 MW"
    assert german.json()["history"][0]["cause"] == "neue Zeile"
    assert german.json()["desk"]["total"] == english.json()["desk"]["total"]
    client.session.headers.update(ENGLISH)
    assert client.get("api/v1/page", day=str(DAY)).json()["history"][0]["cause"] == "new row"


def test_two_languages_cost_one_read(
    dashboard: Desk, client: Client, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = []
    submit = service._quick.submit
    monkeypatch.setattr(service._quick, "submit", lambda work: (reads.append(work), submit(work))[1])
    versions = set()
    for number in range(20):
        client.session.headers.update((GERMAN, ENGLISH)[number % 2])
        versions.add(client.json("desk", day=str(DAY))["version"])
    assert 1 <= len(reads) == len(versions) <= 2  # two where the minute turns


def test_troubles_are_in_the_language_of_who_asks(dashboard: Desk, client: Client) -> None:
    dashboard.database.insert(
        "ops.alarms",
        alarm="no_trades",
        since_at="2023-02-06T11:00:00Z",
        raised_at="2023-02-06T11:00:00Z",
        detail="capture is connected and receives no trades",
        page_text="No trades arrive from the exchange: nobody trades, or we are not sent what is traded.",
    )
    time.sleep(PAUSE)
    client.session.headers.update(GERMAN)
    texts = [trouble["text"] for trouble in client.json("status")["troubles"]]
    assert texts == [
        "Von der Börse kommen keine Trades: entweder handelt niemand, oder wir bekommen sie nicht zugesandt."
    ]


def test_files_are_the_same_in_each_language(dashboard: Desk, client: Client) -> None:
    dashboard.reject("12-13")
    files = []
    for headers in (ENGLISH, GERMAN):
        client.session.headers.update(headers)
        files.append(client.get("api/v1/rejected_messages", day=str(DAY), format="csv").content)
    assert files[0] == files[1]
    assert b"reason_code" in files[0]


def test_mistakes_are_in_the_language_of_who_asks(client: Client, stranger: Client) -> None:
    client.session.headers.update(GERMAN)
    reply = client.get("api/v1/trades", day=str(DAY), format="yaml")
    assert reply.json() == {"error": "format muss json oder csv oder xlsx sein, nicht 'yaml'."}
    assert (reply.status_code, reply.headers["Content-Language"]) == (400, "de")
    stranger.session.headers.update(GERMAN | {"Accept": "text/html"})
    page = stranger.get("")
    assert page.status_code == 401
    assert '<html lang="de">' in page.text
    assert "Bitte in Airflow anmelden" in page.text


def test_the_page_itself_says_its_language(client: Client) -> None:
    for headers, language in ((ENGLISH, "en"), (GERMAN, "de")):
        client.session.headers.update(headers)
        page = client.get("")
        assert f'<html lang="{language}">' in page.text
        assert page.headers["Content-Language"] == language
        assert ("Diese Seite braucht JavaScript." in page.text) == (language == "de")
