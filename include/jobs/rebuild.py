"""What a rebuild is asked to do, as all of its tasks are told."""

from dataclasses import dataclass

from include.jobs.window import DeliveryDays


@dataclass(frozen=True, slots=True)
class Rebuild:
    """A rebuild of curated.pnl_hourly over a range of delivery days.

    Attributes:
        rebuild_id: The run that does it: a retry under the same id goes on where it stopped.
        days: The delivery days.
        reload: Forget what was loaded of their landing files, and load these from their first line.
        force_prices: Ask the provider again for the price of each of their hours, final or not.
    """

    rebuild_id: str
    days: DeliveryDays
    reload: bool = False
    force_prices: bool = False
