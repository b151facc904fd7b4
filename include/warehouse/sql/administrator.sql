-- What only a superuser can set up in the warehouse, so that the role analyst cannot stop the platform. Repeated at each
-- start. Where nobody of the platform is a superuser, an administrator runs it once, after the roles exist, after each
-- restore and after each change of analyst's password:  psql --single-transaction --dbname=warehouse --file=administrator.sql

-- the owner of the database is no superuser: nothing of his runs here
SET LOCAL search_path = pg_catalog;

-- Functions that everybody may call by default. An advisory lock holds up loading; large objects, messages in the WAL and
-- exported snapshots fill the disk. pg_advisory_unlock_all takes nothing from anybody, and drivers call it.
DO $$
DECLARE
    function regprocedure;
    is_lock boolean;
BEGIN
    FOR function, is_lock IN
        SELECT oid, proname LIKE '%advisory%'
        FROM pg_proc
        WHERE pronamespace = 'pg_catalog'::regnamespace
            AND (proname ~ '^pg_(try_)?advisory_' OR proname ~ '^lo_'
                 OR proname IN ('loread', 'lowrite', 'pg_logical_emit_message', 'pg_export_snapshot'))
            AND proname <> 'pg_advisory_unlock_all'
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', function);
        IF is_lock THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO pipeline', function);
        END IF;
    END LOOP;
END
$$;

-- Databases that everybody may enter by default
REVOKE CONNECT, TEMPORARY ON DATABASE postgres, template1 FROM PUBLIC;

-- A role cannot change settings that only a superuser may set: temporary files, for each of its sessions, and what it has
-- the server write into its log
ALTER ROLE analyst SET temp_file_limit = '1GB';
ALTER ROLE analyst SET log_min_messages = 'fatal';

-- Every role may change its own password and the other settings that it starts with. Neither can be forbidden, so both are
-- remembered here and set back.
DROP SCHEMA IF EXISTS administration CASCADE;
CREATE SCHEMA administration;
COMMENT ON SCHEMA administration IS 'What the superuser holds the role analyst to';
GRANT USAGE ON SCHEMA administration TO pipeline;
CREATE TABLE administration.analyst (
    password text,
    settings text[] NOT NULL
);
GRANT SELECT ON administration.analyst TO pipeline;  -- whose dumps of the warehouse would fail otherwise
COMMENT ON TABLE administration.analyst IS 'What the role analyst was given: one row';
COMMENT ON COLUMN administration.analyst.password IS 'Verifier of its password, as in pg_authid';
COMMENT ON COLUMN administration.analyst.settings IS 'What its sessions start with, name=value';

CREATE VIEW administration.analyst_now AS
SELECT
    r.oid AS role_id,
    r.rolpassword AS password,
    ARRAY(SELECT setting FROM pg_db_role_setting, unnest(setconfig) AS setting
          WHERE setrole = r.oid AND setdatabase = 0 ORDER BY setting) AS settings,
    ARRAY(SELECT datname FROM pg_db_role_setting JOIN pg_database AS d ON d.oid = setdatabase
          WHERE setrole = r.oid ORDER BY datname) AS databases
FROM pg_authid AS r
WHERE r.rolname = 'analyst';
COMMENT ON VIEW administration.analyst_now IS 'What the role analyst has, and the databases for which it has settings besides';

INSERT INTO administration.analyst (password, settings)
SELECT password, settings FROM administration.analyst_now;

CREATE FUNCTION administration.hold_analyst(OUT is_restored boolean, OUT ended_sessions bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    given administration.analyst;
    found administration.analyst_now;
    item text;
BEGIN
    SELECT * INTO given FROM administration.analyst;
    SELECT * INTO found FROM administration.analyst_now;
    is_restored := found.password IS DISTINCT FROM given.password OR found.settings <> given.settings
        OR found.databases <> '{}';
    IF is_restored THEN
        EXECUTE format('ALTER ROLE analyst PASSWORD %L', given.password);
        EXECUTE 'ALTER ROLE analyst RESET ALL';
        FOREACH item IN ARRAY found.databases LOOP
            EXECUTE format('ALTER ROLE analyst IN DATABASE %I RESET ALL', item);
        END LOOP;
        FOREACH item IN ARRAY given.settings LOOP
            EXECUTE format('ALTER ROLE analyst SET %I = %L', split_part(item, '=', 1),
                           substr(item, strpos(item, '=') + 1));
        END LOOP;
    END IF;
    -- statement_timeout is a default that a session can change
    SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) INTO ended_sessions
    FROM pg_stat_activity
    WHERE usesysid = found.role_id AND xact_start < clock_timestamp() - interval '15 minutes';
END
$$;
COMMENT ON FUNCTION administration.hold_analyst IS
    'Sets back password and settings of analyst if it changed them, and ends its transactions that are older than 15 minutes';
REVOKE EXECUTE ON FUNCTION administration.hold_analyst FROM PUBLIC;
GRANT EXECUTE ON FUNCTION administration.hold_analyst TO pipeline;
