-- Terminals that bring what looks wrong, as it was counted over a day. No card and no holder. Rows are never changed.
CREATE TABLE suspicion (
    suspicion_id BYTEA  NOT NULL PRIMARY KEY,
    terminal_id  BYTEA  NOT NULL REFERENCES terminal (terminal_id),
    rule         TEXT   NOT NULL,              -- a word of a list
    found_at     BIGINT NOT NULL,
    most         BIGINT NOT NULL,              -- what would have been usual
    cards        BIGINT NOT NULL,
    too_fast     BIGINT NOT NULL,              -- taps
    refunds      BIGINT NOT NULL,
    refunded     BIGINT NOT NULL,              -- fen
    sold         BIGINT NOT NULL,              -- fen
    wrong_pins   BIGINT NOT NULL,
    leaf         BIGINT NOT NULL
);
CREATE INDEX suspicion_by_terminal ON suspicion (terminal_id, rule, found_at);
-- What an auditor has found.
CREATE TABLE suspicion_review (
    suspicion_id BYTEA  NOT NULL PRIMARY KEY REFERENCES suspicion (suspicion_id),
    at           BIGINT NOT NULL,
    staff_id     BYTEA  NOT NULL REFERENCES staff (staff_id),
    finding      TEXT   NOT NULL,              -- a word of a list
    leaf         BIGINT NOT NULL
);
-- What terminals say on their own: of wrong PINs there are few.
CREATE INDEX tap_of_terminal ON tap (received_at) WHERE card_id IS NULL;
