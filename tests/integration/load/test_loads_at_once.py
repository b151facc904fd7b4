"""Loads of different files at the same time: they wait for each other's delivery periods, never in a circle."""

import json
import threading
import time
from datetime import date, timedelta

from include.jobs import load_reference_prices
from include.landing import message_line
from include.settings import Settings
from tests.factories import Database
from tests.messages import RECEIVED_AT, write_landing_file

DAY = date(2026, 3, 2)


def test_delivery_periods_are_taken_in_one_order_whatever_the_order_of_the_file(
    settings: Settings, database: Database
) -> None:
    lines = b""
    for number, label in enumerate(("15-16", "10-11", "12-13")):
        database.period(DAY, label)
        asked = {"delivery_day": DAY.isoformat(), "delivery_hour": label}
        body = json.dumps(asked | {"unit": "euro/mwh", "value": 1}).encode()
        lines += message_line(RECEIVED_AT + timedelta(seconds=number), body, request=asked, status=200)
    database.rows("UPDATE raw.delivery_periods SET delivery_hours = 2")  # by another calendar: to be replaced
    write_landing_file(settings.landing_root, lines, source="reference_prices")
    lock = "SELECT FROM raw.delivery_periods WHERE delivery_hour = %s FOR UPDATE NOWAIT"
    database.connection.autocommit = False
    database.rows(lock, ("10-11",))
    load = threading.Thread(target=load_reference_prices.run, args=(settings,))
    load.start()
    try:
        waits = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s AND wait_event_type = 'Lock'"
        while database.value(waits, ("load_reference_prices",)) == 0:
            database.rows("SELECT pg_stat_clear_snapshot()")
            assert load.is_alive()
            time.sleep(0.01)
        database.rows(lock, ("15-16",))  # an error if the load held it while it waits for what we hold
    finally:
        database.connection.rollback()
        database.connection.autocommit = True
        load.join()
    assert database.value("SELECT count(*) FROM raw.reference_prices") == 3
