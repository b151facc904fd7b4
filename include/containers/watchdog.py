"""Notices a component of Airflow that runs but stays unhealthy, and has it restarted.

An API server that answers nobody any more, for example, or a scheduler that waits for ever. While the database
does not answer, no component can be healthy and a restart would only make the recovery longer: then nothing is
restarted.
"""

import time
from collections.abc import Callable, Mapping

from include.errors import TransientError

_LOOK_EVERY_SECONDS = 10.0
_TIMEOUT_SECONDS = 40.0
"""On top of the 30 s without a heartbeat after which Airflow itself says `unhealthy`."""
_START_SECONDS = 180.0
"""A process younger than this is still starting: on a busy small machine an API server takes over a minute."""
_API_SERVER = "api-server"


class Watchdog:
    """Looks at Airflow's health from time to time.

    Args:
        health: Component to status; raises TransientError when the API does not answer.
        restart: Restarts a process by its name.
        database_answers: Whether Airflow's database does, asked directly: no component's word counts for it.
        say: Tells the user a line.
        age_seconds: How long ago the process of this name was started.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        health: Callable[[], Mapping[str, str]],
        restart: Callable[[str], None],
        database_answers: Callable[[], bool],
        say: Callable[[str], None],
        age_seconds: Callable[[str], float],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._health = health
        self._restart = restart
        self._database_answers = database_answers
        self._say = say
        self._age_seconds = age_seconds
        self._clock = clock
        self._looked_at = clock()
        self._unhealthy_since: dict[str, float] = {}
        self._is_database_away = False

    def look(self) -> None:
        """Asks for the health if it is time to, and restarts what has been unhealthy for too long."""
        now = self._clock()
        if now - self._looked_at < _LOOK_EVERY_SECONDS:
            return
        self._looked_at = now
        # The database is asked first, because an API server that waits for it holds each of our requests until
        # it is back; and once more afterwards, because it may have gone away in between.
        if not self._note_database() or ((unhealthy := self._unhealthy()) and not self._note_database()):
            self._unhealthy_since.clear()
            return
        self._unhealthy_since = {name: self._unhealthy_since.get(name, now) for name in unhealthy}
        for name, since in list(self._unhealthy_since.items()):
            if now - since >= _TIMEOUT_SECONDS and self._age_seconds(name) >= _START_SECONDS:
                del self._unhealthy_since[name]
                self._restart(name)

    def _note_database(self) -> bool:
        is_away = not self._database_answers()
        if is_away and not self._is_database_away:
            self._say("Airflow's database does not answer: nothing is restarted while it is away")
        elif self._is_database_away and not is_away:
            self._say("Airflow's database answers again")
        self._is_database_away = is_away
        return not is_away

    def _unhealthy(self) -> list[str]:
        try:
            health = self._health()
        except TransientError:
            return [_API_SERVER]
        if health.get("metadatabase") != "healthy":
            return []  # then no heartbeat can be read, so nothing is known about the components
        return [name.replace("_", "-") for name, status in health.items() if status == "unhealthy"]
