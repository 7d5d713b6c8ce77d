-- Spreadsheets of people who are to be registered, each its sender's own. They go with their rows after some days; the
-- people who were registered stay.
CREATE TABLE import (
    import_id  BLOB NOT NULL PRIMARY KEY,
    staff_id   BLOB NOT NULL,
    stage      TEXT   NOT NULL,
    whole      BIGINT NOT NULL,                 -- 1 where all are registered or none
    changed_at BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX import_by_stage ON import (stage, changed_at);
CREATE INDEX import_by_staff ON import (staff_id, changed_at);

CREATE TABLE import_row (
    import_id  BLOB NOT NULL,
    line       BIGINT NOT NULL,                 -- in the spreadsheet, from 1
    sealed     BLOB NOT NULL,                   -- what it says: AES-256-GCM under a key of the import
    outcome    TEXT   NOT NULL,
    blind      BLOB,                            -- of the document's number
    holder_id  BLOB,                            -- who was registered, or is alike or known
    PRIMARY KEY (import_id, line)
) WITHOUT ROWID;
CREATE INDEX import_row_by_outcome ON import_row (import_id, outcome, line);
CREATE INDEX import_row_by_blind ON import_row (import_id, blind, line);
