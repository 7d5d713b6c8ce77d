-- What holders say against months of theirs, and what the bureau has answered.
CREATE TABLE contribution_dispute (
    shard           BIGINT NOT NULL,
    tap_id          BYTEA  NOT NULL,               -- the tap with which it was said
    holder_id       BYTEA  NOT NULL,
    organisation_id BYTEA  NOT NULL,               -- the employer who had to see to the month
    month           BIGINT NOT NULL,               -- the day, since 1970, with which it begins
    at              BIGINT NOT NULL,
    answer          TEXT,                          -- a word of a list; null while nobody has answered
    answered_at     BIGINT,
    staff_id        BYTEA,                         -- who has answered
    leaf            BIGINT NOT NULL,
    PRIMARY KEY (shard, tap_id)
);
CREATE INDEX contribution_dispute_by_holder ON contribution_dispute (shard, holder_id);
CREATE INDEX contribution_dispute_by_tap ON contribution_dispute (tap_id);
CREATE INDEX contribution_dispute_waiting ON contribution_dispute (at) WHERE answered_at IS NULL;
