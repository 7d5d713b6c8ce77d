-- Records of one person: one points to another, or does so no longer. The newest line of a record holds.
CREATE TABLE person_merge (
    shard     BIGINT NOT NULL,
    holder_id BYTEA  NOT NULL,
    leaf      BIGINT NOT NULL,
    other     BYTEA  NOT NULL,                 -- holder
    act       TEXT   NOT NULL,
    at        BIGINT NOT NULL,
    staff_id  BYTEA  NOT NULL,
    reason    TEXT   NOT NULL,
    PRIMARY KEY (shard, holder_id, leaf)
);
CREATE INDEX person_merge_by_other ON person_merge (other);
