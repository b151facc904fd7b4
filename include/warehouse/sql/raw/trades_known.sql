SELECT trade_id FROM raw.trades WHERE trade_id = ANY(%(trade_ids)s)
