"""The rooms of the house may import each other only in the direction in which data and knowledge flow."""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from include.settings import PROJECT_ROOT

BASE = {"settings", "errors", "csv_file", "duration", "progress", "run_scope", "single_flight"}
STORES = BASE | {"domain", "landing", "warehouse"}
MAY_IMPORT = {
    "domain": set[str](),
    "errors": set[str](),
    "csv_file": set[str](),
    "duration": set[str](),
    "progress": set[str](),
    "single_flight": set[str](),
    "run_scope": {"domain", "errors"},
    "settings": {"errors"},
    "landing": BASE,
    "warehouse": BASE,
    "capture": BASE | {"domain", "landing"},
    "pull": STORES,
    "load": STORES,
    # which copy of a trade counts is decided with its batch
    "expectations": STORES | {"load"},
    # the capture's signs of life in the landing files
    "health": STORES | {"capture"},
    "report": STORES,
    "jobs": STORES | {"capture", "pull", "load", "expectations", "health"},
    "commands": STORES | {"load", "expectations", "jobs", "report"},
    "orchestration": BASE | {"jobs", "capture", "expectations", "health"},
    # the calendar: what day it is, which hours are open, whether a label is one
    "dashboard": BASE | {"domain", "warehouse"},
    "simulator": BASE | {"domain"},
    "local": STORES,
    "containers": STORES | {"local"},
    "dags": {"jobs", "orchestration"},
    "plugins": {"jobs", "orchestration", "dashboard", *STORES},
}
"""Room: the other rooms of include it may import. Tools may import all of them."""

USES_TEST_DOUBLES = "tools.screenshots"
"""The only tools that may import tests: the page is photographed with the data it is tested with."""

OF_COMMAND_LINES = {"include.local.credentials", "include.local.postgres"}
"""What a command line may import, and only inside a function: the passwords and the server of `make run`."""

HAS_COMMAND_LINE = {"commands", "health"}

HEAVY = {"pandas", "great_expectations"}
"""Packages that take seconds to import; the scheduler imports DAG files again and again."""

READS_THE_ENVIRONMENT = {"include.settings"}


@dataclass(frozen=True)
class Import:
    """One imported name: `from a.b import c` is `a.b.c`, whether c is a module or not."""

    name: str
    line: int
    is_lazy: bool

    @property
    def package(self) -> str:
        return self.name.split(".", 1)[0]


@dataclass(frozen=True)
class Module:
    """A Python file, by its dotted name."""

    name: str
    tree: ast.Module

    @property
    def room(self) -> str:
        first, *rest = self.name.split(".")
        return (rest or [first])[0] if first == "include" else first

    def imports(self) -> list[Import]:
        return list(_imports(self.tree, False))


def parse(name: str, source: str) -> Module:
    return Module(name, ast.parse(source))


def _imports(node: ast.AST, is_lazy: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, child.lineno, is_lazy) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            module = "." * child.level + (child.module or "")
            yield from (Import(f"{module}.{alias.name}", child.lineno, is_lazy) for alias in child.names)
        else:
            yield from _imports(child, is_lazy or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef))


def modules(*folders: str) -> list[Module]:
    found = []
    for folder in folders:
        for path in sorted((PROJECT_ROOT / folder).rglob("*.py")):
            parts = path.relative_to(PROJECT_ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found.append(parse(name, path.read_text(encoding="utf-8")))
    return found


def room_breaches(module: Module) -> list[str]:
    """Imports of rooms that are none of this module's business."""
    breaches = []
    for imported in module.imports():
        if imported.name.startswith("."):
            breaches.append(f"{module.name}:{imported.line} imports relatively")
            continue
        room = (imported.name + ".").split(".")[1] if imported.package == "include" else imported.package
        if imported.package not in ("include", "dags", "plugins", "tests", "tools") or room == module.room:
            continue
        is_of_command = (
            module.room in HAS_COMMAND_LINE
            and imported.is_lazy
            and any(imported.name == name or imported.name.startswith(name + ".") for name in OF_COMMAND_LINES)
        )
        if module.room == "tools":
            is_allowed = room != "tests" or module.name.startswith(USES_TEST_DOUBLES)
        else:
            is_allowed = room in MAY_IMPORT[module.room] or is_of_command
        if not is_allowed:
            breaches.append(f"{module.name}:{imported.line} imports {imported.name}")
    return breaches


def package_breaches(module: Module) -> list[str]:
    """Packages from outside the project that the room must do without."""
    breaches = []
    for imported in module.imports():
        is_ours_or_standard = imported.package in sys.stdlib_module_names or imported.package == "include"
        is_airflow = imported.package == "airflow"
        if (module.room == "domain" and not is_ours_or_standard) or (
            is_airflow and module.room not in ("orchestration", "dags", "plugins")
        ):
            breaches.append(f"{module.name}:{imported.line} imports {imported.name}")
        if module.room == "dags" and not (is_ours_or_standard or is_airflow):
            breaches.append(f"{module.name}:{imported.line} imports {imported.name}")
    return breaches


def environment_readers(module: Module) -> list[str]:
    """Lines that read an environment variable; setting one for a library is another matter."""
    if module.name in READS_THE_ENVIRONMENT or module.room in ("local", "containers"):
        return []
    written = {
        id(node.value)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store)
    }
    lines = [
        i.line for i in module.imports() if i.name in ("os.environ", "os.environb", "os.getenv", "os.getenvb")
    ]
    lines += [
        node.lineno
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
        and node.attr in ("environ", "environb", "getenv", "getenvb")
        and id(node) not in written
    ]
    return [f"{module.name}:{line} reads the environment" for line in lines]


