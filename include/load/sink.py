"""What the loader has to know about a source: how a line becomes a row, and where the rows are stored."""

from dataclasses import dataclass
from datetime import date
from typing import Protocol

from psycopg2.extensions import cursor

from include.domain.delivery_period import DeliveryPeriod
from include.landing_line import Line


@dataclass(slots=True)
class Note:
    """Messages of a load that have something in common.

    Attributes:
        about: `operational` or `unknown_field`.
        name: Kind of message, or name of the field.
        message_count: How many.
        first_received_at: As in the landing file.
        last_received_at: As in the landing file.
    """

    about: str
    name: str
    message_count: int
    first_received_at: str
    last_received_at: str


class RowStore(Protocol):
    """Where parsed rows go."""

    def write(self, cur: cursor, rows: dict[str, str], repeated: list[str]) -> int:
        """Stores rows, sorted by key, and rows with a repeated key; returns how many were known before."""


class Sink(RowStore, Protocol):
    """One source's table.

    Attributes:
        source: One of landing.SOURCES.
        market: Id of the market.
        has_connection: Whether its files hold the journal of a connection.
    """

    source: str
    market: str
    has_connection: bool

    def begin(self, cur: cursor, is_alone: bool = False) -> None:
        """Begins a load, and forgets the load before; called before any row of the ledger is locked.

        Args:
            cur: Within the load's transaction.
            is_alone: Let no other load write the table until the transaction ends.
        """

    def row(self, line: Line) -> tuple[str, str] | None:
        """The row's key and its values in COPY's text format; None for what counts as an event.

        The loader appends received_at, line_number, load_batch_id and landing_file_id.

        Raises:
            RejectedMessageError: The message cannot become a row.
        """

    def claimed_hours(self, line: Line) -> tuple[date, tuple[str, ...]] | None:
        """Delivery day and hours of PnL that a rejected message is about; None if it does not tell."""

    def conflicts(self, cur: cursor, load_batch_id: int) -> dict[int, str]:
        """Line number and detail of the batch's known rows whose content differs from what is stored."""

    def take_periods(self) -> list[DeliveryPeriod]:
        """The delivery periods of the rows since the last call."""

    def take_claimed_periods(self) -> list[DeliveryPeriod]:
        """The hours of PnL that `claimed_hours` returned since the last call."""

    def take_notes(self) -> list[Note]:
        """What there is to note about the messages of the load."""
