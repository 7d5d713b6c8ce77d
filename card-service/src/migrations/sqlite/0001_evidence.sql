-- The numbers that each shard has given out. Whoever writes to a shard locks its row first, so numbers have no gaps and
-- follow the order of commits.
CREATE TABLE shard (
    shard    BIGINT NOT NULL PRIMARY KEY,
    leaf     BIGINT NOT NULL,
    account  BIGINT NOT NULL,
    transfer BIGINT NOT NULL
) WITHOUT ROWID;
WITH RECURSIVE numbers (shard) AS (SELECT 0 UNION ALL SELECT shard + 1 FROM numbers WHERE shard < 7)
INSERT INTO shard (shard, leaf, account, transfer) SELECT shard, 0, 0, 0 FROM numbers;

-- The transparency log. A leaf is written in the transaction of the action it records; the sequencer gives it its
-- place in the tree later.
CREATE TABLE leaf (
    shard   BIGINT NOT NULL,
    leaf_id BIGINT NOT NULL,               -- ordered within the shard
    kind    BIGINT NOT NULL,
    body    BLOB NOT NULL,               -- deterministic CBOR: salted hashes, no personal data
    salt    BLOB,                        -- 16 bytes; erased with the person whose rows the leaf covers
    PRIMARY KEY (shard, leaf_id)
);

-- Where leaves stand in the tree: so many that follow one another in their shard and in the tree.
CREATE TABLE leaf_run (
    shard      BIGINT NOT NULL,
    leaf_id    BIGINT NOT NULL,            -- of the first
    leaves     BIGINT NOT NULL,
    tree_index BIGINT NOT NULL,            -- of the first
    PRIMARY KEY (shard, leaf_id)
) WITHOUT ROWID;

-- Leaves with their places, as they are exported.
CREATE VIEW placed_leaf AS
SELECT f.shard, f.leaf_id, f.kind, f.body, f.salt,
       (SELECT CASE WHEN f.leaf_id < r.leaf_id + r.leaves THEN r.tree_index + f.leaf_id - r.leaf_id END
        FROM leaf_run r WHERE r.shard = f.shard AND r.leaf_id <= f.leaf_id ORDER BY r.leaf_id DESC LIMIT 1) AS tree_index
FROM leaf f;

-- What one takes at a time: the office's work, and extending the tree.
CREATE TABLE turn (
    name TEXT NOT NULL PRIMARY KEY
) WITHOUT ROWID;
INSERT INTO turn (name) VALUES ('office'), ('tree');

-- Signed tree heads that were published.
CREATE TABLE checkpoint (
    size BIGINT NOT NULL PRIMARY KEY,
    root BLOB   NOT NULL,
    note TEXT   NOT NULL,                  -- the C2SP signed note as published
    at   BIGINT NOT NULL
) WITHOUT ROWID;

-- Tiles of the tree (C2SP tlog-tiles, height 8). A row grows until width is 256.
CREATE TABLE tile (
    level  BIGINT NOT NULL,
    idx    BIGINT NOT NULL,
    width  BIGINT NOT NULL,
    hashes BLOB   NOT NULL,                -- width hashes of 32 bytes
    PRIMARY KEY (level, idx)
) WITHOUT ROWID;
