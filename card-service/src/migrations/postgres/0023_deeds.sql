-- Which member of staff did what with a terminal. Rows are never changed.
CREATE TABLE terminal_deed (
    terminal_id BYTEA  NOT NULL REFERENCES terminal (terminal_id),
    leaf        BIGINT NOT NULL,               -- leaf_id in shard 0
    at          BIGINT NOT NULL,
    deed        TEXT   NOT NULL,               -- added, code, revoked
    reason      TEXT,                          -- why it was revoked: a word of a list
    staff_id    BYTEA  NOT NULL,
    PRIMARY KEY (terminal_id, leaf)
);
-- The codes that a terminal may still use.
CREATE INDEX enrolment_by_terminal ON enrolment (terminal_id) WHERE used_at IS NULL;

-- What was done with a member of staff. Rows are never changed.
CREATE TABLE staff_deed (
    about           BYTEA  NOT NULL REFERENCES staff (staff_id),
    leaf            BIGINT NOT NULL,           -- leaf_id in shard 0
    at              BIGINT NOT NULL,
    deed            TEXT   NOT NULL,           -- added, admit, role, move, suspend, resume, password, second_factor, sign_out
    role            TEXT,                      -- the role that they got
    organisation_id BYTEA,                     -- the station at which they work from then on
    staff_id        BYTEA,                     -- who did it; null: whoever runs the machine
    PRIMARY KEY (about, leaf)
);
