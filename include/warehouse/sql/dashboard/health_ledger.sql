-- Every captured line, by what became of it
SELECT count(*) AS files, coalesce(sum(line_count), 0)::bigint AS lines, coalesce(sum(loaded_count), 0)::bigint AS loaded,
       coalesce(sum(duplicate_count), 0)::bigint AS duplicates, coalesce(sum(rejected_count), 0)::bigint AS rejected,
       coalesce(sum(event_count), 0)::bigint AS events
FROM ops.landing_files
