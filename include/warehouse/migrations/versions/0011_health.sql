-- ---------------------------------------------------------------- notifications by any service that Apprise knows
ALTER TABLE ops.notifications DROP CONSTRAINT notifications_channel_check;
COMMENT ON COLUMN ops.notifications.channel IS 'How it was sent: the scheme of the URL in ALERT_URLS, from the second one of a scheme on with a number';
