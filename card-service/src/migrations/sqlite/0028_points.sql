-- Points: programmes, what purchases earn, who takes part, and what holders have earned, by days. Points lie in the ledger: the
-- unit of those of a programme is its number and 2^32. The unit 2 was never used.
CREATE TABLE points_programme (
    programme_id    BIGINT NOT NULL PRIMARY KEY,  -- from 1
    name            TEXT   NOT NULL UNIQUE,
    reach           TEXT   NOT NULL,               -- merchant, street or city
    worth_points    BIGINT,                        -- so many points …
    worth_fen       BIGINT,                        -- … take so much off; both null where they are good for goods alone
    validity_months BIGINT NOT NULL,               -- points are good to the end of the month so many after that in which they were earned
    day_most        BIGINT,                        -- the most that a holder earns a day; null for no such limit
    below_zero      BIGINT NOT NULL,               -- 1 where refunds take back points that were given away already
    staff_id        BLOB   NOT NULL,  -- who changed it last
    leaf            BIGINT NOT NULL                -- leaf_id in shard 0
) WITHOUT ROWID;
CREATE INDEX points_programme_by_leaf ON points_programme (leaf);

-- Rules are ended, never removed: taps of the days before come in later.
CREATE TABLE points_rule (
    rule_id      BLOB   NOT NULL PRIMARY KEY,
    programme_id BIGINT NOT NULL REFERENCES points_programme (programme_id),
    points       BIGINT NOT NULL,
    per_fen      BIGINT NOT NULL,
    category     TEXT,                             -- of shops (ISO 18245); null for all
    from_day     BIGINT NOT NULL,                  -- days since 1970, in the time of China
    until_day    BIGINT NOT NULL,
    staff_id     BLOB   NOT NULL,  -- who changed it last
    leaf         BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX points_rule_by_leaf ON points_rule (leaf);

CREATE TABLE points_member (
    programme_id    BIGINT NOT NULL REFERENCES points_programme (programme_id),
    organisation_id BLOB   NOT NULL REFERENCES organisation (organisation_id),
    category        TEXT   NOT NULL,               -- ISO 18245
    from_day        BIGINT NOT NULL,
    until_day       BIGINT,                        -- the last day; null while it takes part
    staff_id        BLOB   NOT NULL,  -- who changed it last
    leaf            BIGINT NOT NULL,
    PRIMARY KEY (programme_id, organisation_id)
) WITHOUT ROWID;
CREATE INDEX points_member_by_leaf ON points_member (leaf);

-- What a holder has earned on a day, as long as it is good. What was given away since is not taken off here: the oldest went
-- first, so it follows from the balance.
CREATE TABLE points_lot (
    shard        BIGINT NOT NULL,
    holder_id    BLOB   NOT NULL,
    programme_id BIGINT NOT NULL,
    day          BIGINT NOT NULL,
    points       BIGINT NOT NULL,
    PRIMARY KEY (shard, holder_id, programme_id, day)
) WITHOUT ROWID;
