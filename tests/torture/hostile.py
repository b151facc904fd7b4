"""Hostile input: messages, replies, statements and landing lines, made by a grammar or changed at random."""

import json
import random
from typing import Any

from include.landing import event_line, message_line, timestamp
from tests.messages import DEAL, RECEIVED_AT, cancellation, deal, event, landed
from tests.statements import LINE

_ODD_CHARACTERS = [0, 9, 10, 13, 31, 127, 0x85, 0xA0, 0x660, 0x661, 0x2028, 0x202E, 0xFEFF, 0xFF10, 0x1F600]
CHARACTERS = "0123456789+-.,:;TZtz eE_/\\'\"[]{}<>" + "".join(map(chr, _ODD_CHARACTERS))

TIMES = [
    "2026-03-02T10:13,43+00:00", "2026-03-02T10:13.43+00:00", "2026-03-02T101343,1Z", "2026-03-02T10131343Z",
    "2026-03-02T10.34361Z", "2026-03-02T101343+00:00000", "2026-03-02 10:13:43+00:00", "2026-03-02T10:13:43.1Z",
    "2026-03-02T10:13:43.123456+01:30", "2026-03-02T10:13:43-0000", "2026-W10-1T10:13:43+00:00",
    "2026-03-02T24:00:00+00:00", "2026-061T10:13:43+00:00", "10000-03-02T10:13:43+0:00", "2026-03-02T10:13:60Z",
    "2026-03-02T10:13:43", "2026-03-02T10:13:43+24:00", "0001-01-01T00:00:00+14:00", "1998-03-02T10:13:43Z",
]  # fmt: skip
LABELS = [
    "9-10", "H16", "Hour 3A", "08-20", "23-00", "15 \u2013 16", "00-01", "02-03", "02-03A", "03B",
    "15:00-15:15", "15:45-16:00", "23-24", "24-25", "1-2", "15-17", "", "15-16\n", "\u0661-\u0662", "15-16-17",
    "-1-0", "00-24",
]  # fmt: skip
NUMBERS = [
    "-0.0", "1e2", "1E-2", "999999999.9999999999", "1e400", "00", "+1", "1.", ".1", "1_0", "Infinity", "-0",
    "0", "1e-400", "1e9999999", "1e-9999999", "NaN", "-Infinity", "9" * 400, "0." + "1" * 400, "1000000000",
    "0x10", "1e-10", "1e-11", "9999999999999999999999999999", "123456789.0000000001",
    "12345678901234567890e-11",
]  # fmt: skip
DAYS = [
    "2026-03-29", "2026-10-25", "2026-02-30", "2026-W10-1", "20260302", "2099-12-31", "2100-01-01",
    " 2026-03-02 ", "1999-12-31", "2000-01-01", "\u0662026-03-02",
]  # fmt: skip
DEPTHS = [1, 2, 99, 100, 101, 900, 1_000, 3_000, 100_000]
"""The last one only now and then: no interpreter allows it."""
VALUES: list[Any] = [
    None, True, False, 0, -1, 1e308, 2**63, 2**63 - 1, 2**31, "", " ", "x" * 200, "x" * 201, "x" * 300, "\x00",
    "a\x00b", "\ud800", "\udfff\ud800", "NaN", [], {}, [[]], {"a": 1}, "Sell", "BUY", "b", "' OR 1=1 --",
    "\\N", "\\.", "\t\n", "\r", "\u202eevil", "🦄", "1", "1.5", "1,5", "-1", "eur", "EUR", "GBP", "mwh", "MW",
    "kWh", "euro/mwh", "CANCELLED", "DISPUTED", "COMPLETED", "RECALLED", "not_cancelled", "?", *TIMES,
    *LABELS, *DAYS,
]  # fmt: skip
MESSAGE_FIELDS = tuple(DEAL)
_FURTHER_FIELDS = (
    "state", "status", "trade_state", "STATE", "revision", "revision_no", "version", "price_unit", "unit",
    "quantity_unit", "volume_unit", "currency", "self_trade", "Price", "\ud800", "x" * 300, "",
)  # fmt: skip
_KEYS = (
    "deal_confirmation", "trade_confirmation", "deal_cancellation", "trade_cancellation", "deal_recall",
    "trade_recall", "type", "heartbeat", "ts", "deal", "", "raw", "channel",
)  # fmt: skip
_SECOND_NAMES = (
    "TradeId", "Side", "DeliveryStart", "DeliveryEnd", "ExecutionTime", "Price", "Currency", "Volume",
    "VolumeUnit",
)  # fmt: skip
_ODD = {"execution_time": TIMES, "delivery_hour": LABELS, "delivery_day": DAYS}


