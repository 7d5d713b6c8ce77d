-- Staff and their sessions; holders, whose personal fields are sealed under a key per person.
CREATE TABLE staff (
    staff_id      BLOB   NOT NULL PRIMARY KEY,
    name          TEXT   NOT NULL UNIQUE,      -- what they type to sign in
    role          TEXT   NOT NULL,
    password_hash TEXT   NOT NULL,             -- PHC string, Argon2id
    created_at    BIGINT NOT NULL,
    leaf          BIGINT NOT NULL
) WITHOUT ROWID;

-- Who signed in, or failed to.
CREATE TABLE sign_in (
    leaf      BIGINT NOT NULL PRIMARY KEY,     -- leaf_id in shard 0
    staff_id  BLOB   NOT NULL,
    at        BIGINT NOT NULL,
    succeeded BIGINT NOT NULL                  -- 0 or 1
) WITHOUT ROWID;

CREATE TABLE session (
    token_hash   BLOB   NOT NULL PRIMARY KEY,  -- SHA-256 of the token: the token itself is nowhere
    staff_id     BLOB   NOT NULL REFERENCES staff (staff_id),
    created_at   BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX session_by_staff ON session (staff_id);

CREATE TABLE holder (
    shard      BIGINT NOT NULL,
    holder_id  BLOB   NOT NULL,
    created_at BIGINT NOT NULL,
    created_by BLOB   NOT NULL,                -- staff
    leaf       BIGINT NOT NULL,
    PRIMARY KEY (shard, holder_id)
) WITHOUT ROWID;

CREATE TABLE person_key (
    shard     BIGINT NOT NULL,
    holder_id BLOB   NOT NULL,
    wrapped   BLOB   NOT NULL,                 -- AES-256-GCM under a key derived from the data key
    PRIMARY KEY (shard, holder_id)
) WITHOUT ROWID;

CREATE TABLE residence_person (
    shard           BIGINT NOT NULL,
    holder_id       BLOB   NOT NULL,
    name            BLOB   NOT NULL,           -- sealed
    document_kind   TEXT   NOT NULL,
    document_number BLOB   NOT NULL,           -- sealed
    leaf            BIGINT NOT NULL,
    PRIMARY KEY (shard, holder_id)
) WITHOUT ROWID;

-- Not the holder's: finds the holder's shard, so it is the service's own.
CREATE TABLE document_index (
    blind     BLOB   NOT NULL PRIMARY KEY,     -- HMAC of kind and number
    shard     BIGINT NOT NULL,
    holder_id BLOB   NOT NULL
) WITHOUT ROWID;

-- What the holder sees of who read the record, and why.
CREATE TABLE person_read (
    shard     BIGINT NOT NULL,
    holder_id BLOB   NOT NULL,
    leaf      BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    staff_id  BLOB   NOT NULL,
    purpose   TEXT   NOT NULL,
    field     TEXT   NOT NULL,
    PRIMARY KEY (shard, holder_id, leaf)
) WITHOUT ROWID;

-- Who looked at card activity, and why.
CREATE TABLE activity_read (
    shard    BIGINT NOT NULL,                  -- the card's; 0 for a look at all cards
    leaf     BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    staff_id BLOB   NOT NULL,
    purpose  TEXT   NOT NULL,
    card_id  BLOB,                             -- null for a look at all cards
    PRIMARY KEY (shard, leaf)
) WITHOUT ROWID;
