-- The console lists the newest taps of all cards.
CREATE INDEX tap_by_time ON tap (received_at) WHERE card_id IS NOT NULL;