def changed(random_: random.Random, text: str) -> str:
    """The text with one character replaced, put in, taken out, or put in the place of another."""
    at = random_.randrange(len(text) + 1)
    character = random_.choice(CHARACTERS) if random_.random() < 0.8 else chr(random_.randrange(0xD800))
    match random_.randrange(4):
        case 0:
            return text[:at] + character + text[at + 1 :]
        case 1:
            return text[:at] + character + text[at:]
        case 2:
            return text[:at] + text[at + 1 :]
        case _:
            return text[:at] + text[at : at + 2][::-1] + text[at + 2 :]


# of as many quotes as the fast way of parsing expects
_DEEP = [
    json.dumps({outer: DEAL}).replace("20.64", "[" * depth + "1" + "]" * depth)
    for outer in ("deal_confirmation", "something_else")
    for depth in DEPTHS
]


def nested(random_: random.Random) -> str:
    """A value nested deeply, now and then far deeper than any interpreter allows."""
    depth = random_.choice(DEPTHS if random_.random() < 0.02 else DEPTHS[:-1])
    opening, closing = random_.choice([("[", "]"), ('{"a":', "}")])
    return opening * depth + "1" + closing * depth


def message(random_: random.Random, number: int) -> str | bytes:
    """What an exchange, or somebody in its place, might send; the first ones are nested deeply in any run."""
    if number < len(_DEEP):
        return _DEEP[number]
    match random_.randrange(20):
        case 0:
            return _not_text(random_, number)
        case 1:
            text = deal(id=f"c{random_.randrange(number + 1)}")
            return text[: random_.randrange(len(text))]
        case 2:
            return json.dumps(
                random_.choice([[], {}, 1, None, "", {"heartbeat": 1}, {"deal_confirmation": []}])
            )
        case 3 | 4 | 5 | 6 | 7:
            return _grammar(random_, number)
        case 8 | 9:  # copies and conflicts
            price = random_.choice([20.64, 20.64, 20.64, 20.65])
            return deal(id=f"d{random_.randrange(number // 2 + 1)}", price=price)
        case 10:
            return cancellation(
                id=f"d{random_.randrange(number + 1)}", revision=random_.choice([0, 1, None, "2"])
            )
        case _:
            return _mutated(random_, number)


def _mutated(random_: random.Random, number: int) -> str:
    """A message of which some characters are changed, mostly within one field."""
    text = deal(random_.choice(["deal_confirmation", "trade_confirmation"]), id=f"t{number:07}")
    field = random_.choice(MESSAGE_FIELDS)
    value = json.dumps((DEAL | {"id": f"t{number:07}"})[field])
    start = text.index(value, text.index(f'"{field}"') + len(field) + 2)
    match random_.randrange(8):
        case 0 if field in _ODD:
            odd = json.dumps(random_.choice(_ODD[field]))
        case 0:
            odd = random_.choice([*NUMBERS, "null", "{}", nested(random_)])
        case 1:  # anywhere: keys, brackets, another field
            start = random_.randrange(len(text))
            value = text[start : start + random_.randrange(4)]
            odd = changed(random_, value)
        case _:
            odd = value
            for _ in range(random_.choice([1, 1, 1, 2, 3])):
                odd = changed(random_, odd)
    return text[:start] + odd + text[start + len(value) :]


