-- One period as the calendar has it; a changed calendar (another zone) replaces what was stored
INSERT INTO raw.delivery_periods AS known (
    delivery_day, delivery_hour, delivery_start_at, delivery_end_at, delivery_hours, is_dst_ambiguous,
    tradable_from, tradable_until, price_final_from
)
VALUES (
    %(delivery_day)s, %(delivery_hour)s, %(start_at)s, %(end_at)s, %(hours)s, %(is_dst_ambiguous)s,
    %(tradable_from)s, %(tradable_until)s, %(price_final_from)s
)
ON CONFLICT (delivery_day, delivery_hour) DO UPDATE SET
    delivery_start_at = excluded.delivery_start_at,
    delivery_end_at = excluded.delivery_end_at,
    delivery_hours = excluded.delivery_hours,
    is_dst_ambiguous = excluded.is_dst_ambiguous,
    tradable_from = excluded.tradable_from,
    tradable_until = excluded.tradable_until,
    price_final_from = excluded.price_final_from
WHERE known IS DISTINCT FROM excluded
