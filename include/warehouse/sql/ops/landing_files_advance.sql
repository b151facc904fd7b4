UPDATE ops.landing_files SET
    loaded_bytes = %(to_bytes)s,
    line_count = line_count + %(line_count)s,
    loaded_count = loaded_count + %(loaded_count)s,
    duplicate_count = duplicate_count + %(duplicate_count)s,
    rejected_count = rejected_count + %(rejected_count)s,
    event_count = event_count + %(event_count)s,
    first_received_at = coalesce(first_received_at, %(first_received_at)s),
    last_received_at = coalesce(%(last_received_at)s, last_received_at),
    is_connected = %(is_connected)s,
    is_complete = %(is_complete)s,
    load_error = NULL
WHERE landing_file_id = %(landing_file_id)s
