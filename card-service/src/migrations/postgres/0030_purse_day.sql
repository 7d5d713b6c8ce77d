-- What a holder has paid on a day in China, by the service's clock. A counter, no trail: days that are over are forgotten.
CREATE TABLE purse_day (
    shard       BIGINT NOT NULL,
    holder_id   BYTEA  NOT NULL,
    day         BIGINT NOT NULL,
    paid        BIGINT NOT NULL,               -- fen
    without_pin BIGINT NOT NULL,               -- payments
    PRIMARY KEY (shard, holder_id, day)
);

