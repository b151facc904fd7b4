"""Reason codes of rejected messages."""

from enum import StrEnum


class Reason(StrEnum):
    """Reason codes of `ops.rejected_messages`; DESCRIPTIONS explains each."""

    NOT_TEXT = "not_text"
    UNREADABLE = "unreadable"
    INVALID_JSON = "invalid_json"
    UNKNOWN_MESSAGE = "unknown_message"
    MISSING_FIELD = "missing_field"
    INVALID_TRADE_ID = "invalid_trade_id"
    INVALID_TRADER_ID = "invalid_trader_id"
    INVALID_DIRECTION = "invalid_direction"
    INVALID_PRICE = "invalid_price"
    INVALID_QUANTITY = "invalid_quantity"
    INVALID_DELIVERY_DAY = "invalid_delivery_day"
    INVALID_DELIVERY_HOUR = "invalid_delivery_hour"
    NONEXISTENT_DELIVERY_HOUR = "nonexistent_delivery_hour"
    INVALID_REVISION = "invalid_revision"
    UNKNOWN_STATE = "unknown_state"
    UNKNOWN_UNIT = "unknown_unit"
    FOREIGN_CURRENCY = "foreign_currency"
    CONFLICTING_DUPLICATE = "conflicting_duplicate"
    UNSTORABLE = "unstorable"
    TORN_LINE = "torn_line"
    FOREIGN_LINE = "foreign_line"
    BAD_REQUEST = "bad_request"
    UNEXPECTED_STATUS = "unexpected_status"
    ANSWER_MISMATCH = "answer_mismatch"
    INVALID_UNIT = "invalid_unit"
    PRICE_OUT_OF_BOUNDS = "price_out_of_bounds"
    OBSERVED_IN_FUTURE = "observed_in_future"
    WRONG_STATEMENT_DAY = "wrong_statement_day"
    WRONG_COLUMN_COUNT = "wrong_column_count"


DESCRIPTIONS: dict[Reason, str] = {
    Reason.NOT_TEXT: "the message is not UTF-8 text",
    Reason.UNREADABLE: "the message has more than 1,000,000 characters, or reading it failed unexpectedly",
    Reason.INVALID_JSON: "the message is not one JSON value with each key once",
    Reason.UNKNOWN_MESSAGE: "the message is JSON, but no confirmation, cancellation or operational message",
    Reason.MISSING_FIELD: "a field that every message of its kind has is missing",
    Reason.INVALID_TRADE_ID: "the id is neither a text of 1 to 200 storable characters nor a whole number",
    Reason.INVALID_TRADER_ID: "the trader is neither a text of 1 to 200 storable characters nor a whole number",
    Reason.INVALID_DIRECTION: "the direction is neither buy nor sell",
    Reason.INVALID_PRICE: "the price is not a finite number that fits (9 digits before the point)",
    Reason.INVALID_QUANTITY: "the quantity is not a finite number of MW that fits (9 digits before the point)",
    Reason.INVALID_DELIVERY_DAY: "the delivery day is not a date YYYY-MM-DD of the years 2000 to 2099",
    Reason.INVALID_DELIVERY_HOUR: "the delivery hour is no label of a delivery period",
    Reason.NONEXISTENT_DELIVERY_HOUR: "the delivery hour does not exist on that day (a change of clocks)",
    Reason.INVALID_REVISION: "the revision is not a whole number from 0 to 9,223,372,036,854,775,807",
    Reason.UNKNOWN_STATE: "the state of the trade is none that we know: nobody can say whether it counts",
    Reason.UNKNOWN_UNIT: "the unit of the price or the quantity is none that we know",
    Reason.FOREIGN_CURRENCY: "the currency is not that of the market; nothing is converted",
    Reason.CONFLICTING_DUPLICATE: "this revision of the trade came before with other content; the first counts",
    Reason.UNSTORABLE: "the message was read, but the warehouse refused to store it",
    Reason.TORN_LINE: "the writer was killed in the middle of this line, or the statement is truncated there",
    Reason.FOREIGN_LINE: "the line was not written by capture or pull: it has neither a message nor an event",
    Reason.BAD_REQUEST: "the provider refused the request as malformed",
    Reason.UNEXPECTED_STATUS: "the provider answered with a status that its contract does not know",
    Reason.ANSWER_MISMATCH: "the provider answered for another delivery hour than the one asked for",
    Reason.INVALID_UNIT: "the unit is neither euro/mwh nor euro; nothing is converted",
    Reason.PRICE_OUT_OF_BOUNDS: (
        "the price is outside the exchange's bounds, -9,999.99 to 9,999.99 EUR/MWh or as MARKETS_FILE says"
    ),
    Reason.WRONG_STATEMENT_DAY: "the trade of a statement is not of its day, that of execution or of delivery",
    Reason.WRONG_COLUMN_COUNT: "the line of a statement has more or fewer columns than its header",
    Reason.OBSERVED_IN_FUTURE: "the reply was received after it was loaded: the clock of the pull was ahead",
}


class RejectedMessageError(Exception):
    """A message that cannot become a row.

    Attributes:
        reason: The code that is stored.
        detail: What exactly is wrong; quotes at most 80 characters of the message.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


def quoted(value: object) -> str:
    """The value in ASCII, at most 80 characters, safe to print and to store."""
    text = ascii(value)
    return text if len(text) <= 80 else text[:77] + "..."


def shown(text: str) -> str:
    """A text from outside, fit for a terminal: control characters and bidirectional marks are escaped."""
    return text if text.isprintable() else quoted(text)
