-- The file's ledger as if nothing had been loaded
UPDATE ops.landing_files SET
    loaded_bytes = 0, line_count = 0, loaded_count = 0, duplicate_count = 0, rejected_count = 0, event_count = 0,
    first_received_at = NULL, last_received_at = NULL, is_connected = false, is_complete = false
WHERE landing_file_id = %(landing_file_id)s