def _grammar(random_: random.Random, number: int) -> str:
    """A message put together from keys and values, right ones and others, some of them twice."""
    fields = dict(DEAL | {"id": f"g{random_.randrange(number // 3 + 1)}"})
    pairs = [(name, json.dumps(value)) for name, value in fields.items() if random_.random() < 0.97]
    for _ in range(random_.choice([0, 1, 1, 2, 3])):
        name = random_.choice((*MESSAGE_FIELDS, *_FURTHER_FIELDS, *_FURTHER_FIELDS))
        text = (
            random_.choice([*NUMBERS, nested(random_)])
            if random_.random() < 0.2
            else json.dumps(random_.choice(VALUES), ensure_ascii=random_.random() < 0.7)
        )
        if random_.random() < 0.9:
            pairs = [pair for pair in pairs if pair[0] != name]
        pairs.append((name, text))
    random_.shuffle(pairs)
    body = "{" + ", ".join(f"{json.dumps(name)}: {text}" for name, text in pairs) + "}"
    keys = (
        [random_.choice(_KEYS[:2])]
        if random_.random() < 0.8
        else random_.choices(_KEYS, k=random_.choice([1, 2]))
    )
    around = random_.choice(["", "", "", " ", "\ufeff", "\n", "\x00"])
    return around + "{" + ", ".join(f"{json.dumps(key)}: {body}" for key in keys) + "}"


def _not_text(random_: random.Random, number: int) -> bytes:
    text = deal(id=f"b{number}", trader_id="Müller")
    match random_.randrange(6):
        case 0:
            return random_.randbytes(random_.randrange(60))
        case 1:
            return text.encode(random_.choice(["utf-16", "utf-16-le", "utf-32", "utf-8-sig"]))
        case 2:
            return text.replace("\\u00fc", "ü").encode("latin-1")
        case 3:
            return text.replace("\\u00fc", "ü").encode()[: -random_.randrange(1, 80)]
        case 4:  # surrogates, as some encoders write them
            return text.replace("\\u00fc", "\ud83d").encode("utf-8", "surrogatepass")
        case _:
            return text.replace("M\\u00fc", "\xc0\x80").encode("latin-1")


def as_sent(payload: str | bytes) -> bytes:
    """What reaches the socket; an exchange can send surrogates only as JSON escapes."""
    return payload if isinstance(payload, bytes) else payload.encode("utf-8", "backslashreplace")


def line(random_: random.Random, number: int) -> bytes:
    """A line of a landing file of trades; the first ones have odd times or are nested deeply in any run."""
    if number < len(TIMES):
        return json.dumps({"received_at": TIMES[number], "raw": deal()}).encode()
    if number < len(TIMES) + len(DEPTHS):
        depth = DEPTHS[number - len(TIMES)]
        deep = "[" * depth + "]" * depth
        return f'{{"received_at": "{timestamp(RECEIVED_AT)}", "event": "heartbeat", "more": {deep}}}'.encode()
    good = random_.choice(
        [
            landed([deal(id=f"t{number:07}")]),
            event(number / 1_000, "heartbeat", connected=True),
            event_line(RECEIVED_AT, "clock_stepped", seconds=-3.5, files=["trades/a.jsonl"]),
            event(number / 1_000, "disconnected", alive_until=timestamp(RECEIVED_AT)),
            message_line(RECEIVED_AT, b"\xff\xfe"),
        ]
    ).decode()[:-1]
    match random_.randrange(8):
        case 0:
            text = _made_line(random_, number)
        case 1:
            return random_.randbytes(random_.randrange(80)).replace(b"\n", b" ")
        case 2:
            text = random_.choice([nested(random_), good[:-1] + f', "more": {nested(random_)}}}'])
        case _:
            end = good.index('"', good.index("received_at") + 14) if random_.random() < 0.7 else len(good)
            cut = random_.randrange(end)
            text = good[:cut] + changed(random_, good[cut:end]) + good[end:]
    return text.replace("\n", " ").encode("utf-8", "surrogatepass")


def _made_line(random_: random.Random, number: int) -> str:
    names = (
        "raw",
        "raw_base64",
        "event",
        "connected",
        "alive_until",
        "connected_since",
        "seconds",
        "files",
        "status",
    )
    at = timestamp(RECEIVED_AT) if random_.random() < 0.8 else random_.choice(VALUES)
    made = {"received_at": at, "raw": deal(id=f"t{number:07}")}
    for name in random_.sample(names, random_.randrange(4)):
        made[name] = random_.choice([*VALUES, -3.5, 1e300, -1e9, ["a\x00b", "\ud800"], {"delivery_day": "x"}])
    return json.dumps(made)


