//! The tables of cards, and of what is done with them at readers.

use super::{LEAF, PLAIN, Table};

/// Cards as they are now.
pub static CARD: Table = Table {
    name: "card",
    columns: &[
        "card_id",
        "shard",
        "holder_id",
        "staff_id",
        "signs_in",
        "status_index",
        "state",
        "created_at",
        "expires_at",
        "changed_at",
        LEAF,
    ],
    key: 1,
    committed: 10,
    leaf_shard: Some("shard"),
    ..PLAIN
};
/// What cards were before, and why they changed.
pub static CARD_STATE_CHANGE: Table = Table {
    name: "card_state_change",
    columns: &["shard", LEAF, "card_id", "at", "state_before", "state_after", "reason"],
    key: 2,
    committed: 7,
    leaf_shard: Some("shard"),
    ..PLAIN
};
/// Which member of staff did what with a card.
pub static CARD_DEED: Table = Table {
    name: "card_deed",
    columns: &["shard", LEAF, "card_id", "at", "staff_id", "deed", "detail"],
    key: 2,
    committed: 7,
    leaf_shard: Some("shard"),
    ..PLAIN
};
/// Cards' public keys.
pub static CARD_KEY: Table = Table {
    name: "card_key",
    columns: &["public_key", "shard", "card_id", "slot", "current", "made_at", LEAF],
    key: 1,
    committed: 6,
    leaf_shard: Some("shard"),
    ..PLAIN
};
/// Cards' certificates.
pub static CARD_CERTIFICATE: Table = Table {
    name: "card_certificate",
    columns: &["card_id", "slot", "shard", "public_key", "der", "made_at", LEAF],
    key: 2,
    committed: 6,
    leaf_shard: Some("shard"),
    ..PLAIN
};
/// Issuances.
pub static ISSUANCE: Table = Table {
    name: "issuance",
    columns: &[
        "issuance_id",
        "shard",
        "card_id",
        "language",
        "terminal_id",
        "reader",
        "open",
        "state",
        "journal",
        "number",
        "created_at",
        "changed_at",
        LEAF,
    ],
    key: 1,
    committed: 12,
    leaf_shard: Some("shard"),
    ..PLAIN
};
/// What was done in issuances.
pub static ISSUANCE_STEP: Table = Table {
    name: "issuance_step",
    columns: &["issuance_id", "number", "shard", "step", "observation", "at", LEAF],
    key: 2,
    committed: 6,
    leaf_shard: Some("shard"),
    ..PLAIN
};
/// Unblockings of PINs.
pub static UNBLOCK: Table = Table {
    name: "unblock",
    columns: &[
        "unblock_id",
        "shard",
        "card_id",
        "generation",
        "staff_id",
        "terminal_id",
        "open",
        "state",
        "journal",
        "number",
        "created_at",
        "changed_at",
        LEAF,
    ],
    key: 1,
    committed: 12,
    leaf_shard: Some("shard"),
    ..PLAIN
};
/// What holders were asked to agree to.
pub static CONSENT_REQUEST: Table = Table {
    name: "consent_request",
    columns: &["card_id", "number", "shard", "version", "language", "text_hash", "asked_at", "tap_id", LEAF],
    key: 2,
    committed: 8,
    leaf_shard: Some("shard"),
    ..PLAIN
};
/// What terminals are told of cards, by the version of the status list.
pub static STATUS_CHANGE: Table = Table {
    name: "status_change",
    columns: &["version", "at", "status_index", "status", LEAF],
    key: 1,
    committed: 4,
    ..PLAIN
};
/// What came into drawers of blank cards and what left them.
pub static BLANK_MOVE: Table = Table {
    name: "blank_move",
    columns: &[
        "organisation_id",
        LEAF,
        "at",
        "kind",
        "amount",
        "balance",
        "reason",
        "batch",
        "other",
        "card_id",
        "staff_id",
    ],
    key: 2,
    committed: 11,
    ..PLAIN
};
