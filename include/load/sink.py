"""What the loader has to know about a source: how a line becomes a row, and where the rows are stored."""

from typing import Protocol

from psycopg2.extensions import cursor

from include.domain.delivery_period import DeliveryPeriod
from include.load.lines import Line


class Sink(Protocol):
    """One source's table.

    Attributes:
        source: One of landing.SOURCES.
        has_connection: Whether its files hold the journal of a connection.
    """

    source: str
    has_connection: bool

    def lock(self, cur: cursor) -> None:
        """Locks its table until the transaction ends; called before any row of the ledger is locked."""

    def row(self, line: Line) -> tuple[str, str] | None:
        """The row's key and its values in COPY's text format; None for an event.

        The loader appends received_at, line_number, load_batch_id and landing_file_id.

        Raises:
            RejectedMessageError: The message cannot become a row.
        """

    def write(self, cur: cursor, rows: dict[str, str], repeated: list[str]) -> int:
        """Stores rows, sorted by key, and rows with a repeated key; returns how many were known before."""

    def conflicts(self, cur: cursor, load_batch_id: int) -> dict[int, str]:
        """Line number and detail of the batch's known rows whose content differs from what is stored."""

    def take_periods(self) -> list[DeliveryPeriod]:
        """The delivery periods of the rows since the last call."""
