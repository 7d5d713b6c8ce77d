-- Residence permits, as they are now. Days are the microsecond at which they begin in UTC.
CREATE TABLE permit (
    shard       BIGINT NOT NULL,
    holder_id   BLOB NOT NULL,
    permit_id   BLOB NOT NULL,
    stage       TEXT   NOT NULL,
    applied     BIGINT NOT NULL,
    decide_by   BIGINT NOT NULL,
    counts_from BIGINT,                        -- null before it was issued
    valid_until BIGINT,                        -- the same
    leaf        BIGINT NOT NULL,
    PRIMARY KEY (shard, holder_id, permit_id)
) WITHOUT ROWID;
-- For the lists of those that somebody has to look after.
CREATE INDEX permit_by_stage ON permit (stage, valid_until, applied);

-- What was done with them.
CREATE TABLE permit_act (
    shard       BIGINT NOT NULL,
    holder_id   BLOB NOT NULL,
    leaf        BIGINT NOT NULL,
    permit_id   BLOB NOT NULL,
    act         TEXT   NOT NULL,
    at          BIGINT NOT NULL,
    staff_id    BLOB NOT NULL,
    reason      TEXT,
    valid_until BIGINT,
    proof       BLOB,                          -- what was shown: AES-256-GCM under the person's key
    PRIMARY KEY (shard, holder_id, leaf)
) WITHOUT ROWID;
