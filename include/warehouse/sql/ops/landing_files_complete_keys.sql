SELECT landing_file FROM ops.landing_files WHERE source = %(source)s AND is_complete
