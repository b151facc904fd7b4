"""The command that decides on a message: safe to paste, whatever the exchange sends as an id."""

import pytest

from include.dashboard.trades import review_command

LINE = {"landing_file": "trades/date=2026-03-02/hour=11/capture-a-1.jsonl", "line_number": 17}


@pytest.mark.parametrize("trade_id", ["t_4711", "3624e951-19f0", "a.b:c@d+e"])
def test_a_plain_id_names_the_trade(trade_id: str) -> None:
    command = f"make review TRADE={trade_id} ACTION=accept|discard REASON='…'"
    assert review_command(LINE | {"trade_id": trade_id}, "") == command


@pytest.mark.parametrize(
    "trade_id", ["a b", "$(reboot)", "a;b", "a'b", "a\nb", "\N{GREEK SMALL LETTER ALPHA}", "$a"]
)
def test_the_line_names_a_trade_with_any_other_id(trade_id: str) -> None:
    which = "FILE=trades/date=2026-03-02/hour=11/capture-a-1.jsonl LINE=17"
    assert (
        review_command(LINE | {"trade_id": trade_id}, "")
        == f"make review {which} ACTION=accept|discard REASON='…'"
    )


def test_a_message_can_only_be_discarded() -> None:
    command = review_command(LINE | {"landing_file": "trades/of host.jsonl"}, "")
    assert command == "make review FILE='trades/of host.jsonl' LINE=17 ACTION=discard REASON='…'"


def test_a_message_of_another_market_than_the_first_names_it() -> None:
    known = f"FILE={LINE['landing_file']} LINE=17 ACTION=discard REASON='…' MARKET=FI"
    assert review_command(LINE, " MARKET=FI") == f"make review {known}"
    assert review_command(LINE | {"trade_id": "t_4711"}, " MARKET=FI") == (
        "make review TRADE=t_4711 ACTION=accept|discard REASON='…' MARKET=FI"
    )
