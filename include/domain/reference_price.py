"""Reference prices: the executable specification of what a reply of the provider means."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from include.domain.delivery_period import DeliveryPeriod
from include.domain.message import decode_json, parse_time, storable_number
from include.domain.rejection import Reason, RejectedMessageError, quoted

UNITS = ("euro/mwh", "euro")
"""The provider sends the first; its documentation says the second. Both mean EUR/MWh."""

UNDEFINED_STATUSES = (204, 404)
"""These say that there is no price (yet), whatever the body contains."""


@dataclass(frozen=True, slots=True)
class ReferencePrice:
    """An answer of the provider.

    Attributes:
        price_eur_per_mwh: None while undefined (no trades yet); 0 is a price.
        provider_updated_at: UTC; None if the provider does not say, or it cannot be read.
    """

    period: DeliveryPeriod
    price_eur_per_mwh: Decimal | None
    provider_updated_at: datetime | None


def is_transient_status(status: int) -> bool:
    """Whether the reply only asks to retry later: it says nothing about the price and is not rejected."""
    return status in (408, 425, 429) or status >= 500


def why_no_answer(status: int, body: bytes, asked: DeliveryPeriod) -> str | None:
    """Why a reply is not an answer, so that the request has to be retried; None if it is one.

    Answers are a price, "undefined", and a 400: the provider does not know the period, which a retry does not
    change. An error page of a proxy, a truncated document, a redirect or the price of another period are not.

    Args:
        status: HTTP status.
        body: The reply's body, verbatim.
        asked: The period of the request.
    """
    if is_transient_status(status):
        return f"status {status}"
    try:
        parse_reference_price(status, body.decode(), asked)
    except RejectedMessageError as error:
        return None if error.reason is Reason.BAD_REQUEST else f"status {status}, {error}"
    except UnicodeDecodeError:
        return None if status in UNDEFINED_STATUSES else f"status {status}, no UTF-8 text"
    except RecursionError:
        return f"status {status}, nested too deep"
    return None


def parse_reference_price(status: int, text: str, asked: DeliveryPeriod) -> ReferencePrice:
    """Parses the reply to a request for the price of a delivery period.

    204, 404, a null and a missing `value` all mean that the price is undefined.

    Args:
        status: HTTP status, not a transient one (`is_transient_status`).
        text: The body.
        asked: The requested period; the reply must be for the same one.

    Raises:
        RejectedMessageError: The reply violates the provider's contract.
    """
    if status in UNDEFINED_STATUSES:
        return ReferencePrice(asked, None, None)
    if status == 400:
        raise RejectedMessageError(Reason.BAD_REQUEST, f"the provider says {quoted(text)}")
    if status != 200:
        raise RejectedMessageError(Reason.UNEXPECTED_STATUS, f"status {status}: {quoted(text)}")
    body = decode_json(text)
    if not isinstance(body, dict):
        raise RejectedMessageError(Reason.UNKNOWN_MESSAGE, f"the reply is {quoted(text)}")
    day, label = body.get("delivery_day"), body.get("delivery_hour")
    if (day, label) != (asked.delivery_day.isoformat(), asked.delivery_hour):
        raise RejectedMessageError(
            Reason.ANSWER_MISMATCH,
            f"asked for {asked.delivery_day} {asked.delivery_hour}, answered {quoted(day)} {quoted(label)}",
        )
    value, unit, updated_at = body.get("value"), body.get("unit"), parse_time(body.get("last_update"))
    if value is None:
        return ReferencePrice(asked, None, updated_at)
    if unit not in UNITS:
        raise RejectedMessageError(Reason.INVALID_UNIT, f"unit is {quoted(unit)}")
    return ReferencePrice(asked, storable_number(value, "value", Reason.INVALID_PRICE), updated_at)
