"""Connected intervals from the events of a file."""

from datetime import UTC, datetime, timedelta

from include.load.journal import Journal

START = datetime(2026, 3, 2, 10, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def spans(journal: Journal) -> list[tuple[float, float]]:
    return [((a - START).total_seconds(), (b - START).total_seconds()) for a, b in journal.intervals.items()]


def play(*events: tuple[float, str, bool | None, float | None]) -> Journal:
    journal = Journal()
    for seconds, name, connected, alive_until in events:
        journal.event(at(seconds), name, connected, None if alive_until is None else at(alive_until))
    return journal


def test_heartbeats_carry_a_connection() -> None:
    journal = play((0, "connected", None, None), (10, "heartbeat", True, None), (20, "heartbeat", True, None))
    assert spans(journal) == [(0, 20)]
    assert journal.connected_from == at(0)


def test_a_disconnection_ends_where_the_last_sign_of_life_was() -> None:
    journal = play(
        (0, "connected", None, None),
        (10, "heartbeat", True, None),
        (29, "disconnected", None, 12),
        (31, "connected", None, None),
    )
    assert spans(journal) == [(0, 12), (31, 31)]


def test_silence_of_more_than_30_seconds_proves_nothing() -> None:
    journal = play((0, "connected", None, None), (10, "heartbeat", True, None), (70, "heartbeat", True, None))
    assert spans(journal) == [(0, 10), (70, 70)]


def test_heartbeats_while_not_connected_do_not_count() -> None:
    journal = play((0, "opened", False, None), (10, "heartbeat", False, None), (12, "connected", None, None))
    assert spans(journal) == [(12, 12)]


def test_a_file_that_begins_while_connected() -> None:
    journal = play((0, "opened", True, None), (5, "rolled", True, None))
    assert spans(journal) == [(0, 5)]


def test_a_message_is_a_proof() -> None:
    journal = play((0, "connected", None, None))
    journal.proof(at(7))
    assert spans(journal) == [(0, 7)]


def test_a_connection_that_outlived_a_step_of_the_clock_was_never_away() -> None:
    journal = play((3600, "opened", True, None))
    journal.event(at(3610), "heartbeat", True, None, connected_since=at(5))
    journal.event(at(3620), "heartbeat", True, None)
    assert spans(journal) == [(3600, 3600), (5, 3620)]


def test_a_connection_that_is_not_there_covers_no_step() -> None:
    journal = play((3600, "opened", False, None))
    journal.event(at(3610), "heartbeat", False, None, connected_since=at(5))
    assert spans(journal) == []
