//! The tables of where people live.

use super::{LEAF, PLAIN, Table};

/// Districts, streets, communities and grid cells.
pub static AREA: Table = Table {
    name: "area",
    columns: &["level", "code", "name", "parent", "outline", LEAF],
    key: 2,
    committed: 5,
    ..PLAIN
};
/// Houses. Where one is stays in the office; the nonce of the seal makes it unguessable.
pub static HOUSE: Table = Table {
    name: "house",
    columns: &["house_id", "cell", "created_at", "created_by", LEAF],
    key: 1,
    committed: 4,
    withheld: &["blind", "sealed"],
    ..PLAIN
};
/// Who lives or lived in which house.
pub static HOME: Table = Table {
    name: "home",
    columns: &["shard", "holder_id", "opened", "house_id", "since", "until", "ended", LEAF],
    key: 3,
    committed: 7,
    leaf_shard: Some("shard"),
    ..PLAIN
};
/// Who belongs or belonged to which household. How, stays in the office; the nonce of the seal makes it unguessable.
pub static HOUSEHOLD_MEMBER: Table = Table {
    name: "household_member",
    columns: &[
        "shard",
        "holder_id",
        "opened",
        "household_id",
        "since",
        "opened_by",
        "until",
        "ended",
        "ended_by",
        LEAF,
    ],
    key: 3,
    committed: 9,
    withheld: &["sealed"],
    leaf_shard: Some("shard"),
    ..PLAIN
};
