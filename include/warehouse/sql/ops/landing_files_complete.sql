UPDATE ops.landing_files SET is_complete = true, load_error = NULL WHERE landing_file_id = %(landing_file_id)s
