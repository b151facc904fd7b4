"""What the landing files say by themselves, and what of them is not loaded yet."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from include.health.files import Landed, read_files, unloaded
from include.landing import REFERENCE_PRICES, TRADES, event_line, hour_folder
from include.landing_writer import LandingWriter
from include.settings import Settings
from tests.messages import refuse_folder

NOW = datetime.now(UTC)


def landed(root: Path, source: str, at: datetime) -> None:
    writer = LandingWriter(root, source, "standalone")
    writer.append(event_line(at, "connected"), at)
    writer.close(at)


def read(root: Path) -> tuple[Landed, dict[str, float]]:
    found = read_files([replace(Settings(), landing_root=root)], datetime.now(UTC))
    assert found is not None
    return found, {name: number for name, _, number in found.samples}


def test_without_the_folder_there_is_nothing_to_say(tmp_path: Path) -> None:
    assert read_files([replace(Settings(), landing_root=tmp_path / "landing")], NOW) is None


def test_an_empty_folder_has_no_sign_of_a_capture(tmp_path: Path) -> None:
    found, metrics = read(tmp_path)
    assert metrics["capture_last_write_timestamp_seconds"] == 0
    assert metrics["capture_last_connected_timestamp_seconds"] == 0
    assert metrics["landing_size_bytes"] == shutil.disk_usage(tmp_path).total
    assert 0 < metrics["landing_free_bytes"] <= metrics["landing_size_bytes"]
    assert found.file_bytes == {"DE": {}}


def test_files_of_the_last_day_tell_when_a_capture_was_there_last(tmp_path: Path) -> None:
    landed(tmp_path, TRADES, NOW)
    landed(tmp_path, REFERENCE_PRICES, NOW)
    landed(tmp_path, TRADES, NOW - timedelta(days=2))
    found, metrics = read(tmp_path)
    assert abs(metrics["capture_last_connected_timestamp_seconds"] - NOW.timestamp()) < 1
    assert abs(metrics["capture_last_write_timestamp_seconds"] - datetime.now(UTC).timestamp()) < 60
    sizes = found.file_bytes["DE"]
    assert sorted(key.split("/")[0] for key in sizes) == ["reference_prices", "trades"]
    assert all((tmp_path / key).stat().st_size == size for key, size in sizes.items())


def test_unloaded_is_what_the_ledger_does_not_have(tmp_path: Path) -> None:
    sizes = {"DE": {"trades/a": 100, "trades/b": 50, "trades/c": 7}, "FI": {"trades/market=FI/a": 3}}
    left = dict(sample[1:] for sample in unloaded(sizes, {"trades/a": 40, "trades/c": 9}))
    assert left == {
        ("DE", "trades"): 110,
        ("DE", "reference_prices"): 0,
        ("DE", "statements"): 0,
        ("FI", "trades"): 3,
        ("FI", "reference_prices"): 0,
        ("FI", "statements"): 0,
    }


def test_a_folder_that_cannot_be_read_hides_no_other(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    landed(tmp_path, TRADES, NOW)
    landed(tmp_path, REFERENCE_PRICES, NOW)
    refuse_folder(monkeypatch, tmp_path / hour_folder(REFERENCE_PRICES, NOW))
    found, metrics = read(tmp_path)
    assert metrics["capture_last_connected_timestamp_seconds"] > 0
    assert [key.split("/")[0] for key in found.file_bytes["DE"]] == ["trades"]
