-- Where a member of staff works, and whether they may. None where nothing was ever said: no station, working.
CREATE TABLE staff_post (
    staff_id        BLOB   NOT NULL PRIMARY KEY REFERENCES staff (staff_id),
    organisation_id BLOB   REFERENCES organisation (organisation_id),
    state           TEXT   NOT NULL,           -- waiting, working, suspended
    since           BIGINT NOT NULL,           -- when the state began
    password_given  BIGINT NOT NULL,           -- 1 while the password is one that somebody else has seen
    admitted_by     BLOB,                      -- who let them in: staff
    admitted_at     BIGINT,
    reset_by        BLOB,                      -- who last gave them a password or took their second factor: staff
    reset_at        BIGINT,
    leaf            BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX staff_post_by_organisation ON staff_post (organisation_id);

-- When somebody signed in last.
CREATE INDEX sign_in_by_staff ON sign_in (staff_id, at);
