INSERT INTO ops.validation_results (
    validation_id, suite, expectation, column_name, severity, is_success, unexpected_count, detail, load_batch_ids
)
VALUES (
    %(validation_id)s, %(suite)s, %(expectation)s, %(column)s, %(severity)s, %(is_success)s, %(unexpected_count)s,
    %(detail)s, %(load_batch_ids)s::bigint[]
)
