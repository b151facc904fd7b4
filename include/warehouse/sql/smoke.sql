-- Every function that readers have, called once after each migration; a test says which one is missing here
SELECT curated.market_timezone(), curated.market_today(), curated.require_past(now()), curated.current_moment();
SELECT market, curated.market_timezone(market), curated.market_today(market) FROM ops.markets;
SELECT count(*) FROM curated.pnl_hourly_as_of(now()) WHERE delivery_day = curated.market_today();
SELECT count(*) FROM curated.pnl_daily_as_of(now()) WHERE delivery_day = curated.market_today();
SELECT count(*) FROM curated.portfolio_pnl_hourly_as_of(now()) WHERE delivery_day = curated.market_today();
SELECT count(*) FROM curated.portfolio_pnl_daily_as_of(now()) WHERE delivery_day = curated.market_today();
SELECT count(*) FROM curated.pnl_weekly_as_of(now()) WHERE delivery_week = curated.market_today();
SELECT count(*) FROM curated.pnl_monthly_as_of(now()) WHERE delivery_month = curated.market_today();
SELECT count(*) FROM curated.portfolio_pnl_weekly_as_of(now()) WHERE delivery_week = curated.market_today();
SELECT count(*) FROM curated.portfolio_pnl_monthly_as_of(now()) WHERE delivery_month = curated.market_today();
SELECT curated.ratio(1, 3), curated.realised_pnl_eur(1, 2, 10, 24);
SELECT curated.is_final_price(now(), NULL, NULL);
SELECT ops.capture_gap_seconds(now(), now());
SELECT ops.capture_gap_seconds(market, now(), now()) FROM ops.markets;
