ALTER TABLE ops.provider_requests ADD COLUMN is_answer boolean;
COMMENT ON COLUMN ops.provider_requests.is_answer IS
    'The reply says what the price is or that there is none; false: no reply, "not now" or nothing readable; NULL: under way';
-- what later code would have said of the earlier replies, as far as the status tells
UPDATE ops.provider_requests SET is_answer = coalesce(status IN (200, 204, 400, 404), false) WHERE finished_at IS NOT NULL;
