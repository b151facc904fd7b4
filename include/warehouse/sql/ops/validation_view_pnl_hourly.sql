-- The rows of one build
SELECT * FROM staging.pnl_hourly WHERE build_id = %(build_id)s
