//! The tables of clinics: how each is covered, its bills, and which months it was paid for.

use super::{LEAF, PLAIN, Table};

/// Clinics.
pub static CLINIC: Table =
    Table { name: "clinic", columns: &["organisation_id", "level", "staff_id", LEAF], key: 1, committed: 3, ..PLAIN };
/// Bills. What somebody was treated for, sealed as it is, stays in the office.
pub static CLAIM: Table = Table {
    name: "claim",
    columns: &[
        "shard",
        "claim_id",
        "visit",
        "holder_id",
        "organisation_id",
        "benefit",
        "day",
        "made_at",
        "seen",
        "eligible",
        "fund",
        "account",
        "rest",
        "settled_with",
        "signed_at",
        "settled_at",
        "reversed_at",
        LEAF,
    ],
    key: 2,
    committed: 17,
    withheld: &["sealed"],
    leaf_shard: Some("shard"),
    ..PLAIN
};
/// Months that clinics were paid for.
pub static CLINIC_CLEARING: Table = Table {
    name: "clinic_clearing",
    columns: &[
        "organisation_id",
        "month",
        "from_at",
        "until_at",
        "bills",
        "total",
        "fund",
        "account",
        "at",
        "staff_id",
        LEAF,
    ],
    key: 2,
    committed: 10,
    ..PLAIN
};
