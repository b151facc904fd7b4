SELECT landing_file, loaded_bytes, is_complete, load_error FROM ops.landing_files WHERE source = %(source)s
