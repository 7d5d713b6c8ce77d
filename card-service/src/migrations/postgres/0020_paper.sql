-- What was done with printed papers: issued, and withdrawn where somebody did that. A paper that is past its last day, or whose
-- record says something else since, has no row for it. Days are the microsecond at which they begin in UTC.
CREATE TABLE paper_act (
    shard       BIGINT NOT NULL,
    number      BYTEA  NOT NULL,               -- the paper's, which nobody guesses
    leaf        BIGINT NOT NULL,
    holder_id   BYTEA  NOT NULL,
    kind        TEXT   NOT NULL,               -- certificate, permit
    act         TEXT   NOT NULL,               -- issued, withdrawn
    at          BIGINT NOT NULL,
    staff_id    BYTEA  NOT NULL REFERENCES staff (staff_id),
    reason      TEXT,                          -- why it was withdrawn
    valid_until BIGINT NOT NULL,
    permit_id   BYTEA,                          -- the residence permit that it shows
    PRIMARY KEY (shard, number, leaf)
);
CREATE INDEX paper_act_by_holder ON paper_act (shard, holder_id, leaf);
