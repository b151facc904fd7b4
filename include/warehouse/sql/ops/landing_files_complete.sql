UPDATE ops.landing_files SET is_complete = true WHERE landing_file_id = %(landing_file_id)s
