"""The next version, with a migration, put in while capture goes on."""

import re
import time

from tools.containers.desk import Desk, now
from tools.containers.report import expect
from tools.containers.stack import Stack

_VERSIONS = "include/warehouse/migrations/versions"
_MIGRATION = '''"""A migration of the drill."""

from include.warehouse.migrations.statements import run_beside

revision = "{revision}"
down_revision = "{previous}"


def upgrade() -> None:
    run_beside(__file__)
'''
_STATEMENTS = """CREATE TABLE ops.drill (drilled_at timestamptz NOT NULL);
COMMENT ON TABLE ops.drill IS 'Made by the drill';
COMMENT ON COLUMN ops.drill.drilled_at IS 'When';
"""


def upgrade(desk: Desk) -> None:
    """make up with changed code: migrated, Airflow renewed, capture untouched, nothing lost."""
    stack = desk.stack
    stack.environment["REVISION"] = revision = add_migration(stack)
    before = {c.service: c for c in stack.containers()}
    secrets, since, began = (stack.root / ".env").read_bytes(), now(), time.monotonic()
    stack.make("up")
    result = f"built with migration {revision}, migrated, everything is healthy"
    stack.report.add("make up with changed code", result, time.monotonic() - began)
    after = {c.service: c for c in stack.containers()}
    expect((stack.root / ".env").read_bytes() == secrets, "make up changed .env")
    for service in ("capture", "simulator"):
        is_same = before[service].id == after[service].id
        is_same = is_same and before[service].started_at == after[service].started_at
        expect(is_same, f"{service} was interrupted")
    for service in ("api-server", "scheduler", "dag-processor", "triggerer"):
        label = after[service].details["Config"]["Labels"]["org.opencontainers.image.revision"]
        expect(label == revision, f"{service} has the image of revision {label}")
    found = desk.value("SELECT version_num FROM migrations.applied")
    expect(found == revision, f"the warehouse is at {found}, not at {revision}")
    sums = desk.refresh_and_audit()
    expect(desk.gaps(since) == 0, "the upgrade made a gap")
    stack.report.add(
        "capture meanwhile",
        f"same container, same start; no gap; warehouse at {found}; .env unchanged; audit clean: {sums}",
    )
    stack.make("up", "RENEW_CAPTURE=1")
    renewed = stack.only("capture").details["Config"]["Labels"]["org.opencontainers.image.revision"]
    expect(renewed == revision, f"capture has the image of revision {renewed}")
    expect(stack.only("scheduler").id == after["scheduler"].id, "the scheduler was renewed without a reason")
    stack.report.add("make up RENEW_CAPTURE=1", "capture has the new image, Airflow goes on")


def add_migration(stack: Stack) -> str:
    """Adds a harmless migration to the copy of the checkout; its revision."""
    folder = stack.root / _VERSIONS
    previous = max(re.findall(r"^(\d{4})_\w+\.py$", "\n".join(f.name for f in folder.iterdir()), re.MULTILINE))
    revision = f"{int(previous) + 1:04}"
    (folder / f"{revision}_drill.py").write_text(_MIGRATION.format(revision=revision, previous=previous))
    (folder / f"{revision}_drill.sql").write_text(_STATEMENTS)
    return revision
