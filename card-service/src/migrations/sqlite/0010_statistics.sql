-- What the planner is to expect, as ANALYZE would write it for a city of some size: without it, a search by shard alone
-- counts as good as an index that finds one row, and reads through a shard.
ANALYZE;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('tap', 'sqlite_autoindex_tap_1', '100000000 12500000 1'),
    ('tap', 'tap_by_card', '100000000 12500000 100 1'),
    ('transfer', 'transfer', '100000000 12500000 1'),
    ('transfer', 'transfer_by_reference', '1000000 125000 1 1'),
    ('transfer', 'transfer_ends_hold', '1000000 125000 1'),
    ('transfer', 'transfer_reverses', '1000000 125000 1');
ANALYZE sqlite_schema;
