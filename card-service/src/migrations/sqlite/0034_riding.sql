-- Where cards were shown to validators, until it is folded: fares are reckoned from it. What was shown is proven by tap.
CREATE TABLE validation (
    shard           BIGINT NOT NULL,
    rider_id        BLOB   NOT NULL,           -- the holder; or a card whose fares are the issuer's
    at              BIGINT NOT NULL,           -- the validator's clock
    tap_id          BLOB   NOT NULL,
    side            BIGINT NOT NULL,           -- 0 where one leaves, 1 where one gets on
    stop            TEXT   NOT NULL,           -- stop_id
    route           TEXT   NOT NULL,           -- route_id
    organisation_id BLOB   NOT NULL,           -- who runs the validator
    tariff          BIGINT NOT NULL,           -- the version of the fares that the validator knew
    PRIMARY KEY (shard, rider_id, at, tap_id)
) WITHOUT ROWID;

-- Who has travelled.
CREATE TABLE rider (
    shard      BIGINT NOT NULL,
    rider_id   BLOB   NOT NULL,
    is_issuers BIGINT NOT NULL,                -- 1 for a card whose fares are the issuer's
    advanced   BIGINT NOT NULL,                -- what the issuer has advanced and not got back, in fen
    open_until BIGINT,                         -- a leg waits for its end until then
    PRIMARY KEY (shard, rider_id)
) WITHOUT ROWID;
CREATE INDEX rider_open ON rider (shard, open_until) WHERE open_until IS NOT NULL;

-- What was booked for what a rider has shown, in fen, by who gets it. What moved is proven by transfer.
CREATE TABLE rider_fare (
    shard    BIGINT NOT NULL,
    rider_id BLOB   NOT NULL,
    group_id BLOB   NOT NULL,
    charged  BIGINT NOT NULL,
    PRIMARY KEY (shard, rider_id, group_id)
) WITHOUT ROWID;

-- Passes that were bought. What was bought is proven by tap.
CREATE TABLE transit_pass (
    shard     BIGINT NOT NULL,
    holder_id BLOB   NOT NULL,
    pass      TEXT   NOT NULL,                 -- its name in the fares
    from_day  BIGINT NOT NULL,                 -- days since 1970, the first and the last counted in
    until_day BIGINT NOT NULL,
    tap_id    BLOB   NOT NULL,
    PRIMARY KEY (shard, holder_id, pass, from_day)
) WITHOUT ROWID;

-- What owners of accounts of taken fares stand for: an operator, and a network or a pass. The id follows from both.
CREATE TABLE fare_group (
    group_id        BLOB   NOT NULL PRIMARY KEY,
    organisation_id BLOB   NOT NULL,
    kind            BIGINT NOT NULL,           -- 1 rides on a network, 2 a pass
    name            TEXT   NOT NULL            -- network_id, or the name of the pass
) WITHOUT ROWID;
