"""What make up, down, logs and psql call: `python3 -m include.containers up`; needs no packages."""

import argparse
import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

from include.containers import secret_file
from include.containers.engine import PROFILES, Engine, placeholders, shell_environment
from include.containers.up import Up
from include.errors import TerminalError
from include.settings import LOCAL_ROOT, PROJECT_ROOT

_ENV = PROJECT_ROOT / ".env"
_PSQL = 'PGPASSWORD="$ANALYST_PASSWORD" exec psql --host=127.0.0.1 --username=analyst warehouse'
_PSQL_WRITE = 'PGPASSWORD="$PIPELINE_PASSWORD" exec psql --host=127.0.0.1 --username=pipeline warehouse'
_LINES = "100"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; 2 when something has to be put right first."""
    parser = argparse.ArgumentParser(prog="python3 -m include.containers", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="builds, starts, waits until everything is healthy")
    down = commands.add_parser("down", help="stops and removes the containers; the data stays")
    down.add_argument("--volumes", action="store_true", help="removes the data as well")
    logs = commands.add_parser("logs", help="follows the logs of what runs")
    logs.add_argument("service", nargs="?", default="", help="of one part only")
    psql = commands.add_parser("psql", help="opens psql in the warehouse of what runs, as analyst")
    psql.add_argument("--write", action="store_true", help="as pipeline, which owns the warehouse")
    commands.add_parser("secrets", help="prints lines for .env with the secrets that it lacks")
    options = parser.parse_args(arguments)
    try:
        values = secret_file.read(_ENV) | {name: value for name, value in shell_environment().items() if value}
        if options.command == "up":
            return _up()
        if options.command == "down":
            return _down(values, options.volumes)
        if options.command == "logs":
            return _logs(values, options.service)
        if options.command == "psql":
            return _psql(values, options.write)
        print(secret_file.generated(secret_file.missing(values)), end="")
        return 0
    except TerminalError as error:
        print(f"make {options.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _up() -> int:
    began = time.monotonic()

    def say(line: str) -> None:
        print(f"[{time.monotonic() - began:6.1f} s] {line}", flush=True)

    environment = shell_environment()
    engine = Engine(PROJECT_ROOT, environment)
    if secret_file.create(_ENV, PROJECT_ROOT / ".env.example"):
        say("wrote .env with generated secrets, readable by you only: keep a copy, it opens the databases")
    values = secret_file.read(_ENV) | {name: value for name, value in environment.items() if value}
    secret_file.require(values)
    Up(engine, values, say).run()
    say("everything is healthy")
    say(f"the UI is on {engine.environment['PUBLIC_URL']}: user admin, password ADMIN_PASSWORD in .env")
    port = values.get("WAREHOUSE_PORT") or "5433"
    say(
        f"readers: user viewer there (VIEWER_PASSWORD), and postgresql://analyst@127.0.0.1:{port}/warehouse"
        " (ANALYST_PASSWORD)"
    )
    say("make logs follows it, make psql looks into the warehouse, make down ends it and keeps the data")
    return 0


def _down(values: Mapping[str, str], is_with_volumes: bool) -> int:
    engine = Engine(PROJECT_ROOT, shell_environment() | placeholders(values))
    volumes = ("--volumes",) if is_with_volumes else ()
    return engine.run(engine.compose(PROFILES, "down", "--remove-orphans", *volumes))


def _logs(values: Mapping[str, str], service: str) -> int:
    if _is_in_containers(values, "logs"):
        engine = Engine(PROJECT_ROOT, shell_environment() | placeholders(values))
        names = (service,) if service else ()
        return engine.run(engine.compose(PROFILES, "logs", "--follow", f"--tail={_LINES}", *names))
    files = sorted(str(file) for file in (LOCAL_ROOT / "logs").glob(f"{service or '*'}.log"))
    if not files:
        raise TerminalError(
            f"no part of make run is called {service}"
            if service
            else "nothing runs: make run or make up starts it"
        )
    return subprocess.run(["tail", "-n", _LINES, "-F", *files], check=False).returncode


def _psql(values: Mapping[str, str], write: bool) -> int:
    if _is_in_containers(values, "psql"):
        engine = Engine(PROJECT_ROOT, shell_environment() | placeholders(values))
        terminal = () if sys.stdin.isatty() else ("-T",)
        return engine.run(
            engine.compose((), "exec", *terminal, "postgres", "sh", "-c", _PSQL_WRITE if write else _PSQL)
        )
    python = str(PROJECT_ROOT / ".venv/bin/python")
    if not os.access(python, os.X_OK):
        raise TerminalError("nothing runs: make run or make up starts it")
    command = [python, "-m", "include.local", "psql", *(["--write"] if write else [])]
    return subprocess.run(command, check=False).returncode


def _is_in_containers(values: Mapping[str, str], command: str) -> bool:
    """Whether the containers are meant: they run and make run does not, or STACK says so."""
    stack = values.get("STACK", "")
    if stack not in ("", "run", "containers"):
        raise TerminalError(f"STACK must be run or containers, not {stack!r}")
    is_local = _make_run_is_up()
    try:
        are_containers = any(c.is_up for c in Engine(PROJECT_ROOT, shell_environment()).containers())
    except TerminalError:
        if stack == "containers":
            raise
        are_containers = False
    if stack:
        return stack == "containers"
    if is_local and are_containers:
        print(
            f"make run and make up are both up: this is make run; make {command} STACK=containers",
            file=sys.stderr,
        )
    elif are_containers:
        print("of the containers (make up):", file=sys.stderr)
    elif is_local:
        print("of make run:", file=sys.stderr)
    return are_containers and not is_local


def _make_run_is_up() -> bool:
    try:
        with (LOCAL_ROOT / "run.lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


if __name__ == "__main__":
    sys.exit(main())
