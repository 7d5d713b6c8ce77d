-- What kind an organisation is, and whether it still works. None where nobody has said so yet.
CREATE TABLE organisation_profile (
    organisation_id BYTEA  NOT NULL PRIMARY KEY REFERENCES organisation (organisation_id),
    kind            TEXT   NOT NULL,
    state           TEXT   NOT NULL,           -- working, closed
    leaf            BIGINT NOT NULL
);
