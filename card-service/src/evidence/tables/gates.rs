//! The tables of sites with gates, and of who may pass there. How many asked is counted without a leaf.

use super::{LEAF, PLAIN, Table};

/// Places with gates, and who changed them last.
pub static GATE_SITE: Table = Table {
    name: "gate_site",
    columns: &["site_id", "organisation_id", "kind", "name", "closed", "staff_id", LEAF],
    key: 1,
    committed: 6,
    ..PLAIN
};
/// Where terminals stand, and stood.
pub static GATE_POST: Table = Table {
    name: "gate_post",
    columns: &["terminal_id", "since", "until", "site_id", "staff_id", LEAF],
    key: 2,
    committed: 5,
    ..PLAIN
};
/// When holders may pass. Why stays in the office, like all that is known of persons.
pub static GATE_CREDENTIAL: Table = Table {
    name: "gate_credential",
    columns: &[
        "shard",
        "holder_id",
        "credential_id",
        "site_id",
        "first_day",
        "last_day",
        "weekdays",
        "from_minute",
        "until_minute",
        "granted_at",
        "granted_by",
        "ended_at",
        "ended_by",
        "ended_because",
        LEAF,
    ],
    key: 3,
    committed: 14,
    withheld: &["reason"],
    leaf_shard: Some("shard"),
    ..PLAIN
};
/// Visitors' passes.
pub static GATE_PASS: Table = Table {
    name: "gate_pass",
    columns: &[
        "number",
        "site_id",
        "reason",
        "valid_from",
        "valid_until",
        "issued_at",
        "staff_id",
        "withdrawn_at",
        "withdrawn_by",
        LEAF,
    ],
    key: 1,
    committed: 9,
    ..PLAIN
};
