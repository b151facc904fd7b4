"""Sends each notification once: ops.notifications records what was sent and whether it was delivered."""

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import timedelta

from include.errors import TransientError
from include.health.notices import SENT, Notice, channels, sender
from include.health.task_runs import TROUBLE, brief_transaction
from include.health.wording import presentable
from include.settings import Settings
from include.warehouse.locks import lock_notifications
from include.warehouse.queries import load_queries, run_sql

log = logging.getLogger(__name__)

QUERIES = load_queries("health/task_runs.sql")

SEND_SECONDS = 5.0
"""How long a task waits for all receivers together; a slower one counts as down."""

SEND_ONCE_SECONDS = 60.0
"""The same for what has to arrive, with a file."""


def notify(
    settings: Settings,
    notice: Notice,
    repeat_after: timedelta | None = None,
    task: tuple[str, str] | None = None,
    to: Collection[str] | None = None,
) -> dict[str, str]:
    """Sends a notice through every configured channel to which it was not sent before. Never raises.

    While the warehouse is down, earlier notices are unknown, so the notice is sent.

    Args:
        settings: Has the channels and the warehouse.
        repeat_after: After this time it is sent again; None: never.
        task: DAG and task of the notice; it is sent again if that task succeeded since.
        to: The channels that are meant; None: all.

    Returns:
        Channel to `sent` or the error; without channels to which it was sent before.
    """
    try:
        urls = channels(settings.alert_urls)
        by_name = {name: url for name, url in urls.items() if to is None or name in to}
        if not by_name:
            return {}
        numbers = _claim(settings, notice, list(by_name), repeat_after, task)
        if numbers is not None:
            by_name = {name: by_name[name] for name in numbers}
        results = deliver(notice, by_name)
        for name, result in results.items():
            level = logging.INFO if result == SENT else logging.WARNING
            log.log(level, "notification by %s: %s", name, result)
        if numbers:
            _write_down(settings, numbers, results)
    except Exception as error:  # noqa: BLE001 - never stops what it tells of
        log.error("notification of %s: %s", notice.about, _unquoted(error))
        return {}
    return results


def send_once(settings: Settings, notice: Notice, urls: Iterable[str]) -> int:
    """Sends a notice through each of these channels that has not taken it yet.

    A channel gets it a second time only if the process was killed, or the time was up, between the receiver's
    word and the record of it.

    Returns:
        The number of channels that took it now.

    Raises:
        TransientError: Not all channels have taken it: one refused, or was tried less than five minutes ago, or
            another process is sending. A later call sends through those that are left.
    """
    by_name = channels(urls)
    numbers = _claim(settings, notice, list(by_name), None, None)
    if numbers is None:
        raise TransientError("the warehouse does not say what was sent before, so nothing is sent")
    results = deliver(notice, {name: by_name[name] for name in numbers}, SEND_ONCE_SECONDS)
    _write_down(settings, numbers, results)
    problems = [f"{name}: {result}" for name, result in results.items() if result != SENT]
    if left := set(by_name) - set(numbers):
        with brief_transaction(settings.warehouse_url, "notify") as cur:
            run_sql(cur, QUERIES["notifications_sent"], {"about": notice.about})
            left -= {channel for (channel,) in cur}
        problems += [f"{name}: another try is under way, or was less than five minutes ago" for name in left]
    if problems:
        raise TransientError(f"{notice.about} was not sent by {'; '.join(sorted(problems))}")
    return len(results)


def deliver(notice: Notice, to: Mapping[str, str], seconds: float = SEND_SECONDS) -> dict[str, str]:
    """Sends to all channels in parallel, with one timeout for all of them.

    Returns:
        Channel to `sent` or the error, whatever a channel raises.
    """
    results: dict[str, str] = {}
    senders: dict[str, Callable[[], str]] = {}

    def run(name: str, send: Callable[[], str]) -> None:
        try:
            results[name] = send()
        except Exception as error:  # noqa: BLE001 - of this channel alone
            results[name] = _unquoted(error)

    for name, url in to.items():
        try:
            senders[name] = sender(url, notice)
        except Exception as error:  # noqa: BLE001 - of this channel alone
            results[name] = _unquoted(error)
    # socket timeouts bound single operations only; a thread that hangs ends with the process
    threads = [threading.Thread(target=run, args=each, daemon=True) for each in senders.items()]
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return {name: results.get(name, "no answer in time") for name in to}


def _unquoted(error: Exception) -> str:
    """What was raised, without its text."""
    return f"{type(error).__name__} was raised (its text is not shown, since it may quote the URL)"


def _claim(
    settings: Settings,
    notice: Notice,
    names: list[str],
    repeat_after: timedelta | None,
    task: tuple[str, str] | None,
) -> dict[str, int] | None:
    """The channels to use, with the id of each notification; None if the warehouse does not answer."""
    dag_id, task_id = task or (None, None)
    parameters = {
        "about": notice.about,
        "title": presentable(notice.title, 300),
        "channels": names,
        "repeat_seconds": None if repeat_after is None else repeat_after.total_seconds(),
        "dag_id": dag_id,
        "task_id": task_id,
    }
    try:
        with brief_transaction(settings.warehouse_url, "notify") as cur:
            lock_notifications(cur)
            run_sql(cur, QUERIES["notifications_claim"], parameters)
            return dict(cur.fetchall())
    except TROUBLE as trouble:
        log.warning("cannot check whether this was sent before: %s", presentable(str(trouble), 300).strip())
        return None


def _write_down(settings: Settings, numbers: Mapping[str, int], results: Mapping[str, str]) -> None:
    try:
        with brief_transaction(settings.warehouse_url, "notify") as cur:
            for name, number in numbers.items():
                is_sent = results[name] == SENT
                parameters = {
                    "notification_id": number,
                    "state": "sent" if is_sent else "failed",
                    "detail": None if is_sent else results[name],
                }
                run_sql(cur, QUERIES["notifications_end"], parameters)
    except TROUBLE as trouble:
        log.warning("cannot record the result in ops.notifications: %s", presentable(str(trouble), 300).strip())
