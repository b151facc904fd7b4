"""What was measured beside its limit, and the table that shows it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from tools.written_docs import table

MEGABYTE = 1_000_000


class WrongResultError(Exception):
    """Something was fast and wrong; its figures mean nothing."""


@dataclass(frozen=True)
class Measure:
    """One row of the table, ready to be shown.

    Attributes:
        limit: The median of its limit.
        result: The median of itself.
        spread: The smallest and the largest of itself.
        ratio: The median of the ratios, pair by pair.
        mark: What the ratio, or the result, is meant to reach; empty if it is only information.
        is_met: Whether it does.
        repeats: Each result, as a number.
        limits: Each result of its limit.
    """

    name: str
    limit: str
    result: str
    spread: str
    ratio: str = ""
    mark: str = ""
    is_met: bool | None = None
    repeats: Sequence[float] = ()
    limits: Sequence[float] = ()


def speed(name: str, rates: Sequence[float], limits: Sequence[float], at_least: float) -> Measure:
    """A rate, 1/s, measured in turns with its limit: the ratio is the share of the limit that is reached."""
    ratio = median(rate / limit for rate, limit in zip(rates, limits, strict=True))
    return Measure(
        name,
        f"{median(limits) / 1000:.0f}k/s",
        f"{median(rates) / 1000:.0f}k/s",
        f"{min(rates) / 1000:.0f}..{max(rates) / 1000:.0f}",
        f"{ratio:.2f}",
        f">= {at_least}",
        ratio >= at_least,
        rates,
        limits,
    )


def duration(
    name: str, seconds: Sequence[float], limits: Sequence[float] = (), at_most: float | None = None
) -> Measure:
    """Seconds, measured in turns with their limit: the ratio is how many times as long it takes."""
    shown = Measure(
        name,
        f"{median(limits):.2f} s" if limits else "",
        f"{median(seconds):.2f} s",
        f"{min(seconds):.2f}..{max(seconds):.2f}",
        repeats=seconds,
        limits=limits,
    )
    if not limits or at_most is None:
        return shown
    ratio = median(own / limit for own, limit in zip(seconds, limits, strict=True))
    return replace(shown, ratio=f"{ratio:.2f}", mark=f"<= {at_most}", is_met=ratio <= at_most)


def memory(name: str, peaks: Sequence[int], below: int) -> Measure:
    """Peaks in bytes and the mark in MB (10**6 bytes); here the worst one counts, not the median."""
    return Measure(
        name,
        "",
        f"{median(peaks) / MEGABYTE:.0f} MB",
        f"{min(peaks) / MEGABYTE:.0f}..{max(peaks) / MEGABYTE:.0f}",
        "",
        f"< {below} MB",
        max(peaks) < below * MEGABYTE,
        peaks,
    )


def figure(name: str, result: str, mark: str = "", is_met: bool | None = None) -> Measure:
    """Something that is measured once, in words; information unless it has a mark."""
    return Measure(name, "", result, "", "", mark, is_met)


def median_of(
    name: str,
    unit: str,
    limits: Sequence[float],
    results: Sequence[float],
    at_least: float | None = None,
    at_most: float | None = None,
) -> Measure:
    """Something beside another way to do it, with a mark of its own instead of one for the ratio."""
    result = median(results)
    ratio = median(own / limit for own, limit in zip(results, limits, strict=True))
    mark, is_met = "", None
    if at_least is not None:
        mark, is_met = f">= {at_least:g}{unit}", result >= at_least
    if at_most is not None:
        mark, is_met = f"<= {at_most:g}{unit}", result <= at_most
    return Measure(
        name,
        f"{median(limits):.3g}{unit}",
        f"{result:.4g}{unit}",
        f"{min(results):.4g}..{max(results):.4g}",
        f"{ratio:.2f}",
        mark,
        is_met,
        results,
        limits,
    )


def table_of(measures: Sequence[Measure]) -> str:
    """The measures as a table in Markdown."""
    met = {True: "yes", False: "NO", None: ""}
    return table(
        ("measure", "limit", "median", "min..max", "ratio", "mark", "met"),
        [(m.name, m.limit, m.result, m.spread, m.ratio, m.mark, met[m.is_met]) for m in measures],
    )
