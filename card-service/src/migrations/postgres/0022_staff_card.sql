-- A card is a holder's or a member of staff's.
ALTER TABLE card ALTER COLUMN holder_id DROP NOT NULL;             -- null where it is a member of staff's
ALTER TABLE card ADD COLUMN staff_id BYTEA REFERENCES staff (staff_id);
ALTER TABLE card ADD COLUMN signs_in BIGINT NOT NULL DEFAULT 0;    -- 1 where it was agreed that whoever bears it signs in with it
ALTER TABLE card ALTER COLUMN signs_in DROP DEFAULT;
ALTER TABLE card ADD CHECK ((holder_id IS NULL) <> (staff_id IS NULL));
CREATE INDEX card_by_staff ON card (staff_id) WHERE staff_id IS NOT NULL;

-- What a session began with: 0 a password, 1 a code too, 2 a card with its PIN.
ALTER TABLE session RENAME COLUMN proven TO signed_in_by;
