-- Who runs terminals, the terminals, and the one-time codes by which they get their certificates.
CREATE TABLE organisation (
    organisation_id BYTEA  NOT NULL PRIMARY KEY,
    name            TEXT   NOT NULL UNIQUE,
    created_at      BIGINT NOT NULL,
    leaf            BIGINT NOT NULL      -- leaf_id in shard 0
);

CREATE TABLE terminal (
    terminal_id       BYTEA  NOT NULL PRIMARY KEY,
    organisation_id   BYTEA  NOT NULL REFERENCES organisation (organisation_id),
    name              TEXT   NOT NULL,
    operations        TEXT   NOT NULL,   -- JSON array of operation names
    state             BIGINT NOT NULL,   -- 0 waits for enrolment, 1 active, 2 revoked
    public_key        BYTEA,              -- uncompressed P-256 point
    certificate       BYTEA,              -- DER
    certificate_until BIGINT,
    created_at        BIGINT NOT NULL,
    revoked_at        BIGINT,
    leaf              BIGINT NOT NULL
);
CREATE INDEX terminal_by_organisation ON terminal (organisation_id);
-- What has changed since a leaf was written: whoever keeps terminals in memory asks.
CREATE INDEX terminal_by_leaf ON terminal (leaf);

CREATE TABLE enrolment (
    code_hash   BYTEA  NOT NULL PRIMARY KEY,   -- SHA-256 of the code: the code itself is nowhere
    terminal_id BYTEA  NOT NULL REFERENCES terminal (terminal_id),
    expires_at  BIGINT NOT NULL,
    used_at     BIGINT
);
