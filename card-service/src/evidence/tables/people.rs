//! The tables of staff and of persons.

use super::{LEAF, PLAIN, Table};

/// Staff. The hash of a password is not for auditors; its salt makes it unguessable.
pub static STAFF: Table = Table {
    name: "staff",
    columns: &["staff_id", "name", "role", "created_at", LEAF],
    key: 1,
    committed: 4,
    withheld: &["password_hash"],
    ..PLAIN
};
/// Sign-ins, also those that failed.
pub static SIGN_IN: Table =
    Table { name: "sign_in", columns: &[LEAF, "staff_id", "at", "succeeded"], key: 1, committed: 4, ..PLAIN };
/// Where members of staff work, and whether they may.
pub static STAFF_POST: Table = Table {
    name: "staff_post",
    columns: &[
        "staff_id",
        "organisation_id",
        "state",
        "since",
        "password_given",
        "admitted_by",
        "admitted_at",
        "reset_by",
        "reset_at",
        "administered_until",
        "reversed_until",
        LEAF,
    ],
    key: 1,
    committed: 11,
    ..PLAIN
};
/// What was done with members of staff, and who did it.
pub static STAFF_DEED: Table = Table {
    name: "staff_deed",
    columns: &["about", LEAF, "at", "deed", "role", "organisation_id", "staff_id"],
    key: 2,
    committed: 7,
    ..PLAIN
};
/// Second factors. The secret stays in the office; the seal's nonce makes it unguessable.
pub static SECOND_FACTOR: Table = Table {
    name: "second_factor",
    columns: &["staff_id", "state", "changed_at", LEAF],
    key: 1,
    committed: 3,
    withheld: &["sealed"],
    ..PLAIN
};
/// What was asked for, and who agreed or did not.
pub static APPROVAL: Table = Table {
    name: "approval",
    columns: &[
        "approval_id",
        "deed",
        "asked_by",
        "asked_at",
        "expires_at",
        "state",
        "decided_by",
        "decided_at",
        "reason",
        LEAF,
    ],
    key: 1,
    committed: 9,
    ..PLAIN
};
/// Holders.
pub static HOLDER: Table = Table {
    name: "holder",
    columns: &["shard", "holder_id", "created_at", "created_by", LEAF],
    key: 2,
    committed: 4,
    leaf_shard: Some("shard"),
    ..PLAIN
};
/// What is known of persons. Even sealed it stays in the office; the seal's nonce makes it unguessable.
pub static PERSON_FACT: Table = Table {
    name: "person_fact",
    columns: &["shard", "holder_id", "field", LEAF],
    key: 3,
    committed: 3,
    withheld: &["sealed"],
    leaf_shard: Some("shard"),
    ..PLAIN
};
/// What was known of persons before it was corrected or changed, and why it was.
pub static PERSON_FACT_PAST: Table = Table {
    name: "person_fact_past",
    columns: &["shard", "holder_id", "field", LEAF, "at", "staff_id", "reason"],
    key: 4,
    committed: 7,
    withheld: &["sealed"],
    leaf_shard: Some("shard"),
    ..PLAIN
};
/// Persons who are alike and not one, and who said so.
pub static PERSON_TOLD_APART: Table = Table {
    name: "person_told_apart",
    columns: &["shard", "holder_id", "other", "at", "staff_id", "reason", LEAF],
    key: 3,
    committed: 6,
    leaf_shard: Some("shard"),
    ..PLAIN
};
/// Which records are of one person, and which are so no longer.
pub static PERSON_MERGE: Table = Table {
    name: "person_merge",
    columns: &["shard", "holder_id", LEAF, "other", "act", "at", "staff_id", "reason"],
    key: 3,
    committed: 8,
    leaf_shard: Some("shard"),
    ..PLAIN
};
/// Photos. Even sealed they stay in the office.
pub static PERSON_PHOTO: Table = Table {
    name: "person_photo",
    columns: &["shard", "holder_id", "taken_at", "taken_by", LEAF],
    key: 2,
    committed: 5,
    withheld: &["sealed"],
    leaf_shard: Some("shard"),
    ..PLAIN
};
/// Who read a holder's record, and why.
pub static PERSON_READ: Table = Table {
    name: "person_read",
    columns: &["shard", "holder_id", LEAF, "at", "staff_id", "purpose", "field"],
    key: 3,
    committed: 7,
    leaf_shard: Some("shard"),
    ..PLAIN
};
/// Residence permits as they are now.
pub static PERMIT: Table = Table {
    name: "permit",
    columns: &["shard", "holder_id", "permit_id", "stage", "applied", "decide_by", "counts_from", "valid_until", LEAF],
    key: 3,
    committed: 8,
    leaf_shard: Some("shard"),
    ..PLAIN
};
/// What was done with residence permits. What was shown as proof stays in the office, like all that is known of persons.
pub static PERMIT_ACT: Table = Table {
    name: "permit_act",
    columns: &["shard", "holder_id", LEAF, "permit_id", "act", "at", "staff_id", "reason", "valid_until"],
    key: 3,
    committed: 9,
    withheld: &["proof"],
    leaf_shard: Some("shard"),
    ..PLAIN
};
/// What was done with printed papers.
pub static PAPER_ACT: Table = Table {
    name: "paper_act",
    columns: &[
        "shard",
        "number",
        LEAF,
        "holder_id",
        "kind",
        "act",
        "at",
        "staff_id",
        "reason",
        "valid_until",
        "permit_id",
    ],
    key: 3,
    committed: 11,
    leaf_shard: Some("shard"),
    ..PLAIN
};
/// What people agreed to on paper. Who signed stays in the office; the nonce of the seal makes it unguessable.
pub static CONSENT_ACT: Table = Table {
    name: "consent_act",
    columns: &["shard", "holder_id", LEAF, "act", "form", "version", "day", "at", "staff_id"],
    key: 3,
    committed: 9,
    withheld: &["signer"],
    leaf_shard: Some("shard"),
    ..PLAIN
};
/// Who looked at card activity, and why.
pub static ACTIVITY_READ: Table = Table {
    name: "activity_read",
    columns: &["shard", LEAF, "at", "staff_id", "purpose", "card_id"],
    key: 2,
    committed: 6,
    leaf_shard: Some("shard"),
    ..PLAIN
};
