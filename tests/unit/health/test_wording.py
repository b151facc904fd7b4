"""Texts of errors as they may be stored and sent."""

import pytest

from include.health.wording import presentable, without_markup


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


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("@everyone <!channel> <@U1> <at>x</at>", "(at)everyone «!channel» «(at)U1» «at»x«/at»"),
        ("[click](http://evil.example)", "(click)(http: //evil·example)"),
        ("<http://evil.example|click>", "«http: //evil·example¦click»"),
        ("www.evil.com, 💩.la, a@evil.com", "www·evil·com, 💩·la, a(at)evil·com"),
        ("*b* _i_ __u__ ~~s~~ `c` ||s||", "•b• ˍiˍ ˍˍuˍˍ ≈≈s≈≈ 'c' ¦¦s¦¦"),
        ("# h\n> q &#64;here", "♯ h\n» q +♯64;here"),
        ("\x02bold\u202e", " bold "),
    ],
)
def test_nothing_is_a_link_a_mention_or_markup(text: str, shown: str) -> None:
    assert without_markup(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "flex_trader_1, 2026-03-02 15-16: position of +5.0 MWh, the limit is 2,000.5.\nNext at 12:30:00",
        "hourly_pnl__fi failed in manual__2026-03-02T05:00:00.123456+00:00",
        "trades/date=2026-03-02/hour=09/a.jsonl has 0 bytes: docs/runbook.md, section limit_reached",
    ],
)
def test_what_is_no_markup_stays_as_it_is(text: str) -> None:
    assert without_markup(text) == text
