"""Writes docs/data_dictionary.md from the comments in the warehouse: `python -m include.commands.dictionary`.

`make dictionary` runs it on a throw-away warehouse with all migrations (tools/dictionary.py).
"""

import sys
from collections.abc import Iterable, Iterator

from include.commands.ending import end
from include.domain.rejection import DESCRIPTIONS
from include.settings import PROJECT_ROOT, command_settings
from include.warehouse.dictionary import Relation, Schema, read_dictionary

PAGE = PROJECT_ROOT / "docs" / "data_dictionary.md"

_INTRODUCTION = """\
# Data dictionary

Generated from the comments in the warehouse by `make dictionary`; change the migrations, not this page.

Times are `timestamptz` and shown in UTC; a `delivery_day` is the local day of the market. Numbers are exact
(`numeric`), with the unit in the name. NULL is never zero: an average of nothing is NULL, and so is a result
without a price.
"""


def page(schemas: Iterable[Schema]) -> str:
    """The page, in Markdown."""
    return "\n".join(_lines(schemas))


def _lines(schemas: Iterable[Schema]) -> Iterator[str]:
    yield _INTRODUCTION
    for schema in schemas:
        yield f"## {schema.name}\n\n{schema.comment}.\n"
        for relation in schema.relations:
            yield from _relation(schema, relation)
        for function in schema.functions:
            yield f"### {schema.name}.{function.name}({function.arguments})\n"
            yield f"Function that returns `{function.result}`. {function.comment}.\n"
    yield "## Reason codes\n\nThe values of `ops.rejected_messages.reason_code`.\n"
    yield from _table(("code", "meaning"), ((f"`{reason}`", text) for reason, text in DESCRIPTIONS.items()))


def _relation(schema: Schema, relation: Relation) -> Iterator[str]:
    yield f"### {schema.name}.{relation.name}\n"
    key = f" Primary key: {', '.join(f'`{name}`' for name in relation.key)}." if relation.key else ""
    yield f"{relation.kind.capitalize()}. {relation.comment}.{key}\n"
    rows = ((f"`{c.name}`", c.type, c.unit, c.comment or "") for c in relation.columns)
    yield from _table(("column", "type", "unit", "meaning"), rows)


def _table(titles: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(titles)} |"
    yield "|---" * len(titles) + "|"
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"
    yield ""


def main() -> int:
    """Writes the page."""
    schemas = read_dictionary(command_settings().warehouse_url)
    PAGE.write_text(page(schemas), encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE.relative_to(PROJECT_ROOT)}\n")
    return 0


if __name__ == "__main__":
    end(main)
