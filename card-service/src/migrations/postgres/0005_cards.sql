-- Cards, their keys, how they were issued, and the status lists that terminals hold.
CREATE TABLE card (
    card_id      BYTEA  NOT NULL PRIMARY KEY,
    shard        BIGINT NOT NULL,
    holder_id    BYTEA  NOT NULL,
    status_index BIGINT NOT NULL UNIQUE,
    state        TEXT   NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    changed_at   BIGINT NOT NULL,
    leaf         BIGINT NOT NULL,
    FOREIGN KEY (shard, holder_id) REFERENCES holder (shard, holder_id)
);
CREATE INDEX card_by_holder ON card (shard, holder_id);
-- What has changed since a leaf was written: whoever keeps cards in memory asks.
CREATE INDEX card_by_leaf ON card (shard, leaf);
-- The few cards that the status list names: signing it anew does not read the others.
CREATE INDEX card_listed ON card (status_index, state) WHERE state NOT IN ('personalising', 'personalised', 'active');

-- What a card was before, and why it changed.
CREATE TABLE card_state_change (
    shard        BIGINT NOT NULL,
    leaf         BIGINT NOT NULL,
    card_id      BYTEA  NOT NULL REFERENCES card (card_id),
    at           BIGINT NOT NULL,
    state_before TEXT   NOT NULL,
    state_after  TEXT   NOT NULL,
    reason       TEXT   NOT NULL,
    PRIMARY KEY (shard, leaf)
);

-- A public key belongs to one card and one slot, for ever: a second card that shows it is a copy.
CREATE TABLE card_key (
    public_key BYTEA  NOT NULL PRIMARY KEY,    -- uncompressed P-256 point
    shard      BIGINT NOT NULL,
    card_id    BYTEA  NOT NULL REFERENCES card (card_id),
    slot       BIGINT NOT NULL,                -- key reference: 154 9A, 156 9C, 158 9E
    current    BIGINT NOT NULL,                -- 0 once the card has made another
    made_at    BIGINT NOT NULL,
    leaf       BIGINT NOT NULL
);
CREATE INDEX card_key_by_card ON card_key (card_id, slot);
CREATE INDEX card_key_by_leaf ON card_key (shard, leaf);

CREATE TABLE card_certificate (
    card_id    BYTEA  NOT NULL REFERENCES card (card_id),
    slot       BIGINT NOT NULL,
    shard      BIGINT NOT NULL,
    public_key BYTEA  NOT NULL,
    der        BYTEA  NOT NULL,
    made_at    BIGINT NOT NULL,
    leaf       BIGINT NOT NULL,
    PRIMARY KEY (card_id, slot)
);

CREATE TABLE issuance (
    issuance_id BYTEA  NOT NULL PRIMARY KEY,
    shard       BIGINT NOT NULL,
    card_id     BYTEA  NOT NULL REFERENCES card (card_id),
    language    TEXT   NOT NULL,               -- in which the holder reads what is agreed to, BCP 47
    terminal_id BYTEA  NOT NULL REFERENCES terminal (terminal_id),
    reader      TEXT,
    open        BIGINT NOT NULL,               -- 1 while a reader is to work on it
    state       TEXT   NOT NULL,
    journal     TEXT   NOT NULL,               -- JSON, no secrets
    number      BIGINT NOT NULL,               -- of the step that is to be done
    created_at  BIGINT NOT NULL,
    changed_at  BIGINT NOT NULL,
    leaf        BIGINT NOT NULL
);
CREATE INDEX issuance_open ON issuance (terminal_id, created_at) WHERE open = 1;
CREATE INDEX issuance_by_card ON issuance (card_id);

CREATE TABLE issuance_step (
    issuance_id BYTEA  NOT NULL REFERENCES issuance (issuance_id),
    number      BIGINT NOT NULL,
    shard       BIGINT NOT NULL,
    step        TEXT   NOT NULL,               -- its name: no data, no secrets
    observation TEXT   NOT NULL,               -- its name
    at          BIGINT NOT NULL,
    leaf        BIGINT NOT NULL,
    PRIMARY KEY (issuance_id, number)
);

CREATE TABLE status_list (
    version BIGINT NOT NULL PRIMARY KEY,
    at      BIGINT NOT NULL,
    body    BYTEA  NOT NULL,                   -- signed token (CWT)
    leaf    BIGINT NOT NULL                    -- leaf_id in shard 0
);
