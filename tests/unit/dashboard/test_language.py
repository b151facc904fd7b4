"""Which language a request gets, and sentences in it."""

import json
from collections.abc import Iterator

import msgspec
import pytest
from starlette.requests import Request
from starlette.responses import Response

from include.dashboard import language
from include.dashboard.language import LANGUAGES, Number, Sentence, language_of, say, stored
from include.dashboard.responses import error_response, json_answer, respond
from include.dashboard.service import utc_now


def request(**headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "GET", "path": "/", "headers": raw})


@pytest.fixture(autouse=True)
def _invented_table(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    own = {
        "{count} deals of {trader} wait: {why}.": "Von {trader} warten {count} Geschäfte: {why}.",
        "late": "verspätet",
    }
    kept = {"each price is at most {limit} EUR/MWh": "jeder Preis ist höchstens {limit} EUR/MWh"}
    monkeypatch.setattr(language, "TABLES", {"en": {}, "de": own | kept})
    monkeypatch.setattr(language, "STORED", kept)
    language.patterns.cache_clear()
    yield
    language.patterns.cache_clear()


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT", "de"),
        ("DE-de", "de"),
        ("fr,de;q=0.8,en;q=0.7", "de"),
        ("fr,de;q=0.7,en;q=0.8", "en"),
        ("en-GB,en;q=0.9,de;q=0.8", "en"),
        ("de;q=0", "en"),
        ("de ; q=0.5 , en ; q=0.4", "de"),
        ("en;q=0.5,de;q=0.5", "en"),
        ("de;q=0.5,en;q=0.5", "de"),
        ("fr", "en"),
        ("*", "en"),
        ("fr;q=0.9,*;q=0.1", "en"),
        ("*;q=0.1,de;q=0.5", "de"),
        ("de;q=high", "en"),
        ("den", "en"),
        (";;q=,de;q=1.0000,\x00", "en"),
    ],
)
def test_the_preferred_language_that_we_have(header: str, expected: str) -> None:
    assert language_of(request(accept_language=header)) == expected


def test_nothing_said_is_english() -> None:
    assert language_of(request()) == "en"


def test_a_sentence_is_its_english_text() -> None:
    sentence = say("{count} deals of {trader} wait: {why}.", count=3, trader="anna", why=say("late"))
    assert sentence == "3 deals of anna wait: late."
    assert sentence.in_language("en") == "3 deals of anna wait: late."
    assert sentence.in_language("de") == "Von anna warten 3 Geschäfte: verspätet."


def test_what_is_not_translated_stays_english() -> None:
    assert say("{name} is new.", name="x").in_language("de") == "x is new."


def test_braces_in_values_are_no_fields() -> None:
    sentence = say("{count} deals of {trader} wait: {why}.", count=1, trader="{why}", why="{0}")
    assert sentence.in_language("de") == "Von {why} warten 1 Geschäfte: {0}."


def test_numbers_are_written_as_the_language_does() -> None:
    assert str(Number("1,234.5")) == "1,234.5"
    assert Number("-1,234.5").in_language("de") == "-1.234,5"


def test_a_stored_sentence_is_recognised() -> None:
    sentence = stored("each price is at most 9,999.99 EUR/MWh")
    assert sentence == "each price is at most 9,999.99 EUR/MWh"
    assert isinstance(sentence, Sentence)
    assert sentence.in_language("de") == "jeder Preis ist höchstens 9.999,99 EUR/MWh"
    other = stored("somebody's own words")
    assert not isinstance(other, Sentence)


def answered(response: Response) -> tuple[str, str | None]:
    return json.loads(bytes(response.body))["text"], response.headers.get("content-language")


def test_an_answer_with_sentences_is_one_in_each_language() -> None:
    answer = json_answer({"text": say("late"), "now": None})
    german, english = (respond(request(accept_language=name), answer, utc_now()) for name in ("de", "en"))
    assert answered(german) == ("verspätet", "de")
    assert answered(english) == ("late", "en")
    assert answered(respond(request(), answer, utc_now())) == ("late", "en")
    assert german.headers["etag"] != english.headers["etag"]
    for response in (german, english):
        assert "Accept-Language" in response.headers["vary"]
    tag = german.headers["etag"]
    assert respond(request(accept_language="de", if_none_match=tag), answer, utc_now()).status_code == 304
    assert respond(request(accept_language="en", if_none_match=tag), answer, utc_now()).status_code == 200


def test_equal_words_in_two_languages_are_two_answers() -> None:
    answer = json_answer({"text": say("PnL")})
    tags = {respond(request(accept_language=name), answer, utc_now()).headers["etag"] for name in LANGUAGES}
    assert len(tags) == len(LANGUAGES)


def test_an_answer_without_sentences_is_one() -> None:
    answer = json_answer({"text": "anna"})
    german, english = (respond(request(accept_language=name), answer, utc_now()) for name in ("de", "en"))
    assert german.headers["etag"] == english.headers["etag"]
    assert answered(german) == ("anna", None)


def test_both_languages_count_as_memory() -> None:
    one = json_answer({"text": "x" * 500}).size
    assert json_answer({"text": "x" * 500, "word": say("late")}).size >= 2 * one


def test_an_error_is_in_the_language() -> None:
    response = error_response(request(accept_language="de"), 400, say("late"))
    assert json.loads(bytes(response.body)) == {"error": "verspätet"}
    assert response.headers["content-language"] == "de"
    assert response.headers["vary"] == "Accept-Language"


def test_what_has_no_form_in_json_is_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError, match="object"):
        json_answer({"text": object()})
    assert msgspec.json.encode("late") == b'"late"'
