"""Ready-made bodies: what time it is in them, and how often they are compressed."""

import gzip
import json
from datetime import UTC, datetime

from include.dashboard.responses import json_answer

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_the_moment_is_that_of_the_request() -> None:
    answer = json_answer({"now": None, "rows": ["x" * 2000]})
    tag = answer.etag
    for second in (0, 1):
        body, compressed = answer.at(NOON.replace(second=second))
        assert json.loads(body)["now"] == f"2026-03-01T12:00:0{second}Z"
        assert compressed is not None
        assert gzip.decompress(compressed) == body
    assert answer.etag == tag


def test_a_storm_compresses_once_a_second() -> None:
    answer = json_answer({"now": None, "rows": ["x" * 2000]})
    assert answer.at(NOON) is answer.at(NOON.replace(microsecond=999_999))


def test_no_text_of_a_stranger_is_taken_for_the_clock() -> None:
    name = '"now":null'
    body, _ = json_answer({"trader": name, "now": None}).at(NOON)
    assert json.loads(body) == {"trader": name, "now": "2026-03-01T12:00:00Z"}


def test_small_answers_are_not_compressed() -> None:
    assert json_answer({"version": "a"}).at(NOON)[1] is None
