-- Views and functions that use a revision are defined again, as they were, around the change of its type. The columns of
-- tables are rewritten; what the functions take as a revision becomes a bigint as well.
CREATE TEMPORARY TABLE widened ON COMMIT DROP AS
SELECT attrelid, attname, attnum::integer
FROM pg_attribute
WHERE attname IN ('revision', 'captured_revision') AND atttypid = 'integer'::regtype
  AND attrelid IN ('raw.trades'::regclass, 'raw.trade_cancellations'::regclass, 'raw.trade_receipts'::regclass,
                   'staging.trade_copies'::regclass, 'ops.quarantined_trades'::regclass,
                   'ops.reconciliation_differences'::regclass);

CREATE TEMPORARY TABLE dependents ON COMMIT DROP AS
WITH RECURSIVE
    uses AS (
        SELECT
            p.refclassid, p.refobjid, p.refobjsubid,
            CASE WHEN r.oid IS NULL THEN p.classid ELSE 'pg_class'::regclass END AS class_id,
            coalesce(r.ev_class, p.objid) AS object_id
        FROM pg_depend AS p
        LEFT JOIN pg_rewrite AS r ON p.classid = 'pg_rewrite'::regclass AND r.oid = p.objid
        WHERE p.classid IN ('pg_rewrite'::regclass, 'pg_proc'::regclass, 'pg_type'::regclass)
          AND p.refobjid IS DISTINCT FROM r.ev_class
    ), found (class_id, object_id, depth) AS (
        SELECT u.class_id, u.object_id, 1
        FROM uses AS u
        JOIN widened AS w ON (u.refclassid, u.refobjid, u.refobjsubid) = ('pg_class'::regclass, w.attrelid, w.attnum)
        UNION
        SELECT u.class_id, u.object_id, f.depth + 1
        FROM uses AS u
        JOIN found AS f ON (u.refclassid, u.refobjid) = (f.class_id, f.object_id)
    )
SELECT
    max(depth) AS depth,
    class_id,
    object_id,
    CASE class_id
        WHEN 'pg_class'::regclass THEN format('DROP VIEW %s', object_id::regclass)
        ELSE format('DROP FUNCTION %s', object_id::regprocedure)
    END AS removal,
    CASE class_id
        WHEN 'pg_class'::regclass THEN format('CREATE VIEW %s AS %s', object_id::regclass, pg_get_viewdef(object_id))
        ELSE replace(pg_get_functiondef(object_id), 'of_revision integer', 'of_revision bigint')
    END AS definition
FROM found
WHERE class_id IN ('pg_class'::regclass, 'pg_proc'::regclass)
GROUP BY class_id, object_id;

CREATE TEMPORARY TABLE comments ON COMMIT DROP AS
SELECT
    CASE
        WHEN d.class_id = 'pg_proc'::regclass THEN
            format(
                'COMMENT ON FUNCTION %s(%s) IS %L', d.object_id::regproc,
                replace(pg_get_function_identity_arguments(d.object_id), 'of_revision integer', 'of_revision bigint'),
                c.description)
        WHEN c.objsubid = 0 THEN format('COMMENT ON VIEW %s IS %L', d.object_id::regclass, c.description)
        ELSE format('COMMENT ON COLUMN %s.%I IS %L', d.object_id::regclass, a.attname, c.description)
    END AS statement
FROM dependents AS d
JOIN pg_description AS c ON (c.classoid, c.objoid) = (d.class_id, d.object_id)
LEFT JOIN pg_attribute AS a ON (a.attrelid, a.attnum) = (c.objoid, c.objsubid) AND c.classoid = 'pg_class'::regclass;

DO $$
DECLARE
    statement text;
BEGIN
    FOR statement IN SELECT removal FROM dependents ORDER BY depth DESC LOOP
        EXECUTE statement;
    END LOOP;
    FOR statement IN
        SELECT format('ALTER TABLE %s %s', attrelid::regclass, string_agg(format('ALTER COLUMN %I TYPE bigint', attname), ', '))
        FROM widened
        GROUP BY attrelid
    LOOP
        EXECUTE statement;
    END LOOP;
    FOR statement IN SELECT definition FROM dependents ORDER BY depth LOOP
        EXECUTE statement;
    END LOOP;
    FOR statement IN SELECT c.statement FROM comments AS c LOOP
        EXECUTE statement;
    END LOOP;
END
$$;

COMMENT ON COLUMN raw.trades.price_eur_per_mwh IS 'Price, EUR/MWh, rounded half up to 10 decimals if the exchange sends more; negative and zero are ordinary';
COMMENT ON COLUMN raw.trades.quantity_mw IS 'Power, MW (not energy), rounded half up to 10 decimals if the exchange sends more, or MWh that no decimal divides';
