-- Places with gates, and who may pass there when.
CREATE TABLE gate_site (
    site_id         BLOB   NOT NULL PRIMARY KEY,
    organisation_id BLOB   NOT NULL REFERENCES organisation (organisation_id),
    kind            TEXT   NOT NULL,               -- village, compound, dormitory
    name            TEXT   NOT NULL UNIQUE,
    closed          BIGINT NOT NULL,               -- 1: nobody passes there any more
    staff_id        BLOB   NOT NULL,               -- who changed it last
    leaf            BIGINT NOT NULL                -- leaf_id in shard 0
) WITHOUT ROWID;

-- At which site a terminal stands, and stood: taps of the days before come in later.
CREATE TABLE gate_post (
    terminal_id BLOB   NOT NULL REFERENCES terminal (terminal_id),
    since       BIGINT NOT NULL,
    until       BIGINT,                            -- null while it stands there
    site_id     BLOB   NOT NULL REFERENCES gate_site (site_id),
    staff_id    BLOB   NOT NULL,                   -- who changed it last
    leaf        BIGINT NOT NULL,
    PRIMARY KEY (terminal_id, since)
) WITHOUT ROWID;
CREATE INDEX gate_post_by_site ON gate_post (site_id);

-- When a holder may pass at a site. What is ended stays: taps of the days before come in later.
CREATE TABLE gate_credential (
    shard         BIGINT NOT NULL,
    holder_id     BLOB   NOT NULL,
    credential_id BLOB   NOT NULL,
    site_id       BLOB   NOT NULL,
    first_day     BIGINT NOT NULL,                 -- days since 1970, in the time of China
    last_day      BIGINT NOT NULL,
    weekdays      BIGINT NOT NULL,                 -- bits: Monday 1, Sunday 64
    from_minute   BIGINT NOT NULL,                 -- minutes of the day
    until_minute  BIGINT NOT NULL,                 -- the same; not above from_minute where it is one of the next day
    reason        BLOB   NOT NULL,                 -- why: AES-256-GCM under the person's key
    granted_at    BIGINT NOT NULL,
    granted_by    BLOB   NOT NULL,
    ended_at      BIGINT,                          -- null where nobody has ended it
    ended_by      BLOB,
    ended_because TEXT,                            -- a word of a list
    leaf          BIGINT NOT NULL,
    PRIMARY KEY (shard, holder_id, credential_id)
) WITHOUT ROWID;

-- Visitors' passes on paper. Whose they are, nobody knows.
CREATE TABLE gate_pass (
    number       BLOB   NOT NULL PRIMARY KEY,      -- the paper's, which nobody guesses
    site_id      BLOB   NOT NULL REFERENCES gate_site (site_id),
    reason       TEXT   NOT NULL,                  -- a word of a list
    valid_from   BIGINT NOT NULL,
    valid_until  BIGINT NOT NULL,
    issued_at    BIGINT NOT NULL,
    staff_id     BLOB   NOT NULL,                  -- who gave it out
    withdrawn_at BIGINT,
    withdrawn_by BLOB,
    leaf         BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX gate_pass_by_site ON gate_pass (site_id, valid_until);
