"""Texts of errors as they may be stored and sent."""

import pytest

from include.health.wording import presentable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("the warehouse: it went away", "the warehouse: it went away"),
        ("at postgresql://u:p%40@h:5/d now", "at postgresql://***@h:5/d now"),
        ("GET https://h/v1?key=abc&x=1 failed", "GET https://h/v1?*** failed"),
        ("password=hunter2 host=h", "password=*** host=h"),
        ("Password: 'a b' wrong", "Password: *** wrong"),
        ('token = "a b"', "token = ***"),
        ('password authentication failed for user "u"', 'password authentication failed for user "u"'),
        ("a?b c", "a?b c"),
        ("nul \x00 and \ud800", r"nul \0 and \ud800"),
    ],
)
def test_secrets_and_what_no_database_takes(text: str, shown: str) -> None:
    assert presentable(text, 100) == shown


def test_what_is_too_long_says_so() -> None:
    assert presentable("abcdef", 6) == "abcdef"
    assert presentable("abcdefg", 6) == "abcde…"
