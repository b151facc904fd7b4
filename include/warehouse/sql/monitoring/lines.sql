-- Every captured line, by source and by what became of it
SELECT source, sum(loaded_count)::bigint AS loaded, sum(duplicate_count)::bigint AS duplicate,
       sum(rejected_count)::bigint AS rejected, sum(event_count)::bigint AS event
FROM ops.landing_files
GROUP BY source
