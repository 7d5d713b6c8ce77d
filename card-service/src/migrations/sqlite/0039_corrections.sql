-- What staff have corrected of where cards were shown, until it is folded: validation has what is left of it. Rows are never changed.
CREATE TABLE transit_correction (
    shard           BIGINT NOT NULL,
    holder_id       BLOB   NOT NULL,
    correction_id   BLOB   NOT NULL,           -- random; in validation the tap_id of what was added
    deed            BIGINT NOT NULL,           -- 1 a showing was added, 2 one was struck
    reason          TEXT   NOT NULL,
    returned        BIGINT NOT NULL,           -- what the holder got back by it, in fen
    staff_id        BLOB   NOT NULL,
    at              BIGINT NOT NULL,
    shown_at        BIGINT NOT NULL,           -- the showing, as in validation
    side            BIGINT NOT NULL,
    stop            TEXT   NOT NULL,
    route           TEXT   NOT NULL,
    organisation_id BLOB   NOT NULL,
    tariff          BIGINT NOT NULL,
    tap_id          BLOB   NOT NULL,
    blind           BLOB   NOT NULL,           -- random: what is withheld of an export cannot be guessed
    leaf            BIGINT NOT NULL,           -- leaf_id of the leaf that commits to this row
    PRIMARY KEY (shard, holder_id, correction_id)
) WITHOUT ROWID;
CREATE INDEX transit_correction_old ON transit_correction (shard, at);
