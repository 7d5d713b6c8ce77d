-- A person's photo, sealed under the person's key. A new one takes the place of the old, which is not kept. With a row of its
-- own number, because a photo is far longer than a leaf of a table without one holds.
CREATE TABLE person_photo (
    shard     BIGINT NOT NULL,
    holder_id BLOB   NOT NULL,
    taken_at  BIGINT NOT NULL,
    taken_by  BLOB   NOT NULL REFERENCES staff (staff_id),
    sealed    BLOB   NOT NULL,
    leaf      BIGINT NOT NULL,
    PRIMARY KEY (shard, holder_id)
);
