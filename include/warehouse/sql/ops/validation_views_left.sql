-- Views of validations whose connection, named in them by its process id, is gone
SELECT viewname
FROM pg_catalog.pg_views
WHERE schemaname = 'staging'
  AND viewname ~ '^checked_[a-z_]+_[0-9]+_[0-9a-f]+$'
  AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_stat_activity
      WHERE pid = substring(viewname FROM '_([0-9]+)_[0-9a-f]+$')::integer)
