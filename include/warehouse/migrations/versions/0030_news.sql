-- a limit that was changed and is reached again is another breach
ALTER TABLE ops.limit_breaches
    DROP CONSTRAINT limit_breaches_market_measure_scope_trader_id_delivery_day__key,
    ADD UNIQUE NULLS NOT DISTINCT (market, measure, scope, trader_id, delivery_day, delivery_hour, limit_value);
COMMENT ON TABLE ops.limit_breaches IS 'When each limit was first seen to be reached, by whom and for which hour: people are told of each row once; a limit that was changed is another one';
