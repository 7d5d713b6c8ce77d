-- Which member of staff did what with a card, and what became of its chip when it came back. A change of a card's state that
-- somebody made has a row here with the same leaf.
CREATE TABLE card_deed (
    shard    BIGINT NOT NULL,
    leaf     BIGINT NOT NULL,
    card_id  BLOB   NOT NULL,
    at       BIGINT NOT NULL,
    staff_id BLOB   NOT NULL REFERENCES staff (staff_id),
    deed     TEXT   NOT NULL,                  -- issue, change, chip
    detail   TEXT,                             -- why it was issued; what became of the chip
    PRIMARY KEY (shard, leaf)
) WITHOUT ROWID;
CREATE INDEX card_deed_by_card ON card_deed (card_id, leaf);
CREATE INDEX card_state_change_by_card ON card_state_change (card_id, leaf);
-- The cards that will have to be renewed, the first to expire first.
CREATE INDEX card_by_expiry ON card (expires_at) WHERE state IN ('active', 'suspended');

-- What came into a station's drawer of blank cards and what left it. Rows are never changed.
CREATE TABLE blank_move (
    organisation_id BLOB   NOT NULL REFERENCES organisation (organisation_id),
    leaf            BIGINT NOT NULL,           -- leaf_id in shard 0
    at              BIGINT NOT NULL,
    kind            TEXT   NOT NULL,           -- received, issued, unbooked, written_off, counted, sent, arrived
    amount          BIGINT NOT NULL,           -- how many more there are; below zero: fewer
    balance         BIGINT NOT NULL CHECK (balance >= 0), -- how many there are after it: the sum of all amounts so far
    reason          TEXT,                      -- a word of a list
    batch           TEXT,                      -- as it stands on the box
    other           BLOB,                      -- the other station of a transfer
    card_id         BLOB,                      -- the card that a blank became
    staff_id        BLOB,                      -- null where a card was issued
    PRIMARY KEY (organisation_id, leaf)
) WITHOUT ROWID;
