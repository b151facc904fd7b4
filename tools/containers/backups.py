"""Backup, loss and return, as docs/deploy.md has it: of everything, and of nothing but the landing files."""

import re
import time

import psycopg2

from include.settings import PROJECT_ROOT
from tools.containers.desk import AUDIT, Desk
from tools.containers.isolation import docker
from tools.containers.report import expect
from tools.containers.stack import Stack
from tools.fingerprint import fingerprint

_OUR_ABSENCE = ("capture_gap_seconds", "is_complete")
"""The time for which capture is stopped here grows from one look to the next; the market's facts do not."""
_BESIDE = ("run", "--rm", "--no-deps", "-T", "scheduler")
"""A command of the platform while the platform itself is down."""
_CONNECTED = "SELECT connected_from, connected_until FROM ops.connected_intervals ORDER BY 1, 2"
_GREW_MEANWHILE = "|| [ $? = 1 ]"
"""What tar says when capture appended to a file that was being read: what was there is in the archive."""
_COMPLETE = "every captured line is accounted for"


def documented(heading: str) -> str:
    """The commands that docs/deploy.md gives under a heading in bold."""
    page = (PROJECT_ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    found = re.search(rf"^\*\*{heading}\*\*.*?^```\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert found is not None, heading
    return found[1]


def backup_and_restore(desk: Desk) -> None:
    """Backup while everything runs, removal with volumes, return to the very tables of the backup."""
    stack = desk.stack
    began = time.monotonic()
    with desk.warehouse("postgres") as database:
        # the moment that the dump is of, held for a look at the same moment; only a superuser may export it
        database.rows("BEGIN ISOLATION LEVEL REPEATABLE READ")
        snapshot = database.value("SELECT pg_export_snapshot()")
        dump, tar = documented("Backup").rsplit("\n", 2)[0], documented("Backup").splitlines()[-1]
        is_warehouse = f'$([ "$0" = warehouse ] && echo --snapshot={snapshot})'
        stack.shell(dump.replace("--format=custom", f"--format=custom {is_warehouse}"))
        stack.shell(f"{tar} {_GREW_MEANWHILE}")
        seconds = time.monotonic() - began
        expected = fingerprint(database)
    size = sum((stack.root / name).stat().st_size for name in ("airflow.dump", "warehouse.dump", "landing.tar"))
    stack.report.add("backup while it runs", f"two pg_dump and the landing files, {size / 1e6:.1f} MB", seconds)

    stack.make("down", "VOLUMES=1")
    expect(not stack.containers() and not stack.volumes(), f"make down VOLUMES=1 left {stack.volumes()}")
    stack.report.add("make down VOLUMES=1", "no container and no volume is left")

    began = time.monotonic()
    *steps, last = documented("Restore").splitlines()
    expect(last == "make up", f"the restore ends with {last}")
    expect(_COMPLETE in stack.shell("\n".join(steps)), "the audit after the restore finds something")
    seconds = time.monotonic() - began
    with desk.warehouse() as database:
        _compare(expected, fingerprint(database), "the restored tables")
    rows = expected["curated.pnl_hourly"][0]
    stack.report.add(
        "restore", f"{len(expected)} tables and views as in the backup, {rows} rows of PnL", seconds
    )
    began = time.monotonic()
    stack.make("up")
    sums = desk.refresh_and_audit()
    stack.report.add("make up on the restored data", f"goes on; audit clean: {sums}", time.monotonic() - began)


def down_keeps_the_data(desk: Desk) -> None:
    """make down leaves volumes, rows and .env; postgres alone comes back with the same counts or more."""
    stack = desk.stack
    counts = "SELECT ARRAY[(SELECT count(*) FROM raw.trades), (SELECT count(*) FROM curated.pnl_hourly)]"
    before, volumes, secrets = desk.value(counts), stack.volumes(), (stack.root / ".env").read_bytes()
    began = time.monotonic()
    stack.make("down")
    seconds = time.monotonic() - began
    expect(not stack.containers(), "make down left containers")
    expect(stack.volumes() == volumes, f"make down left {stack.volumes()} of {volumes}")
    start_postgres(stack)
    after = desk.value(counts)
    expect(all(a >= b > 0 for a, b in zip(after, before, strict=True)), f"{before} became {after}")
    expect((stack.root / ".env").read_bytes() == secrets, "make down changed .env")
    result = f"keeps {len(volumes)} volumes: {after[0]} trades ({before[0]} before), {after[1]} rows of PnL"
    stack.report.add("make down", result, seconds)


def rebuild_from_landing_files(desk: Desk) -> None:
    """The database is lost, the landing files are not: the same tables. Nothing else runs meanwhile."""
    stack = desk.stack
    if stack.containers("scheduler"):
        stack.make("down")
        start_postgres(stack)
    with desk.warehouse() as database:
        first, last = database.rows("SELECT min(delivery_day), max(delivery_day) FROM raw.delivery_periods")[0]
    rebuild = ("python", "-m", "include.commands.rebuild", "--from", str(first), "--to", str(last))
    stack.compose(*_BESIDE, *rebuild)  # whatever was landed last is loaded
    with desk.warehouse() as database:
        expected, connected = fingerprint(database, without=_OUR_ABSENCE), database.rows(_CONNECTED)

    stack.compose("rm", "--stop", "--force", "postgres")
    volume = next(name for name in stack.volumes() if name.endswith("_postgres"))
    expect(docker("volume", "rm", volume).returncode == 0, f"{volume} cannot be removed")
    began = time.monotonic()
    start_postgres(stack)
    stack.compose("run", "--rm", "migrate")
    expect(desk.value("SELECT count(*) FROM raw.trades") == 0, "the new database is not empty")
    stack.compose(*_BESIDE, *rebuild)
    seconds = time.monotonic() - began
    with desk.warehouse() as database:
        _compare(expected, fingerprint(database, without=_OUR_ABSENCE), "the rebuilt tables")
        expect(database.rows(_CONNECTED) == connected, "the times with a connection differ")
    verdict = stack.compose(*_BESIDE, *AUDIT).splitlines()[-1]
    trades = expected["raw.trades"][0]
    result = f"{len(expected)} tables and views as before, {trades} trades; {verdict}"
    stack.report.add("postgres lost, landing files not", result, seconds)


def start_postgres(stack: Stack) -> None:
    """postgres alone, until it answers."""
    stack.compose("up", "-d", "postgres")
    stack.wait_until_healthy("postgres", count=1)

    def answers() -> bool:
        try:
            psycopg2.connect(
                host="127.0.0.1",
                port=stack.warehouse_port,
                user="postgres",
                password=stack.secrets()["POSTGRES_PASSWORD"],
                dbname="postgres",
            ).close()
        except psycopg2.OperationalError:
            return False
        return True

    stack.report.wait_for(answers, 30, "postgres to answer on its port")


def _compare(expected: dict[str, tuple[int, str]], found: dict[str, tuple[int, str]], what: str) -> None:
    differing = [name for name in expected | found if expected.get(name) != found.get(name)]
    details = ", ".join(f"{n} {expected.get(n)} and {found.get(n)}" for n in differing)
    expect(not differing, f"{what} differ: {details}")
    expect(expected["curated.pnl_hourly"][0] > 0, "there is no PnL to compare")
