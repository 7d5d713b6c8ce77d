-- A person's photo, sealed under the person's key. A new one takes the place of the old, which is not kept.
CREATE TABLE person_photo (
    shard     BIGINT NOT NULL,
    holder_id BYTEA  NOT NULL,
    taken_at  BIGINT NOT NULL,
    taken_by  BYTEA  NOT NULL REFERENCES staff (staff_id),
    sealed    BYTEA  NOT NULL,
    leaf      BIGINT NOT NULL,
    PRIMARY KEY (shard, holder_id)
);
