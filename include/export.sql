-- name: export_columns
-- The columns of a table or view that analysts read; none: there is no such table or view
SELECT attname, format_type(atttypid, NULL)
FROM pg_attribute
JOIN pg_class ON pg_class.oid = attrelid
JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname IN ('curated', 'ops') AND relkind IN ('r', 'v') AND nspname || '.' || relname = %(table)s
  AND attnum > 0 AND NOT attisdropped
ORDER BY attnum

-- name: export_markets
SELECT market FROM ops.markets ORDER BY position, market
