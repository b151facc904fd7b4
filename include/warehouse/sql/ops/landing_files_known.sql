SELECT landing_file, loaded_bytes, is_complete FROM ops.landing_files WHERE source = %(source)s
