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
    administered_until BIGINT,                 -- when an administrator's role was taken from them last
    leaf            BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX staff_post_by_organisation ON staff_post (organisation_id);

-- What one member of staff asked for and another has to agree to.
CREATE TABLE approval (
    approval_id BLOB   NOT NULL PRIMARY KEY,
    deed        TEXT   NOT NULL,               -- JSON: what exactly is to be done
    asked_by    BLOB   NOT NULL,               -- staff
    asked_at    BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    state       TEXT   NOT NULL,               -- waiting, approved, refused, withdrawn, alone
    decided_by  BLOB,                  -- staff; null while nobody has, or where there was nobody else
    decided_at  BIGINT,
    reason      TEXT,                          -- why it was refused
    leaf        BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX approval_by_state ON approval (state, expires_at);

-- When somebody signed in last.
CREATE INDEX sign_in_by_staff ON sign_in (staff_id, at);
