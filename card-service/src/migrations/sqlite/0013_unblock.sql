-- Unblockings of PINs, as far as they have come.
CREATE TABLE unblock (
    unblock_id  BLOB   NOT NULL PRIMARY KEY,
    shard       BIGINT NOT NULL,
    card_id     BLOB   NOT NULL REFERENCES card (card_id),
    generation  BIGINT NOT NULL,               -- of the PUK that the card has before; it gets the next
    staff_id    BLOB   NOT NULL REFERENCES staff (staff_id),
    terminal_id BLOB   NOT NULL REFERENCES terminal (terminal_id),
    open        BIGINT NOT NULL,               -- 1 while a reader is to work on it
    state       TEXT   NOT NULL,
    journal     TEXT   NOT NULL,               -- JSON, no secrets
    number      BIGINT NOT NULL,               -- of the step that is to be done
    created_at  BIGINT NOT NULL,
    changed_at  BIGINT NOT NULL,
    leaf        BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX unblock_open ON unblock (terminal_id, unblock_id) WHERE open = 1;
CREATE INDEX unblock_by_card ON unblock (card_id);
