-- Double entry. Rows of transfer are never updated and never deleted.
CREATE TABLE account (
    shard             BIGINT NOT NULL,
    account_id        BIGINT NOT NULL,
    unit              BIGINT NOT NULL,     -- 1 fen of CNY, 2 points
    kind              BIGINT NOT NULL,
    owner             BLOB   NOT NULL,     -- holder, organisation or empty
    overdraft_allowed BIGINT NOT NULL,     -- 0 or 1
    balance           BIGINT NOT NULL,     -- always the sum of its transfers
    leaf              BIGINT NOT NULL,     -- leaf_id of the leaf that commits to every column but the balance
    PRIMARY KEY (shard, account_id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX account_by_owner ON account (shard, owner, kind, unit);

CREATE TABLE transfer (
    shard       BIGINT NOT NULL,
    transfer_id BIGINT NOT NULL,           -- ordered within the shard
    debit       BIGINT NOT NULL,           -- account that gives
    credit      BIGINT NOT NULL,           -- account that receives
    amount      BIGINT NOT NULL CHECK (amount > 0),
    unit        BIGINT NOT NULL,
    kind        BIGINT NOT NULL,
    reference   BLOB   NOT NULL,           -- what caused it: a tap's id, a request's id
    at          BIGINT NOT NULL,
    leaf        BIGINT NOT NULL,           -- leaf_id of the leaf that commits to this row
    PRIMARY KEY (shard, transfer_id),
    FOREIGN KEY (shard, debit) REFERENCES account (shard, account_id),
    FOREIGN KEY (shard, credit) REFERENCES account (shard, account_id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX transfer_by_reference ON transfer (shard, reference, kind);
