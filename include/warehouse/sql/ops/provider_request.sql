INSERT INTO ops.provider_requests (delivery_day, delivery_hour, requested_at)
VALUES (%(delivery_day)s, %(delivery_hour)s, clock_timestamp())
RETURNING provider_request_id
