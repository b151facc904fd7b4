ALTER TABLE ops.landing_files ADD COLUMN load_error text;
COMMENT ON COLUMN ops.landing_files.load_error IS 'Why the last attempt to load the rest of the file failed; NULL: it did not';
CREATE INDEX landing_files_load_error ON ops.landing_files (hour_start_at) WHERE load_error IS NOT NULL;
