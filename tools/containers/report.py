"""What the drill says while it goes on, and the tables at its end."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tools.written_docs import table

_REMIND_EVERY_SECONDS = 20.0


class DrillError(Exception):
    """Something is not as it should be; the message says what."""


@dataclass(frozen=True)
class Row:
    """One line of the table: what was tried, what came of it and how long it took in seconds."""

    step: str
    what: str
    result: str
    seconds: float | None = None
    is_right: bool = True


@dataclass
class Report:
    """Collects rows and tells of them at once."""

    rows: list[Row] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)
    step: str = ""

    def say(self, line: str) -> None:
        """Shows a line with the seconds since the beginning."""
        print(f"[{time.monotonic() - self.began:6.1f} s] {self.step}: {line}", flush=True)  # noqa: T201

    def add(self, what: str, result: str, seconds: float | None = None, is_right: bool = True) -> None:
        """Notes a result of the step that is under way."""
        took = "" if seconds is None else f" ({seconds:.1f} s)"
        self.say(f"{'' if is_right else 'WRONG: '}{what}: {result}{took}")
        self.rows.append(Row(self.step, what, result, seconds, is_right))

    def wait_for(self, what: Callable[[], Any], seconds: float, sentence: str) -> Any:
        """What the function returns once that is neither None nor false.

        Args:
            what: Asked twice a second.
            seconds: How long at most.
            sentence: What is waited for.

        Raises:
            DrillError: It did not come.
        """
        began = reminded = time.monotonic()
        while not (found := what()):
            now = time.monotonic()
            if now - began > seconds:
                raise DrillError(f"not within {seconds:.0f} s: {sentence}")
            if now - reminded > _REMIND_EVERY_SECONDS:
                reminded = now
                self.say(f"waiting for {sentence}")
            time.sleep(0.5)
        return found

    @property
    def is_right(self) -> bool:
        """Whether everything was as it should be."""
        return all(row.is_right for row in self.rows)

    def table(self) -> str:
        """All rows, in Markdown that reads well as it stands."""
        cells = [
            (
                row.step,
                row.what,
                "" if row.seconds is None else f"{row.seconds:.1f}",
                row.result if row.is_right else f"WRONG: {row.result}",
            )
            for row in self.rows
        ]
        return table(("step", "what", "seconds", "result"), cells)


def expect(is_so: object, sentence: str) -> None:
    """Raises a DrillError with the sentence unless it is so."""
    if not is_so:
        raise DrillError(sentence)
