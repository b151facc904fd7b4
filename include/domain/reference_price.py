"""Reference prices: the executable specification of what a reply means, and when a price is final."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

from include.domain.delivery_period import HIGHEST_PRICE, LOWEST_PRICE, DeliveryPeriod, is_same_label
from include.domain.message import decode_json, parse_time, quoted_number, storable_number
from include.domain.rejection import Reason, RejectedMessageError, quoted

UNITS = ("euro/mwh", "euro")
"""The provider sends the first; its documentation says the second. Both mean EUR/MWh."""

Bounds = tuple[Decimal, Decimal]
DEFAULT_BOUNDS: Bounds = (LOWEST_PRICE, HIGHEST_PRICE)

UNDEFINED_STATUSES = (204, 404)
"""These say that there is no price (yet), whatever the body contains."""

PriceStatus = Literal["final", "provisional", "missing"]

_ANSWERS = (Reason.BAD_REQUEST, Reason.PRICE_OUT_OF_BOUNDS)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ReferencePrice:
    """An answer of the provider.

    Attributes:
        price_eur_per_mwh: None while undefined (no trades yet); 0 is a price.
        provider_updated_at: UTC; None if the provider does not say, or not readably.
        unreadable_update_time: What the provider says instead of a time, as by `quoted`; else None.
    """

    period: DeliveryPeriod
    price_eur_per_mwh: Decimal | None
    provider_updated_at: datetime | None
    unreadable_update_time: str | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """An answer and the time at which we received it.

    Attributes:
        price_eur_per_mwh: None while undefined.
        provider_updated_at: UTC; None if the provider does not say.
        observed_at: UTC.
    """

    price_eur_per_mwh: Decimal | None
    provider_updated_at: datetime | None
    observed_at: datetime


def standing_price(observations: Iterable[Observation]) -> Observation | None:
    """The observation that counts, of all of one delivery period: the last one that is defined.

    An undefined one does not withdraw a price. Of several at the same time the one that the provider updated
    last counts, then the one with the lowest price.
    """
    defined = [o for o in observations if o.price_eur_per_mwh is not None]
    return max(defined, key=_precedence, default=None)


def price_status(period: DeliveryPeriod, standing: Observation | None) -> PriceStatus:
    """Whether the price that counts may still move; depends on nothing but the observation and the calendar."""
    if standing is None:
        return "missing"
    return "final" if is_final(period, standing) else "provisional"


def is_final(period: DeliveryPeriod, observation: Observation) -> bool:
    """Whether a defined observation includes the last trades of its period.

    It was received after the last publication, and the provider updated it no earlier than one publication
    interval before gate closure, if it says when. A value that the provider never updates is final from noon of
    the next day on.
    """
    if observation.observed_at < period.price_final_from:
        return False
    return observation.observed_at >= period.stale_price_final_from or not is_stale(period, observation)


def is_stale(period: DeliveryPeriod, observation: Observation) -> bool:
    """Whether the last publication was due, and the provider still gave a value from before it."""
    updated_at = observation.provider_updated_at
    return (
        observation.observed_at >= period.price_final_from
        and updated_at is not None
        and updated_at < period.price_current_from
    )


def _precedence(observation: Observation) -> tuple[datetime, datetime, Decimal]:
    price, updated_at = observation.price_eur_per_mwh, observation.provider_updated_at
    return observation.observed_at, updated_at or _LONG_AGO, -(price or Decimal(0))


def is_transient_status(status: int) -> bool:
    """Whether the reply only asks to retry later: it says nothing about the price and is not rejected."""
    return status in (408, 425, 429) or status >= 500


def why_no_answer(
    status: int, body: bytes, asked: DeliveryPeriod, bounds: Bounds = DEFAULT_BOUNDS
) -> str | None:
    """Why a reply is not an answer, so that the request has to be retried; None if it is one.

    Answers are a price, "undefined", a 400 (the provider does not know the period) and a price out of bounds:
    retrying at once changes nothing. An error page of a proxy, a truncated document, a redirect or the price of
    another period are not.

    Args:
        status: HTTP status.
        body: The reply's body, verbatim.
        asked: The period of the request.
        bounds: Lowest and highest price of the exchange, EUR/MWh.
    """
    if is_transient_status(status):
        return f"status {status}"
    try:
        parse_reference_price(status, body.decode(), asked, bounds)
    except RejectedMessageError as error:
        return None if error.reason in _ANSWERS else f"status {status}, {error}"
    except UnicodeDecodeError:
        return None if status in UNDEFINED_STATUSES else f"status {status}, no UTF-8 text"
    except RecursionError:
        return f"status {status}, nested too deep"
    return None


def parse_reference_price(
    status: int, text: str, asked: DeliveryPeriod, bounds: Bounds = DEFAULT_BOUNDS
) -> ReferencePrice:
    """Parses the reply to a request for the price of a delivery period.

    204, 404, a null and a missing `value` all mean that the price is undefined. A `last_update` that cannot be
    read does not make the price unusable.

    Args:
        status: HTTP status, not a transient one (`is_transient_status`).
        text: The body.
        asked: The requested period; the reply must be for the same one.
        bounds: Lowest and highest price of the exchange, EUR/MWh.

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
    if day != asked.delivery_day.isoformat() or not is_same_label(label, asked.delivery_hour):
        raise RejectedMessageError(
            Reason.ANSWER_MISMATCH,
            f"asked for {asked.delivery_day} {asked.delivery_hour}, answered {quoted(day)} {quoted(label)}",
        )
    value, unit, updated = body.get("value"), body.get("unit"), body.get("last_update")
    updated_at = parse_time(updated)
    unreadable = quoted(updated) if updated is not None and updated_at is None else None
    if value is None:
        return ReferencePrice(asked, None, updated_at, unreadable)
    if unit not in UNITS:
        raise RejectedMessageError(Reason.INVALID_UNIT, f"unit is {quoted(unit)}")
    # an average that the provider computes in floating point, and does not round, is a price
    price = storable_number(value, "value", Reason.INVALID_PRICE)
    if not bounds[0] <= price <= bounds[1]:
        raise RejectedMessageError(Reason.PRICE_OUT_OF_BOUNDS, f"value is {quoted_number(value)}")
    return ReferencePrice(asked, price, updated_at, unreadable)
