-- Staff and their sessions; holders, whose personal fields are sealed under a key per person.
CREATE TABLE staff (
    staff_id      BYTEA  NOT NULL PRIMARY KEY,
    name          TEXT   NOT NULL UNIQUE,      -- what they type to sign in
    role          TEXT   NOT NULL,
    password_hash TEXT   NOT NULL,             -- PHC string, Argon2id
    created_at    BIGINT NOT NULL,
    leaf          BIGINT NOT NULL
);

-- Who signed in, or failed to.
CREATE TABLE sign_in (
    leaf      BIGINT NOT NULL PRIMARY KEY,     -- leaf_id in shard 0
    staff_id  BYTEA  NOT NULL,
    at        BIGINT NOT NULL,
    succeeded BIGINT NOT NULL                  -- 0 or 1
);

CREATE TABLE session (
    token_hash   BYTEA  NOT NULL PRIMARY KEY,  -- SHA-256 of the token: the token itself is nowhere
    staff_id     BYTEA  NOT NULL REFERENCES staff (staff_id),
    created_at   BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL
);
CREATE INDEX session_by_staff ON session (staff_id);

CREATE TABLE holder (
    shard      BIGINT NOT NULL,
    holder_id  BYTEA  NOT NULL,
    created_at BIGINT NOT NULL,
    created_by BYTEA  NOT NULL,                -- staff
    leaf       BIGINT NOT NULL,
    PRIMARY KEY (shard, holder_id)
);

CREATE TABLE person_key (
    shard     BIGINT NOT NULL,
    holder_id BYTEA  NOT NULL,
    wrapped   BYTEA  NOT NULL,                 -- AES-256-GCM under a key derived from the data key
    PRIMARY KEY (shard, holder_id)
);

CREATE TABLE residence_person (
    shard           BIGINT NOT NULL,
    holder_id       BYTEA  NOT NULL,
    name            BYTEA  NOT NULL,           -- sealed
    document_kind   TEXT   NOT NULL,
    document_number BYTEA  NOT NULL,           -- sealed
    leaf            BIGINT NOT NULL,
    PRIMARY KEY (shard, holder_id)
);

-- Not the holder's: finds the holder's shard, so it is the service's own.
CREATE TABLE document_index (
    blind     BYTEA  NOT NULL PRIMARY KEY,     -- HMAC of kind and number
    shard     BIGINT NOT NULL,
    holder_id BYTEA  NOT NULL
);

-- What the holder sees of who read the record, and why.
CREATE TABLE person_read (
    shard     BIGINT NOT NULL,
    holder_id BYTEA  NOT NULL,
    leaf      BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    staff_id  BYTEA  NOT NULL,
    purpose   TEXT   NOT NULL,
    field     TEXT   NOT NULL,
    PRIMARY KEY (shard, holder_id, leaf)
);

-- Who looked at card activity, and why.
CREATE TABLE activity_read (
    shard    BIGINT NOT NULL,                  -- the card's; 0 for a look at all cards
    leaf     BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    staff_id BYTEA  NOT NULL,
    purpose  TEXT   NOT NULL,
    card_id  BYTEA,                             -- null for a look at all cards
    PRIMARY KEY (shard, leaf)
);
