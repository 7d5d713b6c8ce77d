-- What holders were asked to agree to when they took their cards. The newest request of a card is the one in force.
CREATE TABLE consent_request (
    card_id   BYTEA  NOT NULL REFERENCES card (card_id),
    number    BIGINT NOT NULL,             -- of the issuance's step that asks
    shard     BIGINT NOT NULL,             -- the holder's
    version   BIGINT NOT NULL,             -- of the text
    language  TEXT   NOT NULL,             -- of the text, BCP 47
    text_hash BYTEA  NOT NULL,             -- SHA-256 of the text as it is sent: what the card signs
    asked_at  BIGINT NOT NULL,
    tap_id    BYTEA,                        -- the tap that answers it, as the reader says; its outcome is the tap's
    leaf      BIGINT NOT NULL,             -- leaf_id of the leaf that commits to this row
    PRIMARY KEY (card_id, number)
);
