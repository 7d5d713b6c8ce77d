-- How many asked at a gate in an hour, and how many were let in. Who they were is nobody's business.
CREATE TABLE gate_count (
    shard       BIGINT NOT NULL,
    terminal_id BYTEA  NOT NULL,
    hour        BIGINT NOT NULL,           -- hours since 1970 UTC
    passed      BIGINT NOT NULL,
    refused     BIGINT NOT NULL,
    PRIMARY KEY (shard, terminal_id, hour)
);
