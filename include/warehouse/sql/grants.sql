-- `analyst` reads curated and ops; applied after every migration, so that a role created later gets its rights
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'analyst') THEN
        GRANT USAGE ON SCHEMA curated, ops TO analyst;
        GRANT SELECT ON ALL TABLES IN SCHEMA curated, ops TO analyst;
        GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA curated, ops TO analyst;
        ALTER DEFAULT PRIVILEGES IN SCHEMA curated, ops GRANT SELECT ON TABLES TO analyst;
    END IF;
END
$$
