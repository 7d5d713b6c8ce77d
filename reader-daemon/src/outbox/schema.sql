-- What must survive: see outbox/mod.rs for who writes each table, and when.
CREATE TABLE IF NOT EXISTS owner (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    terminal BLOB NOT NULL
) STRICT;

-- One row a reader lane, behind its taps: a stored tap reserves the number after its own, and `used` and `head` move when the
-- service's receipt lets taps leave the queue, or a number is given back. `reserved` is written before a card is asked to sign
-- with that number where no tap says it. `checksum` covers the row.
CREATE TABLE IF NOT EXISTS lane (
    lane INTEGER PRIMARY KEY,
    reader TEXT NOT NULL,
    retired INTEGER NOT NULL,
    reserved INTEGER NOT NULL,
    used INTEGER NOT NULL,
    head BLOB NOT NULL,
    checksum BLOB NOT NULL
) STRICT;

-- Signed taps that the service has not answered. `id` is the order of storing, and of sending.
CREATE TABLE IF NOT EXISTS tap (
    id INTEGER PRIMARY KEY,
    lane INTEGER NOT NULL,
    counter INTEGER NOT NULL,
    tap_id BLOB NOT NULL UNIQUE,
    operation INTEGER NOT NULL,
    card BLOB,
    amount INTEGER,
    original BLOB,
    points INTEGER,
    given INTEGER,
    discount INTEGER,
    order_id BLOB UNIQUE,
    at INTEGER NOT NULL,
    cose BLOB NOT NULL,
    UNIQUE (lane, counter)
) STRICT;

-- What became of taps that the service has answered: no card, no balance. `id` is the order of answering.
CREATE TABLE IF NOT EXISTS fate (
    id INTEGER PRIMARY KEY,
    tap_id BLOB NOT NULL UNIQUE,
    operation INTEGER NOT NULL,
    amount INTEGER,
    original BLOB,
    points INTEGER,
    given INTEGER,
    discount INTEGER,
    order_id BLOB,
    at INTEGER NOT NULL,
    outcome INTEGER NOT NULL,
    shard INTEGER,
    leaf INTEGER,
    held BLOB
) STRICT;
-- `original` is what a refund, a void or an undo names, `points` are promised above and moved here, those `given`
-- took `discount` off the price or were for goods, `order_id` the number under which a merchant ordered the tap, `held`
-- the envelope of one that a person has to decide about: it is brought again until that is done. `shard` and `leaf` say where
-- the log has it.
CREATE INDEX IF NOT EXISTS fate_by_original ON fate (original) WHERE original IS NOT NULL;
-- An order has two taps where the first lacked the PIN.
CREATE INDEX IF NOT EXISTS fate_by_order ON fate (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS fate_held ON fate (id) WHERE held IS NOT NULL;

-- Keys of cards whose certificate was verified at first sight.
CREATE TABLE IF NOT EXISTS card (
    card BLOB NOT NULL,
    slot INTEGER NOT NULL,
    key BLOB NOT NULL,
    expires INTEGER NOT NULL,
    PRIMARY KEY (card, slot)
) STRICT, WITHOUT ROWID;

-- Signed changes of the status list since the one in `snapshot`, by the version to which they lead. It never goes back.
CREATE TABLE IF NOT EXISTS status_delta (
    version INTEGER PRIMARY KEY,
    body BLOB NOT NULL
) STRICT;

-- Status list, profile, log head. A version never goes back.
CREATE TABLE IF NOT EXISTS snapshot (
    name TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
