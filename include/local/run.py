"""`make run`: everything up, step by step, watched until it is told to stop."""

import fcntl
import json
import os
import signal
import sys
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

import psutil

from include.containers.watchdog import Watchdog
from include.errors import TerminalError
from include.local import airflow, leftovers, ports, ready
from include.local.files import Secrets, make_private, private_folder, write_private
from include.local.postgres import EmbeddedPostgres
from include.processes import Child, Supervisor, command_launcher, describe_end, end_all, shorten
from include.settings import PROJECT_ROOT, Settings, credentials_file, load_environment
from include.warehouse import probe
from include.warehouse.migrate import migrate_for

_TRADES_PER_SECOND = "1.6"
"""Of the simulated exchange: about the hundred trades a minute that a desk sees."""
_OF_SERVERS = ("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR", "TZ")
"""What PostgreSQL gets of our environment: under root it runs as another user, who may know no secret."""
_PORTS = {"EXCHANGE_URL": "--exchange-port", "MARKET_DATA_URL": "--market-data-port"}
"""The options of the simulator's ports, by the setting of a server in its place."""
_CAPTURE_STOP_SECONDS = 3.0
_STOP_SECONDS = 7.0


class Run:
    """One `make run`, from the first check to the last process ended.

    Args:
        state: Folder of all state.
        airflow_port: Instead of AIRFLOW_PORT, if given.
        exchange_port: Of the simulated exchange.
        market_data_port: Of the simulated provider.
    """

    def __init__(
        self, state: Path, airflow_port: int | None, exchange_port: int, market_data_port: int
    ) -> None:
        self._state, self._logs = state, state / "logs"
        self._airflow_port = airflow_port
        self._exchange_port, self._market_data_port = exchange_port, market_data_port
        self._started_at = time.monotonic()
        self._supervisor = Supervisor(self._say)
        self._postgres: EmbeddedPostgres | None = None
        self._capture: Child | None = None
        self._watchdog: Watchdog | None = None
        self._outside: set[str] = set()

    def until_stopped(self) -> int:
        """Starts everything, keeps it up, and ends it at SIGINT, SIGTERM or SIGHUP; returns the exit code.

        Raises:
            TerminalError: Something has to be put right first; nothing is left running.
        """
        environment = load_environment()
        if self._airflow_port is not None:
            environment["AIRFLOW_PORT"] = str(self._airflow_port)
        folders = {"LANDING_ROOT": "landing", "DATA_DOCS_ROOT": "data_docs", "REPORT_ROOT": "reports"}
        ours = {name: str(self._state / folder) for name, folder in folders.items()}
        environment = ours | {name: value for name, value in environment.items() if value.strip()}
        environment.pop("MARKET", None)  # all markets
        markets = Settings.of_markets(environment)
        is_named = environment.get("MARKETS_FILE")
        if all(each.is_simulated for each in markets) if is_named else not environment.get("EXCHANGE_URL"):
            environment = {"STATEMENT_FOLDER": str(self._state / "statements")} | environment
            markets = Settings.of_markets(environment)
        # root starts PostgreSQL under another account, which has to pass through to its folder
        private_folder(self._state, is_searched=os.geteuid() == 0)
        private_folder(self._logs)
        if markets[0].statement_folder == self._state / "statements":
            private_folder(self._state / "statements")
        with (self._state / "run.lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise TerminalError(f"it is running already (its state is in {self._state})") from error
            make_private(self._state)
            _take_signals()
            try:
                self._start(environment, markets)
                while True:
                    self._watch(1.0)
            except KeyboardInterrupt:
                self._say("stopping")
            finally:
                _ignore_signals()
                self._stop()
            self._say("everything is down")
            return 0

    def _start(self, environment: dict[str, str], markets: list[Settings]) -> None:
        self._postgres = postgres = EmbeddedPostgres(
            self._state / "postgres",
            self._logs / "postgres.log",
            environment=leftovers.marked(
                {name: value for name, value in environment.items() if name in _OF_SERVERS}, self._state
            ),
        )
        self._clean_up(postgres)
        markets = self._simulated(environment, markets)
        self._require_ports(markets)
        shorten(postgres.log)
        self._say("starting PostgreSQL")
        postgres.start()
        assert postgres.process is not None
        self._supervisor.adopt(Child("postgres", postgres.launch, postgres.log), postgres.process)
        postgres.create_role("airflow")
        postgres.create_database("airflow", "airflow")
        analyst_url = ""
        if not markets[0].warehouse_url:
            postgres.create_warehouse()
            url = postgres.url("warehouse", "pipeline")
            markets = [replace(settings, warehouse_url=url) for settings in markets]
            analyst_url = postgres.url("warehouse", "analyst")
        settings = markets[0]
        self._say(f"PostgreSQL is up on {ports.HOST}:{postgres.port}")

        common = leftovers.marked(airflow.common_environment(environment, settings), self._state)
        for simulated in markets:
            if simulated.is_simulated:
                self._start_simulator(simulated, common)
        self._capture = self._run(
            "capture", [sys.executable, "-m", "include.capture", "--name", "standalone"], common
        )

        secrets = Secrets(self._state / "secrets.json", size=48)
        home = self._state / "airflow"
        airflow_environment = airflow.environment(
            common, markets, home, postgres.url("airflow", "airflow"), secrets
        )
        self._migrate(markets, airflow_environment)
        for component, arguments in airflow.COMPONENTS.items():
            self._run(component, airflow.command(*arguments), airflow_environment)
        self._say("starting Airflow: api-server, scheduler, dag-processor, triggerer")
        api = airflow.Api(airflow.base_url(settings), airflow.admin_password(secrets))
        self._write_credentials(api, settings.warehouse_url, analyst_url, common["MARKETS_FILE"])
        progress = ready.Progress(self._say, self._watch)
        ready.wait_for_airflow(api, progress)
        self._say("Airflow is healthy")
        metadata_url = postgres.url("airflow", "airflow")
        self._watchdog = Watchdog(
            api.health,
            self._supervisor.restart,
            lambda: probe.answers(metadata_url),
            self._say,
            self._supervisor.age_seconds,
        )
        ready.wait_for_dags(api, progress)
        self._say(f"the UI is on {api.url}: user {airflow.ADMIN}, password {api.password}")
        for each in markets:
            ready.wait_for_priced_pnl(api, each, progress)
        self._say("everything is up: Ctrl-C ends it, make psql looks into the warehouse")

    def _write_credentials(
        self, api: airflow.Api, warehouse_url: str, analyst_url: str, markets_file: str
    ) -> None:
        """For people, scripts and commands; `analyst_url` is empty where the warehouse is not ours."""
        login = {"url": api.url, "username": airflow.ADMIN, "password": api.password}
        known: dict[str, object] = {"airflow": login, "warehouse_url": warehouse_url}
        if analyst_url:
            known["analyst_url"] = analyst_url
        if markets_file:
            known["markets_file"] = markets_file
        write_private(credentials_file(self._state), json.dumps(known, indent=2) + "\n")

    def _clean_up(self, postgres: EmbeddedPostgres) -> None:
        """Ends what a run left behind that was killed; the writers first, so that they find their database."""
        others = self._left(postgres)
        if others or postgres.postmaster():
            self._say("ending what an earlier run left behind")
            end_all(others, _STOP_SECONDS)
            postgres.stop()

    def _left(self, postgres: EmbeddedPostgres) -> list[psutil.Process]:
        """What runs of this folder's processes, without those of PostgreSQL."""
        found, server = leftovers.find(self._state), postgres.postmaster()
        family = {server.pid, *(child.pid for child in server.children(recursive=True))} if server else set()
        return [process for process in found if process.pid not in family]

    def _simulated(self, environment: dict[str, str], markets: list[Settings]) -> list[Settings]:
        """The markets; without MARKETS_FILE the one market is simulated as far as it names no server."""
        if environment.get("MARKETS_FILE"):
            return markets
        (settings,) = markets
        if not environment.get("EXCHANGE_URL"):
            url = f"ws://{ports.HOST}:{self._exchange_port}"
            settings = replace(settings, exchange_url=url, is_simulated=True)
        if not environment.get("MARKET_DATA_URL"):
            url = f"http://{ports.HOST}:{self._market_data_port}"
            settings = replace(settings, market_data_url=url, is_simulated=True)
        self._outside = {name for name in ("EXCHANGE_URL", "MARKET_DATA_URL") if environment.get(name)}
        return [settings]

    def _require_ports(self, markets: list[Settings]) -> None:
        ports.require_free(markets[0].airflow_port, "AIRFLOW_PORT")
        for settings in markets:
            if settings.is_simulated:
                for variable, port in self._simulated_ports(settings).items():
                    if port:
                        other = f"make run OPTIONS={_PORTS[variable]}=…, or {variable.lower()} in MARKETS_FILE"
                        ports.require_free(port, f"another one: {other}")

    def _simulated_ports(self, settings: Settings) -> dict[str, int]:
        """The ports of the simulator; it always has both servers: 0 for one that nobody needs."""
        urls = {"EXCHANGE_URL": settings.exchange_url, "MARKET_DATA_URL": settings.market_data_url}
        return {name: 0 if name in self._outside else urlsplit(url).port or 80 for name, url in urls.items()}

    def _start_simulator(self, settings: Settings, common: dict[str, str]) -> None:
        exchange, market_data = self._simulated_ports(settings).values()
        command = [
            *(sys.executable, "-m", "include.simulator", "--host", ports.HOST),
            *("--exchange-port", str(exchange), "--market-data-port", str(market_data)),
            *("--rate-per-second", _TRADES_PER_SECOND),
        ]
        if exchange and settings.statement_folder is not None:
            command += ["--statement-folder", str(settings.statement_folder)]
        if settings.own_suffix:
            market = settings.market.market
            command += ["--market", market, "--seed", str(zlib.crc32(market.encode()))]  # prices of its own
        self._run(f"simulator{settings.dag_suffix}", command, common)
        simulated = (("exchange", exchange), ("provider", market_data))
        self._say(f"simulating {', '.join(f'the {what} on port {port}' for what, port in simulated if port)}")

    def _run(self, name: str, command: list[str], environment: dict[str, str]) -> Child:
        log = self._logs / f"{name}.log"
        return self._supervisor.start(
            Child(name, command_launcher(command, environment, log, PROJECT_ROOT), log)
        )

    def _migrate(self, markets: list[Settings], airflow_environment: dict[str, str]) -> None:
        """Both databases at the same time: Airflow's takes seconds of imports in a process of its own."""
        self._say("migrating Airflow's database and the warehouse")
        log = self._logs / "migrate.log"
        launch = command_launcher(airflow.command("db", "migrate"), airflow_environment, log, PROJECT_ROOT)
        process = launch()
        with ThreadPoolExecutor(1) as pool:
            warehouse = pool.submit(migrate_for, markets)
            while process.poll() is None or not warehouse.done():
                self._watch(0.1)
            warehouse.result()
        if process.returncode != 0:
            raise TerminalError(f"airflow db migrate {describe_end(process.returncode)}: see {log}")
        self._say("both databases are migrated")

    def _watch(self, seconds: float) -> None:
        self._supervisor.check()
        if self._watchdog is not None:
            self._watchdog.look()
        time.sleep(seconds)

    def _stop(self) -> None:
        """Capture first, which has something to flush; PostgreSQL last, which everybody else needs."""
        children = self._supervisor.children
        if self._capture is not None:
            self._supervisor.stop([self._capture], _CAPTURE_STOP_SECONDS)
        others = [child for child in children if child.name not in ("capture", "postgres")]
        self._supervisor.stop(others, _STOP_SECONDS)
        if self._postgres is None:
            return
        end_all(self._left(self._postgres), 1.0)
        self._postgres.stop()

    def _say(self, line: str) -> None:
        with suppress(OSError):  # whoever read the output may be gone
            print(f"[{time.monotonic() - self._started_at:6.1f} s] {line}", flush=True)


def _take_signals() -> None:
    def interrupt(_number: int, _frame: FrameType | None) -> None:
        _ignore_signals()
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            signal.signal(number, interrupt)
    if "MAKELEVEL" in os.environ:
        threading.Thread(target=_follow_parent, args=(os.getppid(),), daemon=True).start()


def _ignore_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def _follow_parent(parent: int) -> None:
    """make was killed so hard that it could not tell us: nobody would ever stop us."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)
