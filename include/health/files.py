"""What the landing files themselves say: the sign of the captures that needs neither Airflow nor warehouse."""

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from include.capture.liveness import last_signs
from include.health.metrics import Sample, seconds
from include.health.warehouse import RECENT
from include.landing import SOURCES, list_files
from include.load.processes import size_of
from include.settings import Settings


@dataclass(frozen=True, slots=True)
class Landed:
    """What lies below LANDING_ROOT.

    Attributes:
        samples: Metrics that need nothing else.
        file_bytes: Of each market: landing file of the last day, and its size.
    """

    samples: list[Sample]
    file_bytes: Mapping[str, Mapping[str, int]]


def read_files(markets: Sequence[Settings], now: datetime) -> Landed | None:
    """Looks at the landing files of the last day; None where LANDING_ROOT is no folder here.

    Raises:
        OSError: It is there and cannot be read.
    """
    landing_root = markets[0].landing_root
    if not landing_root.is_dir():
        return None
    disk = shutil.disk_usage(landing_root)
    samples: list[Sample] = [
        ("landing_free_bytes", (), disk.free),
        ("landing_size_bytes", (), disk.total),
    ]
    sizes: dict[str, dict[str, int]] = {}
    for settings in markets:
        market, folder = settings.market.market, settings.landing_market
        signs = last_signs(landing_root, now, folder)
        samples += [
            ("capture_last_write_timestamp_seconds", (market,), seconds(signs.written_at)),
            ("capture_last_connected_timestamp_seconds", (market,), seconds(signs.connected_at)),
        ]
        listed = [list_files(landing_root, source, now - RECENT, market=folder) for source in SOURCES]
        sizes[market] = {file.key: size_of(file) for files in listed for file in files if file.unlisted is None}
    return Landed(samples, sizes)


def unloaded(file_bytes: Mapping[str, Mapping[str, int]], loaded_bytes: Mapping[str, int]) -> Iterator[Sample]:
    """What is landed and not loaded yet, by market and source.

    The sizes may be a few seconds older than the offsets: what was loaded meanwhile counts as none.
    """
    for market, sizes in file_bytes.items():
        left = Counter(dict.fromkeys(SOURCES, 0))
        for key, size in sizes.items():
            left[key.split("/", 1)[0]] += max(size - loaded_bytes.get(key, 0), 0)
        for source, count in left.items():
            yield "landing_unloaded_bytes", (market, source), count
