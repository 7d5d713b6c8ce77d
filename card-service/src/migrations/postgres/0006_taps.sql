-- Taps as they were brought and what became of them, in the order in which their shard recorded them: keys that are
-- spread over the table halve the throughput.
CREATE TABLE tap (
    shard       BIGINT NOT NULL,
    leaf        BIGINT NOT NULL,           -- leaf_id of the leaf that commits to this row
    terminal_id BYTEA NOT NULL,
    lane        BIGINT NOT NULL,
    counter     BIGINT NOT NULL,
    tap_id      BYTEA NOT NULL,           -- SHA-256 of the Sig_structure
    card_id     BYTEA,                    -- null for what a terminal says on its own
    operation   BIGINT NOT NULL,
    at          BIGINT NOT NULL,           -- the terminal's clock
    received_at BIGINT NOT NULL,           -- the service's clock
    outcome     BIGINT NOT NULL,
    balance     BIGINT,                    -- of the purse afterwards, where the operation concerns it
    cose        BYTEA NOT NULL,           -- the envelope as it came
    PRIMARY KEY (shard, leaf)
);
-- What a card did, and whether a tap that is brought again was recorded before: a tap says its card and its time.
CREATE INDEX tap_by_card ON tap (shard, card_id, at);

-- The head of each lane's chain.
CREATE TABLE lane (
    terminal_id BYTEA  NOT NULL,
    lane        BIGINT NOT NULL,
    counter     BIGINT NOT NULL,
    head        BYTEA  NOT NULL,           -- tap_id
    PRIMARY KEY (terminal_id, lane)
);

-- Where a lane did not go on as it must, for a person to decide.
CREATE TABLE lane_event (
    terminal_id BYTEA  NOT NULL,
    lane        BIGINT NOT NULL,
    counter     BIGINT NOT NULL,
    tap_id      BYTEA  NOT NULL,           -- the tap that showed it
    kind        BIGINT NOT NULL,           -- 1 gap, 2 fork, 3 broken chain, 4 unknown log head
    expected    BIGINT NOT NULL,           -- the counter that should have come
    at          BIGINT NOT NULL,
    cose        BYTEA  NOT NULL,
    leaf_shard  BIGINT NOT NULL,
    leaf        BIGINT NOT NULL,
    PRIMARY KEY (terminal_id, lane, counter, tap_id, kind)
);
