//! The tables of programmes of points. What a holder has earned is proven by the transfers.

use super::{LEAF, PLAIN, Table};

/// Programmes, and who changed them last.
pub static POINTS_PROGRAMME: Table = Table {
    name: "points_programme",
    columns: &[
        "programme_id",
        "name",
        "reach",
        "worth_points",
        "worth_fen",
        "validity_months",
        "day_most",
        "below_zero",
        "staff_id",
        LEAF,
    ],
    key: 1,
    committed: 9,
    ..PLAIN
};
/// What purchases earn.
pub static POINTS_RULE: Table = Table {
    name: "points_rule",
    columns: &["rule_id", "programme_id", "points", "per_fen", "category", "from_day", "until_day", "staff_id", LEAF],
    key: 1,
    committed: 8,
    ..PLAIN
};
/// Who takes part.
pub static POINTS_MEMBER: Table = Table {
    name: "points_member",
    columns: &["programme_id", "organisation_id", "category", "from_day", "until_day", "staff_id", LEAF],
    key: 2,
    committed: 6,
    ..PLAIN
};
