-- What people agreed to on paper, and what they took back. Rows are only added. What a card has signed lies in consent_request
-- and tap. Days are the microsecond at which they begin in UTC.
CREATE TABLE consent_act (
    shard     BIGINT NOT NULL,
    holder_id BYTEA  NOT NULL,
    leaf      BIGINT NOT NULL,
    act       TEXT   NOT NULL,                 -- printed, signed, withdrawn
    form      BIGINT,                          -- number of the form; null where an agreement is withdrawn
    version   BIGINT,                          -- of the text that stands on the form; null where an agreement is withdrawn
    day       BIGINT NOT NULL,                 -- on which it was printed, signed, withdrawn
    at        BIGINT NOT NULL,                 -- when that was recorded
    staff_id  BYTEA  NOT NULL REFERENCES staff (staff_id),
    signer    BYTEA,                           -- who signed and whose name that is, sealed; null for what nobody signs
    PRIMARY KEY (shard, holder_id, leaf)
);
CREATE INDEX consent_act_by_form ON consent_act (form);
