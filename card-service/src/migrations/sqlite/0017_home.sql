-- Where people live. Districts, streets, communities and their grid cells are public and lie here in clear.
CREATE TABLE area (
    level   BIGINT NOT NULL,                   -- 1 district, 2 street, 3 community, 4 grid cell
    code    TEXT   NOT NULL,
    name    TEXT   NOT NULL,
    parent  TEXT   NOT NULL,                   -- code of the area of the level above; empty for a district
    outline TEXT   NOT NULL,                   -- GeoJSON MultiPolygon
    leaf    BIGINT NOT NULL,                   -- leaf_id in shard 0
    PRIMARY KEY (level, code)
) WITHOUT ROWID;
CREATE INDEX area_by_parent ON area (level, parent);

-- A house lies in a cell. Whoever has no keys sees neither where it is nor whose it is.
CREATE TABLE house (
    house_id   BLOB   NOT NULL PRIMARY KEY,
    blind      BLOB   NOT NULL UNIQUE,         -- HMAC of the address in its one form
    cell       TEXT   NOT NULL,                -- area of level 4
    sealed     BLOB   NOT NULL,                -- the address: AES-256-GCM under a key derived from the data key
    created_at BIGINT NOT NULL,
    created_by BLOB   NOT NULL,                -- staff
    leaf       BIGINT NOT NULL                 -- leaf_id in shard 0
) WITHOUT ROWID;

-- Who lives or lived in which house. Days are the microsecond at which they begin in UTC.
CREATE TABLE home (
    shard     BIGINT NOT NULL,
    holder_id BLOB   NOT NULL,
    opened    BIGINT NOT NULL,                 -- leaf that opened it
    house_id  BLOB   NOT NULL,
    since     BIGINT NOT NULL,
    until     BIGINT,                          -- first day on which nobody expects the person there; null where none is known
    ended     TEXT,                            -- why it is the home no longer; null while it is
    leaf      BIGINT NOT NULL,
    PRIMARY KEY (shard, holder_id, opened)
) WITHOUT ROWID;
-- With all that counting asks for: no row is read for it.
CREATE INDEX home_by_house ON home (house_id, until, ended) WHERE ended IS NULL;

-- Who belongs or belonged to which household, and how: people who are registered together.
CREATE TABLE household_member (
    shard        BIGINT NOT NULL,
    holder_id    BLOB   NOT NULL,
    opened       BIGINT NOT NULL,              -- leaf that opened it
    household_id BLOB   NOT NULL,
    since        BIGINT NOT NULL,
    sealed       BLOB   NOT NULL,              -- the code of GB/T 4761: AES-256-GCM under the person's key
    opened_by    BLOB   NOT NULL,              -- staff
    until        BIGINT,                       -- null while it lasts
    ended        TEXT,                         -- why it lasts no longer
    ended_by     BLOB  ,                       -- staff
    leaf         BIGINT NOT NULL,
    PRIMARY KEY (shard, holder_id, opened)
) WITHOUT ROWID;
CREATE UNIQUE INDEX household_of_holder ON household_member (shard, holder_id) WHERE until IS NULL;
CREATE INDEX household_members ON household_member (household_id) WHERE until IS NULL;
