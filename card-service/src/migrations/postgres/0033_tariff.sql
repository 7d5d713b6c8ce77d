-- Fares as a city publishes them, by versions: the files on which they depend, and what stands beside them. Rows are never changed.
CREATE TABLE tariff (
    version     BIGINT NOT NULL PRIMARY KEY,   -- counted up from 1
    starts_at   BIGINT NOT NULL,               -- from then on, until a version that starts later or is newer
    imported_at BIGINT NOT NULL,
    staff_id    BYTEA  REFERENCES staff (staff_id),  -- nobody where it was read on the command line
    source      BYTEA  NOT NULL,               -- SHA-256 of the archive as it came
    feed        BYTEA  NOT NULL,               -- an archive of the files that were read
    supplement  TEXT   NOT NULL,
    leaf        BIGINT NOT NULL
);
