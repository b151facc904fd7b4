-- The zone of the market, as this start was told
UPDATE ops.market SET timezone = %(timezone)s WHERE timezone <> %(timezone)s
