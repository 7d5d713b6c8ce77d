-- Records of one person: one points to another, or does so no longer. The newest line of a record holds.
CREATE TABLE person_merge (
    shard     BIGINT NOT NULL,
    holder_id BLOB   NOT NULL,
    leaf      BIGINT NOT NULL,
    other     BLOB   NOT NULL,                 -- holder
    act       TEXT   NOT NULL,
    at        BIGINT NOT NULL,
    staff_id  BLOB   NOT NULL,
    reason    TEXT   NOT NULL,
    PRIMARY KEY (shard, holder_id, leaf)
) WITHOUT ROWID;
CREATE INDEX person_merge_by_other ON person_merge (other);
