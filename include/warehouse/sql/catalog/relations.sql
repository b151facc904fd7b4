SELECT
    n.nspname, c.relname, CASE c.relkind WHEN 'v' THEN 'view' ELSE 'table' END, obj_description(c.oid, 'pg_class'),
    ARRAY(
        SELECT a.attname::text
        FROM pg_constraint AS k
        CROSS JOIN unnest(k.conkey) WITH ORDINALITY AS part (attnum, position)
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = part.attnum
        WHERE k.conrelid = c.oid AND k.contype = 'p'
        ORDER BY part.position
    )
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = ANY(%(schemas)s) AND c.relkind IN ('r', 'p', 'v', 'm') AND NOT c.relispartition
ORDER BY n.nspname, c.relname
