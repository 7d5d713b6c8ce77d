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

-- The secret behind the codes that somebody shows beside the password.
CREATE TABLE second_factor (
    staff_id   BLOB   NOT NULL PRIMARY KEY REFERENCES staff (staff_id),
    state      TEXT   NOT NULL,                -- waiting for its first code, on
    changed_at BIGINT NOT NULL,
    sealed     BLOB   NOT NULL,                -- AES-256-GCM under a key derived from the data key
    leaf       BIGINT NOT NULL
) WITHOUT ROWID;

-- What came of somebody's codes.
CREATE TABLE second_factor_use (
    staff_id   BLOB   NOT NULL PRIMARY KEY REFERENCES staff (staff_id),
    step       BIGINT NOT NULL,                -- of the newest code that was right: none up to it is right again
    wrong      BIGINT NOT NULL,                -- how many were wrong since
    wait_until BIGINT NOT NULL                 -- until when none is looked at
) WITHOUT ROWID;

-- What lets somebody in once who has lost what makes the codes.
CREATE TABLE recovery_code (
    code_hash BLOB   NOT NULL PRIMARY KEY,     -- SHA-256 of the code: the code itself is nowhere
    staff_id  BLOB   NOT NULL REFERENCES staff (staff_id)
) WITHOUT ROWID;
CREATE INDEX recovery_code_by_staff ON recovery_code (staff_id);

-- Whether a code was shown in a session.
ALTER TABLE session ADD COLUMN proven BIGINT NOT NULL DEFAULT 0;

-- When somebody signed in last.
CREATE INDEX sign_in_by_staff ON sign_in (staff_id, at);
