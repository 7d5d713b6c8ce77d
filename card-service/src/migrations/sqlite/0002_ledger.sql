-- Double entry. Rows of transfer are never updated and never deleted.
CREATE TABLE account (
    shard             BIGINT NOT NULL,
    account_id        BIGINT NOT NULL,
    unit              BIGINT NOT NULL,     -- 1 fen of CNY, 2 points
    kind              BIGINT NOT NULL,
    owner             BLOB   NOT NULL,     -- holder, organisation or empty
    credit_limit      BIGINT NOT NULL,     -- how far below zero it may go; 9223372036854775807 for no limit
    balance           BIGINT NOT NULL,     -- always the sum of its transfers
    held              BIGINT NOT NULL,     -- always the sum of the open holds on it
    leaf              BIGINT NOT NULL,     -- leaf_id of the leaf that commits to every column but balance and held
    PRIMARY KEY (shard, account_id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX account_by_owner ON account (shard, owner, kind, unit);

CREATE TABLE transfer (
    shard       BIGINT NOT NULL,
    transfer_id BIGINT NOT NULL,           -- ordered within the shard
    debit       BIGINT NOT NULL,           -- account that gives
    credit      BIGINT NOT NULL,           -- account that receives
    amount      BIGINT NOT NULL CHECK (amount > 0),
    unit        BIGINT NOT NULL,
    kind        BIGINT NOT NULL,
    reference   BLOB,                      -- what caused it; null for a tap's, whose row has the same leaf
    at          BIGINT NOT NULL,
    phase       BIGINT NOT NULL,           -- 1 posted, 2 hold, 3 hold posted, 4 voided, 5 expired, 6 reversal
    refers_to   BIGINT,                    -- transfer_id of the hold, or of what is reversed
    timeout     BIGINT,                    -- of a hold, microseconds
    leaf        BIGINT NOT NULL,           -- leaf_id of the leaf that commits to this row
    PRIMARY KEY (shard, transfer_id)
) WITHOUT ROWID;
-- A cause posts once; the end of a hold by time repeats the hold's.
CREATE UNIQUE INDEX transfer_by_reference ON transfer (shard, reference, kind)
    WHERE reference IS NOT NULL AND phase <> 5;
-- A hold ends once.
CREATE UNIQUE INDEX transfer_ends_hold ON transfer (shard, refers_to) WHERE phase IN (3, 4, 5);
CREATE INDEX transfer_reverses ON transfer (shard, refers_to) WHERE phase = 6;

-- Holds that nothing has ended, by when their time is over.
CREATE TABLE open_hold (
    shard       BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    transfer_id BIGINT NOT NULL,
    PRIMARY KEY (shard, expires_at, transfer_id)
) WITHOUT ROWID;
