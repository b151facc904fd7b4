"""The warehouse describes itself completely, and the committed page says the same."""

import pytest

from include.commands.dictionary import PAGE, page
from include.warehouse.dictionary import SCHEMAS, Schema, read_dictionary


@pytest.fixture
def schemas(shared_warehouse_url: str) -> list[Schema]:
    return read_dictionary(shared_warehouse_url)


def test_every_schema_table_view_column_and_function_has_a_comment(schemas: list[Schema]) -> None:
    comments = {schema.name: schema.comment for schema in schemas}
    for schema in schemas:
        comments |= {f"{schema.name}.{function.name}()": function.comment for function in schema.functions}
        for relation in schema.relations:
            comments[f"{schema.name}.{relation.name}"] = relation.comment
            comments |= {f"{schema.name}.{relation.name}.{c.name}": c.comment for c in relation.columns}
    assert [name for name, comment in comments.items() if not comment] == []
    assert "curated.pnl_hourly.pnl_eur" in comments
    assert "ops.capture_gap_seconds()" in comments


def test_the_schemas_that_people_read_are_there(schemas: list[Schema]) -> None:
    assert tuple(schema.name for schema in schemas) == SCHEMAS
    curated = {relation.name: relation for relation in schemas[0].relations}
    key = ("market", "delivery_day", "delivery_hour", "trader_id")
    assert curated["pnl_versions"].key == (*key, "valid_from")
    assert (curated["pnl_versions"].kind, curated["pnl_hourly"].kind) == ("table", "view")
    assert tuple(c.name for c in curated["pnl_hourly"].columns)[:4] == key


def test_the_committed_page_is_current(schemas: list[Schema]) -> None:
    assert PAGE.read_text(encoding="utf-8") == page(schemas), "run `make dictionary` and commit the page"
