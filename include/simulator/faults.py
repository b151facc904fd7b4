"""What the exchange and the provider do besides the ordinary: switches of tests and of the command line."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from random import Random
from typing import Any

from include.simulator.deals import TRADERS, Deal

DEMO = (
    *("quarter_hours=0.15", "half_hours=0.02", "blocks=0.02", "odd_labels=0.05", "odd_times=0.05"),
    *("numbers_as_text=0.02", "whole_number_ids=0.02", "unknown_fields=0.01", "operational_messages=0.03"),
    *("amendments=0.01", "recalls=0.01", "self_trades=0.01", "disputes=0.01"),
    # these make hours incomplete until somebody reviews them: together about one an hour at 1.6 deals a second
    *("foreign_currency=0.00007", "extreme_prices=0.00008", "broken_json=0.00002"),
    # of the hours: about one a day
    *("stale_prices=0.04", "revised_prices=0.04"),
)
"""What exchange and provider of the demo send, so that a new user sees all that real ones may send."""

_OVERSIZED_BYTES = 5_000_000
_MAX_HELD_BACK = 5
_MAX_LATER = 200  # deals: two minutes of the demo
_EXTREME_PRICE = Decimal("12345.67")
_AN_HOUR_AHEAD = timezone(timedelta(hours=1))

Body = dict[str, Any]


@dataclass(slots=True)
class ExchangeFaults:
    """What the exchange does besides sending each deal once, as an hour; all off by default.

    From `duplicates` on these are shares of the deals, 0 to 1.
    """

    disconnect_every_seconds: float = 0.0  # all TCP connections are cut, without a close frame
    disconnect_every_messages: int = 0  # the same, counted in messages
    dying_hour: bool = False  # each connection is closed with 1011 dying_after_seconds after it was opened
    dying_utc_hour: int = -1  # the same during that hour of every day only; -1: never
    dying_after_seconds: float = 3.0
    silence: bool = False  # nothing is sent, no ping is answered, and every connection stays open
    # further messages
    duplicates: float = 0.0  # the same text again
    conflicting_duplicates: float = 0.0  # again with another price
    reordering: float = 0.0  # overtaken by up to five later deals
    broken_json: float = 0.0  # a text cut off in the middle
    binary_frames: float = 0.0  # a binary message that is no text
    oversized_messages: float = 0.0  # a well-formed message of 5 MB
    operational_messages: float = 0.0  # a heartbeat, an acknowledgement or a status
    self_trades: float = 0.0  # the desk is both parties: a second leg with the same id
    amendments: float = 0.0  # another price as revision 1, up to 200 deals later
    recalls: float = 0.0  # taken back, up to 200 deals later
    # other periods: of these three the first that applies
    quarter_hours: float = 0.0
    half_hours: float = 0.0
    blocks: float = 0.0  # two to eight hours
    # the message itself
    odd_labels: float = 0.0  # 9-10, 15 - 16, 15:00-16:00, H16, 23-00
    odd_times: float = 0.0  # seven decimals, no seconds, +01
    numbers_as_text: float = 0.0
    whole_number_ids: float = 0.0
    unknown_fields: float = 0.0
    disputes: float = 0.0  # a state says that a party disputes the deal or wants it recalled
    foreign_currency: float = 0.0
    extreme_prices: float = 0.0  # beyond the exchange's limits


@dataclass(slots=True)
class ProviderFaults:
    """Faults of the HTTP API; all off by default."""

    error_status: int = 0  # every reply has this status, for example 503; 0: none
    error_share: float = 1.0  # of the requests that error_status and hang_up hit
    hang_up: bool = False  # the connection is closed without a reply
    slow_body_seconds: float = 0.0  # the headers come at once, the body in pieces over that time
    garbage: bool = False  # the body is no JSON
    wrong_unit: str = ""  # what `unit` says instead
    raw_value: str = ""  # stands in place of the value, as it is: null, NaN, "abc", 1e400000
    too_many: bool = False  # every reply is a 429, whatever the budget
    no_retry_after: bool = False  # a 429 does not say when to come back
    permissive: bool = False  # any label of any day has a value, and there is no budget
    revise_final: bool = False  # a price changes every 10 minutes, after delivery too
    # shares of the hours whose price …
    stale_prices: float = 0.0  # is not updated from an hour before gate closure on
    revised_prices: float = 0.0  # changes once more, at 5 in the morning after delivery


@dataclass(slots=True)
class StatementFaults:
    """What is wrong with the exchange's end-of-day file; all off by default."""

    late_minutes: float = 0.0
    truncated: bool = False  # ends in the middle of a line, at about half of its length
    missing_line: bool = False  # one of its trades is not in it
    unknown_trade: bool = False  # one that was never sent is
    other_price: bool = False  # one of its prices is another one
    utf16: bool = False  # its encoding; UTF-8 otherwise
    semicolons: bool = False  # between its cells, and decimal commas


