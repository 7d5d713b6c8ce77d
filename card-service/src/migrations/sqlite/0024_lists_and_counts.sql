-- How many people live in which cell, as it was counted last. One row: whoever saw more could compare them.
CREATE TABLE map_count (
    day    BIGINT NOT NULL PRIMARY KEY,        -- on which it was counted: the microsecond at which it begins in UTC
    at     BIGINT NOT NULL,
    counts TEXT   NOT NULL                     -- JSON: a cell's code and how many live there
) WITHOUT ROWID;
