"""The peak memory of a process, as the kernel counted it."""

import re
from pathlib import Path


def peak_bytes(pid: int | str = "self") -> int:
    """The most memory that a living process has had resident since it was started (exec).

    `ru_maxrss` is not asked: there Linux also counts what the parent had when it started the process.
    """
    status = Path(f"/proc/{pid}/status").read_text()
    match = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    assert match is not None
    return int(match[1]) * 1024
