-- Taps of travelling and of gates are folded when nobody can dispute them any more: the rows go, and of their leaves the hash in the
-- tree is left. Which leaves of a shard were folded, and when. Rows are never changed.
CREATE TABLE leaf_fold (
    shard  BIGINT NOT NULL,
    leaf   BIGINT NOT NULL,                    -- leaf_id of the leaf that says so
    at     BIGINT NOT NULL,
    leaves BLOB   NOT NULL,                    -- their numbers: CBOR, an array of distances
    PRIMARY KEY (shard, leaf)
) WITHOUT ROWID;

-- Numbers of lanes whose taps were folded. The lane's chain goes on behind them.
CREATE TABLE lane_fold (
    terminal_id BLOB   NOT NULL,
    lane        BIGINT NOT NULL,
    first       BIGINT NOT NULL,
    last        BIGINT NOT NULL,
    previous    BLOB   NOT NULL,               -- the tap before the first
    head        BLOB   NOT NULL,               -- the last
    leaf        BIGINT NOT NULL,
    PRIMARY KEY (terminal_id, lane, first)
) WITHOUT ROWID;

CREATE INDEX tap_folds ON tap (shard, received_at) WHERE operation IN (513, 1281, 1282);
CREATE INDEX transfer_fares ON transfer (shard, at) WHERE kind = 7;
CREATE INDEX transfer_folded ON transfer (shard, at, debit, credit) WHERE kind = 9;

-- Up to when what a rider has shown was folded, and what was paid by then in the periods that go on.
ALTER TABLE rider ADD COLUMN folded_until BIGINT;
ALTER TABLE rider ADD COLUMN sums TEXT;
