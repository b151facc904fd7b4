"""What is expected of a load batch, whatever it holds."""

from include.expectations.library import WARNING, ExpectNoRows, FailureSeverity

FEW_REJECTS = 9
"""So many rejects never block a batch, however small: one bad message in ten says nothing about the others."""


def reject_share(batches_view: str, severity: FailureSeverity) -> ExpectNoRows:
    """At most 5 % of the messages of a batch are refused, or at most FEW_REJECTS of them."""
    # the join changes nothing, but the library requires a query to name {batch}
    return ExpectNoRows(
        unexpected_rows_query=f"""
            SELECT b.load_batch_id, b.landing_file, b.rejected_count, b.message_count
            FROM {batches_view} AS b
            LEFT JOIN (SELECT DISTINCT load_batch_id FROM {{batch}} AS t) AS loaded USING (load_batch_id)
            WHERE b.rejected_count * 20 > b.message_count AND b.rejected_count > {FEW_REJECTS}
            """,
        severity=severity,
        description=f"at most 5 % of the messages of a batch are rejected, or at most {FEW_REJECTS} messages",
    )


def row_count(batches_view: str) -> ExpectNoRows:
    """No rows were added to a batch, or deleted from it, since it was loaded."""
    return ExpectNoRows(
        unexpected_rows_query=f"""
            SELECT b.load_batch_id, b.landing_file, b.loaded_count, coalesce(r.row_count, 0) AS row_count
            FROM {batches_view} AS b
            LEFT JOIN (
                SELECT load_batch_id, count(*) AS row_count
                FROM {{batch}} AS t
                WHERE is_stored
                GROUP BY load_batch_id
            ) AS r USING (load_batch_id)
            WHERE coalesce(r.row_count, 0) <> b.loaded_count
            """,
        severity=WARNING,
        description="a batch has as many rows as its load counted",
    )
