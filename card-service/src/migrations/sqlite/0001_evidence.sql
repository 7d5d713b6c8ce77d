-- The transparency log. A leaf is written in the transaction of the action it records; the sequencer gives it its
-- place in the tree later (tree_index), so a transaction that commits late is never skipped.
CREATE TABLE leaf (
    shard      BIGINT NOT NULL,
    leaf_id    BIGINT NOT NULL,            -- ordered within the shard
    kind       BIGINT NOT NULL,
    at         BIGINT NOT NULL,            -- microseconds since 1970 UTC
    body       BLOB   NOT NULL,            -- deterministic CBOR: salted hashes, no personal data
    hash       BLOB   NOT NULL,            -- RFC 9162 leaf hash of body
    salt       BLOB,                       -- 16 bytes; erased with the person whose rows the leaf covers
    tree_index BIGINT,
    PRIMARY KEY (shard, leaf_id)
) WITHOUT ROWID;
CREATE INDEX leaf_pending ON leaf (shard, leaf_id) WHERE tree_index IS NULL;
CREATE UNIQUE INDEX leaf_by_tree_index ON leaf (tree_index) WHERE tree_index IS NOT NULL;

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
