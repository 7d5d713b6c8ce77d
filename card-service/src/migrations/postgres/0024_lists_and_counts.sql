-- How many people live in which cell, as it was counted last. One row: whoever saw more could compare them.
CREATE TABLE map_count (
    day    BIGINT NOT NULL PRIMARY KEY,        -- on which it was counted: the microsecond at which it begins in UTC
    at     BIGINT NOT NULL,
    counts TEXT   NOT NULL                     -- JSON: a cell's code and how many live there
);

-- Not the holder's: finds who works or lives with whom, for lists that organisations are given of their own people.
CREATE TABLE roster (
    mark      BIGINT NOT NULL,                 -- 8 bytes of an HMAC: what the record says of work, or of whose home it is
    shard     BIGINT NOT NULL,
    holder_id BYTEA  NOT NULL,
    until     BIGINT,                          -- first day on which nobody expects the person there; null where none is known
    PRIMARY KEY (mark, shard, holder_id)
);
