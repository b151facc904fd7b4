"""Rows as a load leaves them."""

from datetime import date
from typing import Any

import pytest

from tests.factories import Database

DAY = date(2023, 2, 6)


class Warehouse:
    """Inserts what a test needs, all of it about DAY."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.rows = database.rows

    def values(self, query: str) -> list[Any]:
        return [value for (value,) in self.rows(query)]

    def period(self, hour: int) -> str:
        """Label of a delivery period of DAY, which the warehouse knows now."""
        return self.database.period(DAY, f"{hour:02}-{hour + 1:02}").delivery_hour

    def batch(
        self,
        source: str = "trades",
        loaded: int = 0,
        rejected: int = 0,
        torn: int = 0,
        duplicate: int = 0,
        state: str = "loaded",
    ) -> int:
        """A batch with a file of its own and its rejects; its rows are for the caller to insert."""
        counts = {"loaded_count": loaded, "duplicate_count": duplicate, "rejected_count": rejected + torn}
        number = self.database.value("SELECT count(*) FROM ops.landing_files")
        name = f"{source}/date=2023-02-06/hour=08/file-{number}.jsonl"
        file_id = self.database.insert("ops.landing_files", landing_file=name, source=source, **counts)
        row = {"source": source, "landing_file_id": file_id, "state": state}
        batch_id = self.database.insert("ops.load_batches", **row, **counts)
        for number in range(rejected + torn):
            self.database.insert(
                "ops.rejected_messages",
                landing_file_id=file_id,
                line_number=1_000_000 + number,
                load_batch_id=batch_id,
                source=source,
                reason_code="torn_line" if number < torn else "invalid_json",
            )
        return int(batch_id)

    def trade(self, batch_id: int, hour: int = 12, **changes: Any) -> str:
        """A sound trade of the batch, but for the changes."""
        trade = {
            "trader_id": "trader_1",
            "price_eur_per_mwh": "10.2",
            "quantity_mw": "1.5",
            "executed_at": "2023-02-06 08:00:00+00",
            "received_at": "2023-02-06 08:00:01+00",
        }
        return self.database.trade(batch_id, DAY, self.period(hour), **trade | changes)

    def trades(self, *hours: int, **batch: Any) -> int:
        """A batch with one sound trade for each of the hours."""
        batch_id = self.batch(loaded=len(hours), **batch)
        for hour in hours:
            self.trade(batch_id, hour)
        return batch_id

    def price(
        self,
        batch_id: int,
        hour: int = 12,
        price: str | None = "9.8",
        observed_at: str = "2023-02-06 11:30:00+00",
        updated_at: str | None = "2023-02-06 10:50:00+00",
        **columns: Any,
    ) -> None:
        """An observation of the price; final by default."""
        self.database.price(
            batch_id, DAY, self.period(hour), price, observed_at, provider_updated_at=updated_at, **columns
        )

    def prices(self, *hours: int, **batch: Any) -> int:
        """A batch with one sound price for each of the hours."""
        batch_id = self.batch("reference_prices", loaded=len(hours), **batch)
        for hour in hours:
            self.price(batch_id, hour)
        return batch_id

    def state(self, batch_id: int) -> str:
        return str(
            self.database.value("SELECT state FROM ops.load_batches WHERE load_batch_id = %s", (batch_id,))
        )

    def pending(self) -> list[tuple[str, str]]:
        return self.rows("SELECT delivery_hour, cause FROM ops.pending_delivery_periods ORDER BY 1, 2")

    def broken(self) -> list[str]:
        """What was not met, in words, in all validations so far."""
        return self.values(
            "SELECT expectation FROM ops.validation_results WHERE NOT is_success ORDER BY validation_result_id"
        )


@pytest.fixture
def warehouse(database: Database) -> Warehouse:
    return Warehouse(database)
