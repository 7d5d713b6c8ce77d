-- Who moved back what a payment or a top-up had moved, and why. How much, the transfer says. Rows are never changed.
CREATE TABLE purse_reversal (
    shard       BIGINT NOT NULL,
    reversal_id BLOB   NOT NULL,               -- of the form: sent twice it is done once
    tap         BIGINT NOT NULL,               -- leaf of the tap whose transfer is reversed
    transfer_id BIGINT NOT NULL,               -- the transfer that reverses
    at          BIGINT NOT NULL,
    reason      TEXT   NOT NULL,               -- a word of a list
    staff_id    BLOB   NOT NULL REFERENCES staff (staff_id),
    agreed_by   BLOB   REFERENCES staff (staff_id), -- the second person; null where one did it alone
    leaf        BIGINT NOT NULL,
    PRIMARY KEY (shard, reversal_id)
) WITHOUT ROWID;
CREATE INDEX purse_reversal_by_tap ON purse_reversal (shard, tap);
-- What somebody has reversed alone of late.
CREATE INDEX purse_reversal_by_staff ON purse_reversal (staff_id, at) WHERE agreed_by IS NULL;

-- When a role that may reverse was taken from somebody last.
ALTER TABLE staff_post ADD COLUMN reversed_until BIGINT;
