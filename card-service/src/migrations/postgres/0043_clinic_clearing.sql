-- Months of clinics that were paid out: from then on no bill of them is taken back.
CREATE TABLE clinic_clearing (
    organisation_id BYTEA  NOT NULL,
    month           BIGINT NOT NULL,               -- the day, since 1970, with which it begins
    from_at         BIGINT NOT NULL,               -- its first moment
    until_at        BIGINT NOT NULL,               -- the first after it
    bills           BIGINT NOT NULL,
    total           BIGINT NOT NULL,               -- fen
    fund            BIGINT NOT NULL,
    account         BIGINT NOT NULL,
    at              BIGINT NOT NULL,
    staff_id        BYTEA  NOT NULL,               -- who has cleared it
    leaf            BIGINT NOT NULL,               -- leaf_id in shard 0
    PRIMARY KEY (organisation_id, month)
);
CREATE INDEX claim_by_clinic ON claim (organisation_id, settled_at) WHERE settled_at IS NOT NULL;
