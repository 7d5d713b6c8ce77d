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

-- What is known of a person: a row a field.
CREATE TABLE person_fact (
    shard     BIGINT NOT NULL,
    holder_id BYTEA  NOT NULL,
    field     BIGINT NOT NULL,
    sealed    BYTEA  NOT NULL,                 -- AES-256-GCM under the person's key
    leaf      BIGINT NOT NULL,
    PRIMARY KEY (shard, holder_id, field)
);

-- What was known before it was corrected, or before it changed in life.
CREATE TABLE person_fact_past (
    shard     BIGINT NOT NULL,
    holder_id BYTEA  NOT NULL,
    field     BIGINT NOT NULL,
    leaf      BIGINT NOT NULL,                 -- of the change
    sealed    BYTEA ,                          -- as it was; null where nothing was known
    at        BIGINT NOT NULL,
    staff_id  BYTEA  NOT NULL,
    reason    TEXT   NOT NULL,
    PRIMARY KEY (shard, holder_id, field, leaf)
);

-- Not the holder's: finds the holder's shard, so it is the service's own.
CREATE TABLE document_index (
    blind     BYTEA  NOT NULL PRIMARY KEY,     -- HMAC of kind and number
    shard     BIGINT NOT NULL,
    holder_id BYTEA  NOT NULL
);

-- Not the holder's either: finds who may be the same person.
CREATE TABLE person_trait (
    trait_hash BIGINT NOT NULL,                -- 8 bytes of an HMAC: what a record has that another of the person has too
    shard      BIGINT NOT NULL,
    holder_id  BYTEA  NOT NULL,
    PRIMARY KEY (trait_hash, shard, holder_id)
);

-- Persons who are alike and not one, as somebody said who looked.
CREATE TABLE person_told_apart (
    shard     BIGINT NOT NULL,
    holder_id BYTEA  NOT NULL,
    other     BYTEA  NOT NULL,                 -- holder
    at        BIGINT NOT NULL,
    staff_id  BYTEA  NOT NULL,
    reason    TEXT   NOT NULL,
    leaf      BIGINT NOT NULL,
    PRIMARY KEY (shard, holder_id, other)
);

-- What was typed of a registration that is not finished. Goes when it is, when it is given up, or when it is old.
CREATE TABLE registration_draft (
    draft_id   BYTEA  NOT NULL PRIMARY KEY,
    staff_id   BYTEA  NOT NULL REFERENCES staff (staff_id),
    changed_at BIGINT NOT NULL,
    sealed     BYTEA  NOT NULL                 -- AES-256-GCM under a key derived from the data key
);
CREATE INDEX registration_draft_by_staff ON registration_draft (staff_id, changed_at);

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
