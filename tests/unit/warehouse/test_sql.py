"""Rules of the named statements that no result shows."""

from include.warehouse.connection import SQL_ROOT


def test_lists_of_batches_have_the_type_of_their_column() -> None:
    # else PostgreSQL compares each row with hundreds of batches one by one: minutes for a month of trades
    lists = [
        (path.name, text)
        for path in sorted(SQL_ROOT.rglob("*.sql"))
        for text in path.read_text().split("ANY(%(load_batch_ids)s")[1:]
    ]
    assert lists
    assert [name for name, text in lists if not text.startswith("::bigint[])")] == []
