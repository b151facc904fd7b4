"""The packages of include may import each other only in the direction in which data flows."""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from include.settings import PROJECT_ROOT

BASE = {
    "settings",
    *("setting_values", "markets_file", "errors", "csv_file", "xlsx_file", "whole_file", "duration"),
    *("landing_keys", "landing_line", "processes", "progress", "run_scope", "single_flight", "service_log"),
    "statement_files",
}
STORES = BASE | {"domain", "landing", "landing_writer", "warehouse"}
MAY_IMPORT = {
    "domain": set[str](),
    "errors": set[str](),
    "csv_file": set[str](),
    "xlsx_file": {"csv_file"},
    "whole_file": {"errors"},
    "duration": set[str](),
    "landing_keys": set[str](),
    "landing_line": set[str](),
    "processes": set[str](),
    "progress": {"duration"},
    "service_log": set[str](),
    "single_flight": set[str](),
    "run_scope": {"domain", "errors"},
    "setting_values": {"errors"},
    "markets_file": {"domain", "errors", "setting_values"},
    "settings": {"domain", "errors", "markets_file", "setting_values"},
    "statement_files": {"domain", "errors"},
    "landing": BASE,
    "landing_writer": BASE | {"landing"},
    "warehouse": BASE | {"domain"},
    "capture": BASE | {"domain", "landing", "landing_writer"},
    "pull": STORES,
    "load": STORES,
    # which copy of a trade counts is decided with its batch
    "expectations": STORES | {"load"},
    # the capture's signs of life in the landing files, and what waits to be loaded
    "health": STORES | {"capture", "load"},
    "report": STORES,
    "day_report": STORES | {"report"},
    "export": STORES,
    "jobs": STORES | {"capture", "pull", "load", "expectations", "health", "day_report"},
    "commands": STORES | {"load", "expectations", "health", "jobs", "report", "export"},
    "orchestration": BASE | {"jobs", "capture", "expectations", "health"},
    # the calendar: what day it is, which hours are open, whether a label is one
    "dashboard": BASE | {"domain", "warehouse"},
    "simulator": BASE | {"domain"},
    "containers": STORES,
    "local": STORES | {"containers"},
    "dags": {"jobs", "orchestration", "settings"},
    "plugins": {"jobs", "orchestration", "dashboard", *STORES},
}
"""Package: the other packages of include it may import. Tools may import all of them."""

USES_TEST_DOUBLES = "tools.screenshots"
"""The only tools that may import tests: the page is photographed with the data it is tested with."""

HEAVY = {"pandas", "great_expectations"}
"""Packages that take seconds to import; the scheduler imports DAG files again and again."""


@dataclass(frozen=True)
class Import:
    """One imported name: `from a.b import c` is `a.b.c`, whether c is a module or not."""

    name: str
    line: int
    is_lazy: bool

    @property
    def top(self) -> str:
        return self.name.split(".", 1)[0]


@dataclass(frozen=True)
class Module:
    """A Python file, by its dotted name."""

    name: str
    tree: ast.Module

    @property
    def package(self) -> str:
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


def import_breaches(module: Module) -> list[str]:
    """Imports of packages that this module's package may not import."""
    breaches = []
    for imported in module.imports():
        if imported.name.startswith("."):
            breaches.append(f"{module.name}:{imported.line} imports relatively")
            continue
        package = (imported.name + ".").split(".")[1] if imported.top == "include" else imported.top
        if imported.top not in ("include", "dags", "plugins", "tests", "tools") or package == module.package:
            continue
        if module.package == "tools":
            is_allowed = package != "tests" or module.name.startswith(USES_TEST_DOUBLES)
        else:
            is_allowed = package in MAY_IMPORT[module.package]
        if not is_allowed:
            breaches.append(f"{module.name}:{imported.line} imports {imported.name}")
    return breaches


def external_breaches(module: Module) -> list[str]:
    """Imports of packages from outside the project that this module must do without."""
    breaches = []
    for imported in module.imports():
        is_ours_or_standard = imported.top in sys.stdlib_module_names or imported.top == "include"
        is_airflow = imported.top == "airflow"
        if (module.package == "domain" and not is_ours_or_standard) or (
            is_airflow and module.package not in ("orchestration", "dags", "plugins")
        ):
            breaches.append(f"{module.name}:{imported.line} imports {imported.name}")
        if module.package == "dags" and not (is_ours_or_standard or is_airflow):
            breaches.append(f"{module.name}:{imported.line} imports {imported.name}")
    return breaches


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
            if imported.top in HEAVY:
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


def test_every_package_is_in_the_table() -> None:
    assert {module.package for module in OURS} - {"include"} <= set(MAY_IMPORT)


def test_packages_import_only_what_the_table_allows() -> None:
    checked = [module for module in OURS + TOOLS if module.name != "include"]
    assert [breach for module in checked for breach in import_breaches(module)] == []


def test_the_domain_needs_the_standard_library_only_and_only_orchestration_knows_airflow() -> None:
    assert [breach for module in OURS for breach in external_breaches(module)] == []


def test_no_dag_file_waits_for_heavy_packages() -> None:
    roots = [module for module in OURS if module.package in ("dags", "plugins", "orchestration")]
    assert heavy_imports(roots, OURS) == []


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("include.domain.trade", "from include.settings import Settings"),
        ("include.load.trades", "from include import simulator"),
        ("include.jobs.load_trades", "def run():\n    from include.orchestration import tasks"),
        ("include.landing", "from tests import conftest"),
        ("include.landing", "from .settings import Settings"),
        ("dags.hourly_pnl", "from include.load.source import load_source"),
        ("include.domain.trade", "def run():\n    import msgspec"),
        ("include.jobs.load_trades", "from airflow.sdk import task"),
        ("dags.hourly_pnl", "import requests"),
        ("dags.hourly_pnl", "from include.expectations import library"),
    ],
)
def test_a_breach_is_noticed(name: str, source: str) -> None:
    module = parse(name, source)
    assert import_breaches(module) or external_breaches(module) or heavy_imports([module], OURS)
