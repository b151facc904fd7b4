"""What can go wrong on purpose: switches that a test or the command line turns, at any time."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from random import Random
from typing import Any

from include.simulator.deals import Deal

_OVERSIZED_BYTES = 5_000_000
_MAX_HELD_BACK = 5


@dataclass(slots=True)
class ExchangeFaults:
    """Faults of the websocket; all off by default. Shares are 0 to 1 of the deals.

    Attributes:
        disconnect_every_seconds: All TCP connections are cut, without a close frame.
        disconnect_every_messages: The same, counted in messages.
        dying_hour: Each connection is closed with 1011 `dying_after_seconds` after it was opened.
        dying_utc_hour: The same during that hour of every day only (-1: never).
        dying_after_seconds: How long a connection of the dying hour lives.
        duplicates: Share of deals that are sent twice.
        conflicting_duplicates: Share of deals that are sent again with another price.
        reordering: Share of deals that are overtaken by up to five later ones.
        broken_json: Share of deals followed by a text cut off in the middle.
        binary_frames: Share of deals followed by a binary message that is no text.
        oversized_messages: Share of deals followed by a well-formed message of 5 MB.
        silence: Nothing is sent, no ping is answered, and every connection stays open.
    """

    disconnect_every_seconds: float = 0.0
    disconnect_every_messages: int = 0
    dying_hour: bool = False
    dying_utc_hour: int = -1
    dying_after_seconds: float = 3.0
    duplicates: float = 0.0
    conflicting_duplicates: float = 0.0
    reordering: float = 0.0
    broken_json: float = 0.0
    binary_frames: float = 0.0
    oversized_messages: float = 0.0
    silence: bool = False


@dataclass(slots=True)
class ProviderFaults:
    """Faults of the HTTP API; all off by default.

    Attributes:
        error_status: Every reply has this status, for example 503 (0: none).
        error_share: Share of the requests that `error_status` and `hang_up` hit.
        hang_up: The connection is closed without a reply.
        slow_body_seconds: The headers come at once, the body in pieces over that time.
        garbage: The body is no JSON.
        wrong_unit: What `unit` says instead.
        raw_value: What stands in place of the value, as it is: `null`, `NaN`, `"abc"`, `1e400000`.
        too_many: Every reply is a 429, whatever the budget.
        no_retry_after: A 429 does not say when to come back.
        permissive: Any label of any day has a value, and there is no budget.
        revise_final: A price changes every 10 minutes, after delivery too.
        stale_prices: Share of the hours whose price is not updated from an hour before gate closure on.
        revised_prices: Share of the hours whose price changes once more, at 5 in the morning after delivery.
    """

    error_status: int = 0
    error_share: float = 1.0
    hang_up: bool = False
    slow_body_seconds: float = 0.0
    garbage: bool = False
    wrong_unit: str = ""
    raw_value: str = ""
    too_many: bool = False
    no_retry_after: bool = False
    permissive: bool = False
    revise_final: bool = False
    stale_prices: float = 0.0
    revised_prices: float = 0.0


class Disturbance:
    """Turns deals into messages, with the faults of content that are switched on."""

    def __init__(self, faults: ExchangeFaults, seed: int) -> None:
        self._faults = faults
        self._random = Random(f"{seed}/faults")
        self._held_back: list[tuple[int, str]] = []

    def messages(self, deal: Deal) -> list[str | bytes]:
        """What is sent when this deal is made: usually one text, sometimes none or several."""
        faults, text = self._faults, deal.message()
        overtaken = self._has(faults.reordering)
        result: list[str | bytes] = [] if overtaken else [text]
        if self._has(faults.duplicates):
            result.append(text)
        if self._has(faults.conflicting_duplicates):
            result.append(deal.with_other_price().message())
        if self._has(faults.broken_json):
            result.append(text[: self._random.randrange(1, len(text))])
        if self._has(faults.binary_frames):
            result.append(b"\xff\xfe" + self._random.randbytes(30))
        if self._has(faults.oversized_messages):
            result.append(json.dumps({"notice": "x" * _OVERSIZED_BYTES}))
        result += self._released()
        if overtaken:
            self._held_back.append((self._random.randint(1, _MAX_HELD_BACK), text))
        return result

    def _has(self, share: float) -> bool:
        return share > 0 and self._random.random() < share

    def _released(self) -> list[str]:
        waiting = [(left - 1, text) for left, text in self._held_back]
        self._held_back = [(left, text) for left, text in waiting if left > 0]
        return [text for left, text in waiting if left <= 0]


def parse_faults(arguments: Sequence[str]) -> tuple[ExchangeFaults, ProviderFaults]:
    """The faults that `NAME` or `NAME=VALUE` arguments switch on.

    Raises:
        ValueError: An unknown name or a value of the wrong kind; the message is for a person.
    """
    exchange, provider = ExchangeFaults(), ProviderFaults()
    owners: dict[str, Any] = {field.name: faults for faults in (exchange, provider) for field in fields(faults)}
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
    return exchange, provider
