"""A request to the API: what holds at its moment in its market, and how it is answered."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import Depends, Query, Request
from starlette.responses import Response

from include.csv_file import DECIMALS
from include.dashboard import parameters as given
from include.dashboard.reader import Query as Reading
from include.dashboard.reader import Row
from include.dashboard.responses import FOREVER, REVALIDATE, Answer, json_answer, respond
from include.dashboard.service import Service, State, is_settled, utc_now
from include.dashboard.tables import FORMATS, file_name, table
from include.domain.delivery_period import Market


@dataclass(frozen=True, slots=True)
class Asked:
    """A request.

    Attributes:
        state: Of its moment, and of the market that is asked for.
        now: Its moment.
    """

    request: Request
    service: Service
    state: State
    now: datetime

    @property
    def market(self) -> Market:
        return self.state.settings.market

    @property
    def today(self) -> date:
        """The day of the market."""
        return given.today(self.market, self.now)

    async def answer(
        self,
        read: Callable[[Reading], Any],
        *key: Hashable,
        as_of: datetime | None = None,
        is_slow: bool = False,
    ) -> Response:
        """What is read, as JSON.

        Args:
            read: Reads it; runs in another thread.
            key: What is asked for: whoever asks for the same gets the same answer.
            as_of: As it was said at this moment; None: as it is.
            is_slow: It may be a long list.
        """
        return await self._answer(key, lambda query: json_answer(read(query)), as_of, is_slow)

    async def table(
        self,
        name: str,
        columns: Sequence[str],
        read: Callable[[Reading], list[Row]],
        form: given.Form,
        about: tuple[date, date, str | None],
        *more: Hashable,
        as_of: datetime | None = None,
    ) -> Response:
        """The rows that are read, as JSON or as a file, which is named after the table and what it is about.

        Args:
            about: First and last day, and trader.
            more: What else is asked for.
        """
        kind = given.choice("format", form.format, FORMATS)
        decimal = given.choice("decimal", form.decimal, DECIMALS)
        file = file_name(self.state.named(name), *about, as_of)

        def make(query: Reading) -> Answer:
            return table(kind, decimal, file, columns, read(query))

        return await self._answer((name, about, more, as_of, kind, decimal), make, as_of, is_slow=True)

    async def _answer(
        self, key: Hashable, make: Callable[[Reading], Answer], as_of: datetime | None, is_slow: bool
    ) -> Response:
        settled = is_settled(as_of)
        answer = await self.service.recall(key, make, self.state, is_slow, settled)
        return respond(self.request, answer, utc_now(), FOREVER if settled else REVALIDATE)


async def asked(
    request: Request,
    market: Annotated[str, Query(description="The market's id; empty: the first market")] = "",
) -> Asked:
    """What a route is asked."""
    service: Service = request.app.state.service
    return Asked(request, service, await service.state(market), utc_now())


Asking = Annotated[Asked, Depends(asked)]