class Disturbance:
    """Turns deals into messages, with all that is switched on."""

    def __init__(self, faults: ExchangeFaults, seed: int) -> None:
        self._faults = faults
        self._random = Random(f"{seed}/faults")
        self._held_back: list[tuple[int, str]] = []

    def messages(self, deal: Deal) -> list[str | bytes]:
        """What is sent when this deal is made: usually one text, sometimes none or several."""
        random, key, body = self._random, deal.key, deal.body()
        body["delivery_hour"] = self._label(body["delivery_hour"])
        for kind, changed in _CHANGES.items():
            if self._has(kind):
                body |= changed(deal, body, random)
        text = json.dumps({key: body})

        def amended(**revision: int) -> str:
            price = type(body["price"])(deal.with_other_price().price)
            return json.dumps({key: body | {"price": price} | revision})

        overtaken = self._has("reordering")
        further: dict[str, Callable[[], str | bytes]] = {
            "duplicates": lambda: text,
            "conflicting_duplicates": amended,
            "self_trades": lambda: json.dumps({key: body | _other_leg(deal)}),
            "broken_json": lambda: text[: random.randrange(1, len(text))],
            "binary_frames": lambda: b"\xff\xfe" + random.randbytes(30),
            "oversized_messages": lambda: json.dumps({"notice": "x" * _OVERSIZED_BYTES}),
            "operational_messages": lambda: json.dumps(random.choice(_operational(deal.executed_at))),
        }
        result: list[str | bytes] = [] if overtaken else [text]
        result += [make() for kind, make in further.items() if self._has(kind)]
        result += self._released()
        if overtaken:
            self._hold_back(text, _MAX_HELD_BACK)
        if self._has("amendments"):
            self._hold_back(amended(revision=1), _MAX_LATER)
        if self._has("recalls"):
            self._hold_back(json.dumps(random.choice(_recalls(key, body))), _MAX_LATER)
        return result

    def _label(self, hour: str) -> str:
        """The hour itself, a part of it, or a block that begins with it."""
        start = int(hour[:2])
        minutes = 15 if self._has("quarter_hours") else 30 if self._has("half_hours") else 0
        if minutes:
            at = 60 * start + minutes * self._random.randrange(60 // minutes)
            return "-".join(f"{m // 60:02}:{m % 60:02}" for m in (at, at + minutes))
        if start < 23 and self._has("blocks"):
            return f"{start:02}-{self._random.randint(start + 2, min(start + 8, 24)):02}"
        return hour

    def _has(self, kind: str) -> bool:
        share: float = getattr(self._faults, kind)
        return share > 0 and self._random.random() < share

    def _hold_back(self, text: str, most: int) -> None:
        """Sends it when that many further deals were made, or fewer."""
        self._held_back.append((self._random.randint(1, most), text))

    def _released(self) -> list[str]:
        waiting = [(left - 1, text) for left, text in self._held_back]
        self._held_back = [(left, text) for left, text in waiting if left > 0]
        return [text for left, text in waiting if left <= 0]


_CHANGES: dict[str, Callable[[Deal, Body, Random], Body]] = {
    "odd_labels": lambda _, body, random: {"delivery_hour": random.choice(_labels(body["delivery_hour"]))},
    "odd_times": lambda deal, _, random: {"execution_time": random.choice(_times(deal.executed_at))},
    "numbers_as_text": lambda deal, *_: {"price": str(deal.price), "quantity": str(deal.quantity)},
    "whole_number_ids": lambda deal, *_: {"id": int(deal.id, 16) % 10**15},
    "unknown_fields": lambda *_: {"venue": "EPEX", "is_aggressor": True},
    "disputes": lambda *given: {"state": given[-1].choice(("DISPUTED", "RECALL_REQUESTED"))},
    "foreign_currency": lambda *_: {"currency": "GBP"},
    "extreme_prices": lambda _, body, random: {
        "price": type(body["price"])(random.choice((1, -1)) * _EXTREME_PRICE)
    },
}


def _labels(label: str) -> list[str]:
    """Other ways of writing a label."""
    start, end = label.split("-")
    result = [f"{start} - {end}", f"{start}\N{EN DASH}{end}"]
    if ":" not in label:
        result += [f"{int(start)}-{int(end)}", f"{start}:00-{end}:00"]
        if int(end) == int(start) + 1:
            result += [f"H{int(end)}", f"Hour {int(end)}"]
    if end.startswith("24"):
        result.append(label.replace("-24", "-00"))
    return [other for other in result if other != label]


def _times(at: datetime) -> list[str]:
    """Other ways of writing a time."""
    ahead = at.astimezone(_AN_HOUR_AHEAD)
    return [
        f"{ahead:%Y-%m-%dT%H:%M:%S.%f}7+01:00",
        f"{ahead:%Y-%m-%dT%H:%M}+0100",
        f"{ahead:%Y-%m-%d %H:%M:%S}+01",
    ]


def _operational(at: datetime) -> list[Body]:
    return [
        {"type": "heartbeat", "time": at.isoformat()},
        {"event": "subscribed", "channel": "trades"},
        {"op": "status", "state": "CONTINUOUS_TRADING"},
        {"ping": int(at.timestamp())},
    ]


def _other_leg(deal: Deal) -> Body:
    """What differs in the second message of a self trade: the direction and the trader."""
    other = replace(deal, trader=deal.trader % TRADERS + 1).body()
    return {"direction": "buy" if deal.direction == "sell" else "sell", "trader_id": other["trader_id"]}


def _recalls(key: str, body: Body) -> list[Body]:
    """Messages that take a deal back."""
    of_trade = {"id": body["id"]}
    return [
        {"deal_cancellation": of_trade},
        {"trade_recall": of_trade | {"direction": body["direction"]}},
        {key: body | {"state": "CANCELLED"}},
    ]


def parse_faults(arguments: Sequence[str]) -> tuple[ExchangeFaults, ProviderFaults]:
    """The faults of the stream and of the API that `NAME` or `NAME=VALUE` arguments switch on.

    Raises:
        ValueError: As for `switch_on`.
    """
    exchange, provider = ExchangeFaults(), ProviderFaults()
    switch_on(arguments, exchange, provider)
    return exchange, provider


def switch_on(arguments: Sequence[str], *targets: ExchangeFaults | ProviderFaults | StatementFaults) -> None:
    """Sets the attributes of `targets` that `NAME` or `NAME=VALUE` arguments name.

    Raises:
        ValueError: An unknown name or a value of the wrong kind; the message is for a person.
    """
    owners: dict[str, Any] = {field.name: faults for faults in targets for field in fields(faults)}
    for argument in arguments:
        spelled, separator, text = argument.partition("=")
        name = spelled.replace("-", "_")
        if name not in owners:
            raise ValueError(f"no fault is called {spelled!r}; there are: {', '.join(owners)}")
        kind = type(getattr(owners[name], name))
        if kind is bool:
            if separator:
                raise ValueError(f"the fault {spelled} takes no value")
            setattr(owners[name], name, True)
            continue
        if not text:
            raise ValueError(f"the fault {spelled} needs a value: {spelled}=…")
        try:
            setattr(owners[name], name, kind(text))
        except ValueError:
            raise ValueError(f"the fault {spelled} needs a number, not {text!r}") from None
