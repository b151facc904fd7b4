"""Named queries: each has a file and a name, somebody runs it, and rules of theirs that no result shows."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.settings import PROJECT_ROOT
from include.warehouse import queries
from include.warehouse.queries import load_queries

INCLUDE = PROJECT_ROOT / "include"
FILES = sorted(
    path.relative_to(INCLUDE).as_posix()
    for path in INCLUDE.rglob("*.sql")
    if path.parent not in (INCLUDE / "warehouse/sql", INCLUDE / "warehouse/migrations/versions")
)
READ_OR_WRITE = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "VACUUM")


def used_queries(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """File and name of each query that a module runs.

    Raises:
        AssertionError: A file is not named where it is loaded, or a query not where it is run.
    """
    nodes = list(ast.walk(tree))
    files: dict[str, str] = {}
    for node in nodes:
        if isinstance(node, ast.Assign) and _called(node.value) == "load_queries":
            file = ast.literal_eval(node.value.args[0])  # type: ignore[attr-defined]
            files[ast.unparse(node.targets[0])] = file
    loads = sum(_called(node) == "load_queries" for node in nodes)
    assert loads == len(files), "load_queries is called elsewhere than for a constant"
    named = set[ast.AST]()
    for node in nodes:
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id in files:
            assert isinstance(node.slice, ast.Constant), f"line {node.lineno}: the name is put together"
            named.add(node.value)
            yield files[node.value.id], node.slice.value
    for node in nodes:
        if isinstance(node, ast.Name) and node.id in files and isinstance(node.ctx, ast.Load):
            assert node in named, f"line {node.lineno}: a query is run without its name"


def _called(node: ast.AST) -> str:
    """The name of the function or method that is called; empty for whatever else."""
    if not isinstance(node, ast.Call):
        return ""
    return getattr(node.func, "id", "") or getattr(node.func, "attr", "")


def modules() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(INCLUDE.rglob("*.py")):
        if path != Path(queries.__file__):
            yield path, ast.parse(path.read_text(encoding="utf-8"))


def used() -> dict[tuple[str, str], list[Path]]:
    found: dict[tuple[str, str], list[Path]] = {}
    for path, tree in modules():
        for query in used_queries(tree):
            found.setdefault(query, []).append(path.relative_to(INCLUDE))
    return found


def test_each_query_is_run_somewhere_and_each_that_is_run_exists() -> None:
    assert set(used()) == {(file, name) for file in FILES for name in load_queries(file)}


def test_a_query_is_run_by_the_package_beside_it_and_only_the_warehouse_has_some_for_all() -> None:
    foreign = [
        (file, name, path)
        for (file, name), paths in used().items()
        for path in paths
        if Path(file).parts[0].removesuffix(".sql") not in (path.parts[0].removesuffix(".py"), "warehouse")
    ]
    assert foreign == []


def test_no_statement_is_written_in_python() -> None:
    """Settings of a session, savepoints, and statements that are composed of identifiers are no queries."""
    found = [
        f"{path.relative_to(INCLUDE)}:{argument.lineno}"
        for path, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and _called(node) in ("execute", "run_sql", "fetch_dicts")
        for argument in node.args
        if isinstance(argument, ast.Constant) and str(argument.value).upper().startswith(READ_OR_WRITE)
    ]
    assert found == []


def test_lists_of_batches_have_the_type_of_their_column() -> None:
    # else PostgreSQL compares each row with hundreds of batches one by one: minutes for a month of trades
    lists = [
        (name, text)
        for file in FILES
        for name, query in load_queries(file).items()
        for text in query.split("ANY(%(load_batch_ids)s")[1:]
    ]
    assert lists
    assert [name for name, text in lists if not text.startswith("::bigint[])")] == []


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(queries, "_ROOT", tmp_path)
    return tmp_path / f"{tmp_path.name}.sql"


def test_a_query_begins_after_its_name_and_ends_before_the_next(file: Path) -> None:
    file.write_text(
        "-- What the file is about\n\n-- name: a\n-- Why\nSELECT 1\n\n-- name: b_2\nSELECT '-- name: c'\n"
    )
    assert load_queries(file.name) == {"a": "-- Why\nSELECT 1", "b_2": "SELECT '-- name: c'"}


def test_two_queries_cannot_have_the_same_name(file: Path) -> None:
    file.write_text("-- name: a\nSELECT 1\n-- name: a\nSELECT 2\n")
    with pytest.raises(ValueError, match="two queries have the same name"):
        load_queries(file.name)
