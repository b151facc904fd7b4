-- A copy with other content that takes the place of the stored one is no reject any more
DELETE FROM ops.rejected_messages AS r
USING pg_temp.trade_swaps AS s
WHERE s.is_conflict AND (r.landing_file_id, r.line_number) = (s.landing_file_id, s.line_number)
