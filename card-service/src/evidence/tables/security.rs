//! The tables of social security: employers, whom they insure, what they have declared and paid.

use super::{LEAF, PLAIN, Table};

/// Employers that take part.
pub static EMPLOYER: Table =
    Table { name: "employer", columns: &["organisation_id", "risk", "staff_id", LEAF], key: 1, committed: 3, ..PLAIN };
/// Who is insured through whom. By what employers name their workers, and what kind of household is theirs, stays in the office.
pub static EMPLOYMENT: Table = Table {
    name: "employment",
    columns: &["shard", "holder_id", "organisation_id", "from_month", "until_month", "staff_id", "at", LEAF],
    key: 4,
    committed: 7,
    withheld: &["household", "number_mark", "name_mark"],
    leaf_shard: Some("shard"),
    ..PLAIN
};
/// What employers have declared.
pub static DECLARATION: Table = Table {
    name: "declaration",
    columns: &[
        "declaration_id",
        "organisation_id",
        "month",
        "corrects",
        "people",
        "wages",
        "due",
        "filed_at",
        "staff_id",
        "paid_at",
        "posted",
        LEAF,
    ],
    key: 1,
    committed: 11,
    ..PLAIN
};
/// What of it is of whom.
pub static CONTRIBUTION: Table = Table {
    name: "contribution",
    columns: &[
        "shard",
        "holder_id",
        "month",
        "organisation_id",
        "declaration_id",
        "wage",
        "risk",
        "employer",
        "person",
        "pension",
        "medical",
        "unemployment",
        "work_injury",
        "maternity",
        "pension_account",
        "medical_account",
        "corrects",
        LEAF,
    ],
    key: 5,
    committed: 17,
    leaf_shard: Some("shard"),
    ..PLAIN
};
/// What holders say against it, and what the bureau has answered.
pub static CONTRIBUTION_DISPUTE: Table = Table {
    name: "contribution_dispute",
    columns: &[
        "shard",
        "tap_id",
        "holder_id",
        "organisation_id",
        "month",
        "at",
        "answer",
        "answered_at",
        "staff_id",
        LEAF,
    ],
    key: 2,
    committed: 9,
    leaf_shard: Some("shard"),
    ..PLAIN
};
/// What has arrived at the bank.
pub static CONTRIBUTION_RECEIPT: Table = Table {
    name: "contribution_receipt",
    columns: &["number", "day", "amount", "payer", "remark", "organisation_id", "staff_id", "at", LEAF],
    key: 1,
    committed: 8,
    ..PLAIN
};