def reply(random_: random.Random, asked: dict[str, str]) -> tuple[int, bytes]:
    """Status and body of a provider that is broken, or of something that answers in its place."""
    body = {**asked, "last_update": "2026-02-21T07:10:20+00:00", "unit": "euro/mwh", "value": 27.74}
    status = 200 if random_.random() < 0.75 else random_.choice([*range(100, 1000), 0, 204, 400, 404, 429, 503])
    for _ in range(random_.choice([0, 0, 1, 1, 2])):
        name = random_.choice([*body, "value", "value", "error_message"])
        body[name] = random_.choice([*VALUES, 9999.99, -9999.99, 10000, 0, ...])  # type: ignore[assignment]
    text = json.dumps({name: value for name, value in body.items() if value is not ...})
    match random_.randrange(8):
        case 0:
            text = text.replace("27.74", random_.choice([*NUMBERS, nested(random_)]))
        case 1 | 2:
            text = changed(random_, changed(random_, text))
        case 3:
            text = text[: random_.randrange(len(text) + 1)]
        case 4:
            odd = [b"", b"null", b"[]", b"<html>502</html>", b"\xff\xfe", text.encode("utf-16"), b"\x00" * 9]
            return status, random_.choice([*odd, b"\xef\xbb\xbf" + text.encode(), text.encode()[:-9] + b"\xc3"])
        case _:
            pass
    return status, text.encode("utf-8", "backslashreplace")


def statement(random_: random.Random, line_count: int) -> str:
    """A statement whose lines, and now and then whose header, are not what the exchange promised."""
    is_first = random_.random() < 0.6
    names = list(LINE) if is_first else list(_SECOND_NAMES)
    delimiter = random_.choice([",", ";", "\t", "|"])
    header = delimiter.join(names)
    if random_.random() < 0.1:
        header = changed(random_, header)
    preamble = ["# Private Trades"] * random_.choice([0, 0, 1, 3, 19, 20])
    lines = []
    for number in range(line_count):
        cells = _first_format(random_, number) if is_first else _second_format(random_, number)
        for _ in range(random_.choice([0, 0, 1, 1, 2])):
            at = random_.randrange(len(cells))
            odd = random_.choice([*VALUES, *NUMBERS])
            cells[at] = changed(random_, cells[at]) if random_.random() < 0.5 else str(odd)
        text = delimiter.join(cells)
        match random_.randrange(30):
            case 0:
                text = changed(random_, text)
            case 1:
                text = random_.choice(
                    [header, "", "#", delimiter * 9, text + delimiter, '"' + text, "x" * 20_000]
                )
            case _:
                pass
        lines.append(text.replace("\n", " "))
    ends = random_.choice(["\n", "\n", "\r\n"])
    text = ends.join([*preamble, header, *lines]) + random_.choice([ends, ends, ""])
    return text.encode("utf-8", "replace").decode()


def _first_format(random_: random.Random, number: int) -> list[str]:
    row = LINE | {"id": f"s{random_.randrange(2 * number + 1)}", "delivery_hour": str(random_.randrange(24))}
    row["direction"] = random_.choice(["sell", "buy", "SELL", "B"])
    return list(row.values())


def _second_format(random_: random.Random, number: int) -> list[str]:
    hour = random_.randrange(23)
    minutes = random_.choice([("00:00", "00:00", 1), ("00:00", "15:00", 0), ("30:00", "45:00", 0)])
    return [
        f"s{random_.randrange(2 * number + 1)}", random_.choice(["SELL", "BUY"]),
        f"2026-03-02 {hour:02}:{minutes[0]}+01:00", f"2026-03-02 {hour + minutes[2]:02}:{minutes[1]}+01:00",
        "2026-03-02 15:03:44.509000+00:00", random_.choice(["81.29", "-1.234,56", "1 234.5", "7,5"]), "EUR",
        random_.choice(["0.1", "12", "0,4"]), random_.choice(["MWH", "MW"]),
    ]  # fmt: skip
