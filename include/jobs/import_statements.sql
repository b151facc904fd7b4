-- name: statements_to_reconcile
-- Of these days those whose statement, the one that was landed last, is loaded and was not reconciled yet
SELECT d.statement_day
FROM unnest(%(days)s::date[], %(folders)s::text[]) AS d (statement_day, folder)
CROSS JOIN LATERAL (
    SELECT landing_file_id
    FROM ops.landing_files
    WHERE source = 'statements' AND is_complete AND starts_with(landing_file, d.folder || '/')
    ORDER BY landing_file COLLATE "C" DESC
    LIMIT 1
) AS f
WHERE NOT EXISTS (
    SELECT FROM ops.statements AS s
    WHERE (s.market, s.statement_day, s.landing_file_id) = (%(market)s, d.statement_day, f.landing_file_id))
ORDER BY d.statement_day

-- name: days_not_reconciled
SELECT count(*)
FROM ops.reconciliations
WHERE market = %(market)s AND statement_day = ANY(%(days)s::date[]) AND state <> 'reconciled'
