"""What the landing files themselves say: the sign of the captures that needs neither Airflow nor warehouse."""

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from include.capture.liveness import last_signs
from include.health.metrics import Sample, seconds
from include.health.warehouse import RECENT
from include.landing import SOURCES, list_files


@dataclass(frozen=True, slots=True)
class Landed:
    """What lies below LANDING_ROOT.

    Attributes:
        samples: Metrics that need nothing else.
        file_bytes: Landing file of the last day, and its size.
    """

    samples: list[Sample]
    file_bytes: Mapping[str, int]


def read_files(landing_root: Path, now: datetime) -> Landed | None:
    """Looks at the landing files of the last day; None where LANDING_ROOT is no folder here.

    Raises:
        OSError: It is there and cannot be read.
    """
    if not landing_root.is_dir():
        return None
    signs = last_signs(landing_root, now)
    disk = shutil.disk_usage(landing_root)
    samples: list[Sample] = [
        ("capture_last_write_timestamp_seconds", (), seconds(signs.written_at)),
        ("capture_last_connected_timestamp_seconds", (), seconds(signs.connected_at)),
        ("landing_free_bytes", (), disk.free),
        ("landing_size_bytes", (), disk.total),
    ]
    files = [file for source in SOURCES for file in list_files(landing_root, source, now - RECENT)]
    return Landed(samples, {file.key: file.path.stat().st_size for file in files})


def unloaded(file_bytes: Mapping[str, int], loaded_bytes: Mapping[str, int]) -> Iterator[Sample]:
    """What is landed and not loaded yet, by source.

    The sizes may be a few seconds older than the offsets: what was loaded meanwhile counts as none.
    """
    left = Counter(dict.fromkeys(SOURCES, 0))
    for key, size in file_bytes.items():
        left[key.split("/", 1)[0]] += max(size - loaded_bytes.get(key, 0), 0)
    for source, count in left.items():
        yield "landing_unloaded_bytes", (source,), count
