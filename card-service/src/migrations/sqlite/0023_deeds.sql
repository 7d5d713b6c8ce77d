-- Which member of staff did what with a terminal. Rows are never changed.
CREATE TABLE terminal_deed (
    terminal_id BLOB   NOT NULL REFERENCES terminal (terminal_id),
    leaf        BIGINT NOT NULL,               -- leaf_id in shard 0
    at          BIGINT NOT NULL,
    deed        TEXT   NOT NULL,               -- added, code, revoked
    reason      TEXT,                          -- why it was revoked: a word of a list
    staff_id    BLOB   NOT NULL,
    PRIMARY KEY (terminal_id, leaf)
) WITHOUT ROWID;
-- The codes that a terminal may still use.
CREATE INDEX enrolment_by_terminal ON enrolment (terminal_id) WHERE used_at IS NULL;
