"""The input is what the marks are defined for, and the same each time."""

from itertools import count
from pathlib import Path

from include.domain.delivery_period import Market
from include.domain.rejection import RejectedMessageError
from include.domain.trade import Trade, parse_trade
from tools.bench.dataset import Dataset, messages

DATASET = Dataset(5000, 50, 5, Path("landing"), Path("frames"))


def test_messages_are_as_many_trades_duplicates_and_malformed_ones_as_promised() -> None:
    market = Market.of("Europe/Berlin")
    first_line: dict[str, int] = {}
    trades: dict[str, Trade] = {}
    distances, malformed = [], 0
    for line, text in zip(count(), messages(DATASET), strict=False):
        try:
            trade = parse_trade(text, market)
        except RejectedMessageError:
            malformed += 1
            continue
        if trade.trade_id in trades:
            assert trades[trade.trade_id] == trade
            distances.append(line - first_line[trade.trade_id])
        trades[trade.trade_id] = trade
        first_line.setdefault(trade.trade_id, line)
    assert (len(trades), len(distances), malformed) == (DATASET.trade_count, 50, 5)
    assert sum(distances) / len(distances) > DATASET.line_count / 4
    assert len({(t.period.delivery_day, t.period.delivery_hour) for t in trades.values()}) == 48
    assert len({t.trader_id for t in trades.values()}) == 5


def test_messages_are_the_same_each_time() -> None:
    assert list(messages(DATASET)) == list(messages(DATASET))
