-- The ledger of the file follows: these lines are rejects now
UPDATE ops.landing_files SET
    loaded_count = loaded_count - %(discarded_count)s,
    rejected_count = rejected_count + %(discarded_count)s
WHERE landing_file_id = %(landing_file_id)s