def heavy_imports(roots: list[Module], library: list[Module]) -> list[str]:
    """Ways by which importing one of the roots imports a heavy package."""
    by_name = {module.name: module for module in library}
    chains = [(module, module.name) for module in roots]
    seen = {module.name for module in roots}
    found = []
    while chains:
        module, chain = chains.pop()
        for imported in module.imports():
            if imported.is_lazy:
                continue
            if imported.package in HEAVY:
                found.append(f"{chain} -> {imported.name}")
            parts = imported.name.split(".")
            for length in range(1, len(parts) + 1):  # a module's packages are imported before it
                name = ".".join(parts[:length])
                if name in by_name and name not in seen:
                    seen.add(name)
                    chains.append((by_name[name], f"{chain} -> {name}"))
    return found


OURS = modules("include", "dags", "plugins")
TOOLS = modules("tools")


def test_every_room_is_in_the_table() -> None:
    assert {module.room for module in OURS} - {"include"} <= set(MAY_IMPORT)


def test_rooms_import_only_what_the_table_allows() -> None:
    checked = [module for module in OURS + TOOLS if module.name != "include"]
    assert [breach for module in checked for breach in room_breaches(module)] == []


def test_the_domain_needs_the_standard_library_only_and_only_orchestration_knows_airflow() -> None:
    assert [breach for module in OURS for breach in package_breaches(module)] == []


def test_only_settings_reads_the_environment() -> None:
    assert [line for module in OURS for line in environment_readers(module)] == []


def test_no_dag_file_waits_for_heavy_packages() -> None:
    roots = [module for module in OURS if module.room in ("dags", "plugins", "orchestration")]
    assert heavy_imports(roots, OURS) == []


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("include.domain.trade", "from include.settings import Settings"),
        ("include.warehouse.connection", "from include.domain.trade import Trade"),
        ("include.capture.service", "import include.warehouse.connection"),
        ("include.load.trades", "from include.simulator.deals import Deal"),
        ("include.load.trades", "from include.jobs import load_trades"),
        ("include.load.trades", "from include import simulator"),
        ("include.jobs.load_trades", "def run():\n    from include.orchestration import tasks"),
        ("include.jobs.load_trades", "def run():\n    from plugins import timetables"),
        ("include.jobs.load_trades", "from include.commands import audit"),
        ("include.jobs.load_trades", "def main():\n    from include.local.credentials import settings"),
        ("include.commands.report", "from include.local.credentials import settings"),
        ("include.commands.report", "def main():\n    from include.local.ports import free"),
        ("include.orchestration.tasks", "from dags import hourly_pnl"),
        ("include.landing", "from tests import conftest"),
        ("include.landing", "from tools.history import write_history"),
        ("tools.bench.loader", "from tests.database import Database"),
        ("include.landing", "from . import settings"),
        ("include.landing", "from .settings import Settings"),
        ("dags.hourly_pnl", "from include.load.source import load_source"),
    ],
)
def test_a_breach_between_rooms_is_noticed(name: str, source: str) -> None:
    assert len(room_breaches(parse(name, source))) == 1


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("include.load.trades", "from include.load.lines import Line\nfrom include.landing import list_files"),
        ("include.commands.report", "def main():\n    from include.local.credentials import settings"),
        ("include.simulator.deals", "import include.domain.trade"),
        ("tools.bench.loader", "from include.local.postgres import EmbeddedPostgres"),
        ("tools.screenshots.page", "from tests.dashboard.states import STATES"),
        ("dags.hourly_pnl", "from include.orchestration.tasks import job"),
    ],
)
def test_what_the_table_allows_passes(name: str, source: str) -> None:
    assert room_breaches(parse(name, source)) == []


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("include.domain.trade", "import msgspec"),
        ("include.domain.trade", "def run():\n    import pandas"),
        ("include.jobs.load_trades", "def run():\n    from airflow.sdk import task"),
        ("dags.hourly_pnl", "import requests"),
    ],
)
def test_a_package_in_the_wrong_room_is_noticed(name: str, source: str) -> None:
    assert len(package_breaches(parse(name, source))) == 1


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("import os\nos.environ['A']", 1),
        ("import os\nos.environ.get('A')", 1),
        ("import os\nos.getenv('A')", 1),
        ("from os import environ", 1),
        ("import os\nos.environ['A'] = 'false'", 0),
        ("import os\nos.getpid()", 0),
    ],
)
def test_reading_the_environment_is_noticed(source: str, count: int) -> None:
    assert len(environment_readers(parse("include.jobs.load_trades", source))) == count


def test_a_heavy_import_is_found_through_other_modules_and_packages() -> None:
    library = [
        parse("include.jobs", "import pandas"),
        parse("include.jobs.load_trades", "x = 1"),
        parse("include.jobs.build_pnl", "def run():\n    import great_expectations"),
    ]
    direct = [parse("dags.a", "from include.jobs import load_trades")]
    assert heavy_imports(direct, library) == ["dags.a -> include.jobs -> pandas"]
    assert heavy_imports([parse("dags.b", "def run():\n    import include.jobs.load_trades")], library) == []
    assert heavy_imports([parse("dags.c", "import include.jobs.build_pnl")], library[1:]) == []
