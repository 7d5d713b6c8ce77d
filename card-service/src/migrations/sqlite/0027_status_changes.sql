-- What terminals are told of cards: a row for each time that it is another thing than before, so the status list and what has
-- changed since a version of it can be signed whenever somebody asks. Versions count up from 2; in version 1 every card is
-- valid. Rows are only added.
DROP TABLE status_list;
CREATE TABLE status_change (
    version      BIGINT NOT NULL PRIMARY KEY,
    at           BIGINT NOT NULL,
    status_index BIGINT NOT NULL,                  -- the card's place in the list
    status       BIGINT NOT NULL,                  -- 0 valid, 1 invalid, 2 suspended
    leaf         BIGINT NOT NULL                   -- leaf_id in shard 0
);
CREATE INDEX status_change_of_card ON status_change (status_index, version);
