-- A card is a holder's or a member of staff's. The table is built anew, because a column cannot lose its NOT NULL.
PRAGMA defer_foreign_keys = ON;
CREATE TABLE card_before AS SELECT * FROM card;
DROP TABLE card;
CREATE TABLE card (
    card_id      BLOB   NOT NULL PRIMARY KEY,
    shard        BIGINT NOT NULL,
    holder_id    BLOB,                         -- whose it is; null where it is a member of staff's
    status_index BIGINT NOT NULL UNIQUE,
    state        TEXT   NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    changed_at   BIGINT NOT NULL,
    leaf         BIGINT NOT NULL,
    staff_id     BLOB REFERENCES staff (staff_id),
    signs_in     BIGINT NOT NULL,              -- 1 where it was agreed that whoever bears it signs in with it
    FOREIGN KEY (shard, holder_id) REFERENCES holder (shard, holder_id),
    CHECK ((holder_id IS NULL) <> (staff_id IS NULL))
) WITHOUT ROWID;
INSERT INTO card (card_id, shard, holder_id, signs_in, status_index, state, created_at, expires_at, changed_at, leaf)
SELECT card_id, shard, holder_id, 0, status_index, state, created_at, expires_at, changed_at, leaf FROM card_before;
DROP TABLE card_before;
CREATE INDEX card_by_holder ON card (shard, holder_id);
CREATE INDEX card_by_staff ON card (staff_id) WHERE staff_id IS NOT NULL;
CREATE INDEX card_by_leaf ON card (shard, leaf);
CREATE INDEX card_listed ON card (status_index, state) WHERE state NOT IN ('personalising', 'personalised', 'active');
CREATE INDEX card_by_expiry ON card (expires_at) WHERE state IN ('active', 'suspended');

-- What a session began with: 0 a password, 1 a code too, 2 a card with its PIN.
ALTER TABLE session RENAME COLUMN proven TO signed_in_by;
