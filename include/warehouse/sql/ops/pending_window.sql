-- The delivery periods that a window of receipt touches: delivered in it, or traded in it
INSERT INTO ops.pending_delivery_periods (delivery_day, delivery_hour, cause)
SELECT delivery_day, delivery_hour, 'rerun'
FROM raw.delivery_periods AS p
WHERE delivery_start_at >= %(start_at)s AND delivery_start_at < %(end_at)s
  AND EXISTS (SELECT FROM raw.trades AS t
              WHERE (t.delivery_day, t.delivery_hour) = (p.delivery_day, p.delivery_hour))
UNION
SELECT delivery_day, delivery_hour, 'rerun'
FROM raw.trades
-- an array, so that the index on the batch is used: there is none on the file
WHERE load_batch_id = ANY(ARRAY(
    SELECT b.load_batch_id
    FROM ops.load_batches AS b
    JOIN ops.landing_files AS f USING (landing_file_id)
    WHERE f.source = 'trades' AND f.hour_start_at >= %(start_at)s AND f.hour_start_at < %(end_at)s))
