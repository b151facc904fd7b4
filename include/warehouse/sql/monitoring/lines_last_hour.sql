-- The lines that were loaded within the last hour, by source and by what became of them; a reload is no news
SELECT source, sum(loaded_count)::bigint AS loaded, sum(duplicate_count)::bigint AS duplicate,
       sum(rejected_count)::bigint AS rejected, sum(event_count)::bigint AS event
FROM ops.load_batches
WHERE loaded_at > now() - interval '1 hour' AND NOT is_reload
GROUP BY source
