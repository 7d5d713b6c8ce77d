-- Clinics: at which level bills are covered there, and the bills that they write.
CREATE TABLE clinic (
    organisation_id BLOB   NOT NULL PRIMARY KEY REFERENCES organisation (organisation_id),
    level           TEXT   NOT NULL,               -- a word of a list
    staff_id        BLOB   NOT NULL,               -- who changed it last
    leaf            BIGINT NOT NULL                -- leaf_id in shard 0
) WITHOUT ROWID;

-- Bills. What somebody was treated for, and with what, is sealed; amounts are fen.
CREATE TABLE claim (
    shard           BIGINT NOT NULL,
    claim_id        BLOB   NOT NULL,
    visit           BLOB   NOT NULL,               -- the tap with which its holder has checked in
    holder_id       BLOB   NOT NULL,
    organisation_id BLOB   NOT NULL,               -- the clinic
    benefit         TEXT   NOT NULL,               -- a word of a list
    day             BIGINT NOT NULL,               -- of the visit, since 1970
    made_at         BIGINT NOT NULL,
    seen            BIGINT NOT NULL,               -- how often bills of this person had been settled or taken back when it was reckoned
    eligible        BIGINT NOT NULL,               -- what could be covered, whoever pays it
    fund            BIGINT NOT NULL,               -- what the fund pays
    account         BIGINT NOT NULL,               -- what the holder's own account pays
    rest            BIGINT NOT NULL,               -- what is left to the holder
    settled_with    BLOB,                          -- the tap with which it was settled; null while it waits
    signed_at       BIGINT,                        -- when that was signed, by the clock of the terminal
    settled_at      BIGINT,
    reversed_at     BIGINT,                        -- when it was taken back
    sealed          BLOB   NOT NULL,               -- diagnosis and lines, under a key of the bill's own
    leaf            BIGINT NOT NULL,
    PRIMARY KEY (shard, claim_id)
) WITHOUT ROWID;
CREATE INDEX claim_by_holder ON claim (shard, holder_id, day);
