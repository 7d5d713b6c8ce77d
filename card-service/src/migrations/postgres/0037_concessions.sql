-- Concessions that holders were granted: what fares follow from besides where a card was shown. They are not removed; one that was
-- never begun ends before it begins.
CREATE TABLE transit_concession (
    shard         BIGINT NOT NULL,
    holder_id     BYTEA  NOT NULL,
    concession_id BYTEA  NOT NULL,           -- random
    concession    TEXT   NOT NULL,           -- its name in the fares
    blind         BYTEA  NOT NULL,           -- random: what is withheld of an export cannot be guessed
    from_day      BIGINT NOT NULL,           -- days since 1970, the first and the last counted in
    until_day     BIGINT NOT NULL,
    staff_id      BYTEA  NOT NULL,           -- who granted it, or ended it
    at            BIGINT NOT NULL,
    leaf          BIGINT NOT NULL,           -- leaf_id of the leaf that commits to this row
    PRIMARY KEY (shard, holder_id, concession_id)
);
