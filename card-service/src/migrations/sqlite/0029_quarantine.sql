-- What a person has decided about a tap that was held for that. What it has moved, the transfers of the same leaf say. Rows
-- are never changed.
CREATE TABLE tap_settlement (
    shard     BIGINT NOT NULL,
    tap       BIGINT NOT NULL,                 -- leaf of the tap
    at        BIGINT NOT NULL,
    reason    TEXT   NOT NULL,                 -- a word of a list
    staff_id  BLOB   NOT NULL REFERENCES staff (staff_id),
    agreed_by BLOB   REFERENCES staff (staff_id), -- the second person; null where one did it alone
    outcome   BIGINT NOT NULL,                 -- what the tap has come to
    moved     BIGINT NOT NULL,                 -- fen
    leaf      BIGINT NOT NULL,
    PRIMARY KEY (shard, tap)
) WITHOUT ROWID;
CREATE UNIQUE INDEX tap_settlement_by_leaf ON tap_settlement (shard, leaf);
-- What somebody has booked alone of late.
CREATE INDEX tap_settlement_by_staff ON tap_settlement (staff_id, at) WHERE agreed_by IS NULL;
-- Taps that a person has to decide about, or has.
CREATE INDEX tap_held ON tap (terminal_id, received_at) WHERE outcome = 13 AND card_id IS NOT NULL;
