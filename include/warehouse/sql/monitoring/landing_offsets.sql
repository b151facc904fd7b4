-- How far each landing file of the last hours is loaded
SELECT landing_file, loaded_bytes
FROM ops.landing_files
WHERE hour_start_at >= %(from_at)s
