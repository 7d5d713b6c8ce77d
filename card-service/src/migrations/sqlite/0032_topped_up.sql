-- What was topped up on a day that no member of staff has approved, in fen.
ALTER TABLE purse_day ADD COLUMN topped_up BIGINT NOT NULL DEFAULT 0;
