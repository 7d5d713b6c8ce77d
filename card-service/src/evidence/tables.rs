//! The tables that the log speaks for: what is exported of each, and what the leaves of its rows commit to.
//!
//! Every row that an action writes is committed to whole by the leaf that its `leaf` column names; a later action that
//! changes or removes the row says in its own leaf what it replaced. Pure. Not here: reading rows (`rows`), files
//! (`export`), proof (`verify`). Tables that no leaf speaks for are listed, with reasons, in this module's test.

mod cards;
mod clinics;
mod gates;
mod homes;
mod people;
mod points;
mod security;
mod value;

use ring::digest::{self, SHA256};

use super::leaf::RowImage;

pub use cards::{
    BLANK_MOVE, CARD, CARD_CERTIFICATE, CARD_DEED, CARD_KEY, CARD_STATE_CHANGE, CONSENT_REQUEST, ISSUANCE,
    ISSUANCE_STEP, STATUS_CHANGE, UNBLOCK,
};
pub use clinics::{CLAIM, CLINIC, CLINIC_CLEARING};
pub use gates::{GATE_CREDENTIAL, GATE_PASS, GATE_POST, GATE_SITE};
pub use homes::{AREA, HOME, HOUSE, HOUSEHOLD_MEMBER};
pub use people::{
    ACTIVITY_READ, APPROVAL, CONSENT_ACT, HOLDER, PAPER_ACT, PERMIT, PERMIT_ACT, PERSON_FACT, PERSON_FACT_PAST,
    PERSON_MERGE, PERSON_PHOTO, PERSON_READ, PERSON_TOLD_APART, SECOND_FACTOR, SIGN_IN, STAFF, STAFF_DEED, STAFF_POST,
};
pub use points::{POINTS_MEMBER, POINTS_PROGRAMME, POINTS_RULE};
pub use security::{CONTRIBUTION, CONTRIBUTION_DISPUTE, CONTRIBUTION_RECEIPT, DECLARATION, EMPLOYER, EMPLOYMENT};
pub use value::Value;

/// The column that names a row's leaf.
pub const LEAF: &str = "leaf";

/// A table of the export.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// The view that shows its columns, where they lie in more than one table.
    pub view: Option<&'static str>,
    /// Its columns in order: those that name the row first, then the others that its leaf commits to, then the rest.
    pub columns: &'static [&'static str],
    /// How many of them name the row.
    pub key: usize,
    /// How many of them the row's leaf commits to; 0 where no leaf does.
    pub committed: usize,
    /// Columns that stay in the office. The leaf commits to their hash and only that is exported, in one last column:
    /// together they must be unguessable.
    pub withheld: &'static [&'static str],
    /// The column with the shard of the row's leaf; shard 0 where there is none.
    pub leaf_shard: Option<&'static str>,
}

const PLAIN: Table =
    Table { name: "", view: None, columns: &[], key: 0, committed: 0, withheld: &[], leaf_shard: None };

/// The leaves themselves. What they are is proven by the tree.
pub static LEAVES: Table = Table {
    name: "leaf",
    view: Some("placed_leaf"),
    columns: &["shard", "leaf_id", "kind", "body", "salt", "tree_index"],
    key: 2,
    ..PLAIN
};
/// Tiles of the tree.
pub static TILE: Table = Table { name: "tile", columns: &["level", "idx", "width", "hashes"], key: 2, ..PLAIN };
/// Signed heads of the tree.
pub static CHECKPOINT: Table = Table { name: "checkpoint", columns: &["size", "root", "note", "at"], key: 1, ..PLAIN };
/// Accounts; a balance is proven by the transfers.
pub static ACCOUNT: Table = Table {
    name: "account",
    columns: &["shard", "account_id", "unit", "kind", "owner", "credit_limit", "balance", "held", LEAF],
    key: 2,
    committed: 6,
    leaf_shard: Some("shard"),
    ..PLAIN
};
/// Transfers.
pub static TRANSFER: Table = Table {
    name: "transfer",
    columns: &[
        "shard",
        "transfer_id",
        "debit",
        "credit",
        "amount",
        "unit",
        "kind",
        "reference",
        "at",
        "phase",
        "refers_to",
        "timeout",
        LEAF,
    ],
    key: 2,
    committed: 12,
    leaf_shard: Some("shard"),
    ..PLAIN
};
/// Who reversed what taps had moved, and why.
pub static PURSE_REVERSAL: Table = Table {
    name: "purse_reversal",
    columns: &["shard", "reversal_id", "tap", "transfer_id", "at", "reason", "staff_id", "agreed_by", LEAF],
    key: 2,
    committed: 8,
    leaf_shard: Some("shard"),
    ..PLAIN
};
/// Taps.
pub static TAP: Table = Table {
    name: "tap",
    columns: &[
        "shard",
        LEAF,
        "terminal_id",
        "lane",
        "counter",
        "tap_id",
        "card_id",
        "operation",
        "at",
        "received_at",
        "outcome",
        "balance",
        "cose",
    ],
    key: 2,
    committed: 13,
    leaf_shard: Some("shard"),
    ..PLAIN
};
/// Terminals that bring what looks wrong.
pub static SUSPICION: Table = Table {
    name: "suspicion",
    columns: &[
        "suspicion_id",
        "terminal_id",
        "rule",
        "found_at",
        "most",
        "cards",
        "too_fast",
        "refunds",
        "refunded",
        "sold",
        "wrong_pins",
        LEAF,
    ],
    key: 1,
    committed: 11,
    ..PLAIN
};
/// What auditors have found about them.
pub static SUSPICION_REVIEW: Table = Table {
    name: "suspicion_review",
    columns: &["suspicion_id", "at", "staff_id", "finding", LEAF],
    key: 1,
    committed: 4,
    ..PLAIN
};
/// Versions of the fares.
pub static TARIFF: Table = Table {
    name: "tariff",
    columns: &["version", "starts_at", "imported_at", "staff_id", "source", "feed", "supplement", LEAF],
    key: 1,
    committed: 7,
    ..PLAIN
};
/// Which leaves were folded.
pub static LEAF_FOLD: Table = Table {
    name: "leaf_fold",
    columns: &["shard", LEAF, "at", "leaves"],
    key: 2,
    committed: 4,
    leaf_shard: Some("shard"),
    ..PLAIN
};
/// Numbers of lanes whose taps were folded.
pub static LANE_FOLD: Table = Table {
    name: "lane_fold",
    columns: &["terminal_id", "lane", "first", "last", "previous", "head", LEAF],
    key: 3,
    committed: 6,
    ..PLAIN
};
/// Concessions of the fares that holders were granted. Which they are stays in the office.
pub static TRANSIT_CONCESSION: Table = Table {
    name: "transit_concession",
    columns: &["shard", "holder_id", "concession_id", "from_day", "until_day", "staff_id", "at", LEAF],
    key: 3,
    committed: 7,
    withheld: &["concession", "blind"],
    leaf_shard: Some("shard"),
    ..PLAIN
};
/// Corrections of where cards were shown, until they are folded. Where and when that was stays in the office.
pub static TRANSIT_CORRECTION: Table = Table {
    name: "transit_correction",
    columns: &["shard", "holder_id", "correction_id", "deed", "reason", "returned", "staff_id", "at", LEAF],
    key: 3,
    committed: 8,
    withheld: &["shown_at", "side", "stop", "route", "organisation_id", "tariff", "tap_id", "blind"],
    leaf_shard: Some("shard"),
    ..PLAIN
};
/// What a person has decided about taps that were held for that.
pub static TAP_SETTLEMENT: Table = Table {
    name: "tap_settlement",
    columns: &["shard", "tap", "at", "reason", "staff_id", "agreed_by", "outcome", "moved", LEAF],
    key: 2,
    committed: 8,
    leaf_shard: Some("shard"),
    ..PLAIN
};
/// Heads of the lanes; proven by the taps.
pub static LANE: Table = Table { name: "lane", columns: &["terminal_id", "lane", "counter", "head"], key: 2, ..PLAIN };
/// Faults of lanes.
pub static LANE_EVENT: Table = Table {
    name: "lane_event",
    columns: &["terminal_id", "lane", "counter", "tap_id", "kind", "expected", "at", "cose", "leaf_shard", LEAF],
    key: 5,
    committed: 8,
    leaf_shard: Some("leaf_shard"),
    ..PLAIN
};
/// Organisations.
pub static ORGANISATION: Table = Table {
    name: "organisation",
    columns: &["organisation_id", "name", "created_at", LEAF],
    key: 1,
    committed: 3,
    ..PLAIN
};
/// Of what kind organisations are, and whether they work.
pub static ORGANISATION_PROFILE: Table = Table {
    name: "organisation_profile",
    columns: &["organisation_id", "kind", "state", LEAF],
    key: 1,
    committed: 3,
    ..PLAIN
};
/// Terminals.
pub static TERMINAL: Table = Table {
    name: "terminal",
    columns: &[
        "terminal_id",
        "organisation_id",
        "name",
        "operations",
        "state",
        "public_key",
        "certificate",
        "certificate_until",
        "created_at",
        "revoked_at",
        LEAF,
    ],
    key: 1,
    committed: 10,
    ..PLAIN
};
/// Who did what with terminals.
pub static TERMINAL_DEED: Table = Table {
    name: "terminal_deed",
    columns: &["terminal_id", LEAF, "at", "deed", "reason", "staff_id"],
    key: 2,
    committed: 6,
    ..PLAIN
};
/// Every exported table.
pub static TABLES: [&Table; 70] = [
    &LEAVES,
    &TILE,
    &CHECKPOINT,
    &ACCOUNT,
    &TRANSFER,
    &PURSE_REVERSAL,
    &TAP,
    &TAP_SETTLEMENT,
    &SUSPICION,
    &SUSPICION_REVIEW,
    &TARIFF,
    &TRANSIT_CONCESSION,
    &TRANSIT_CORRECTION,
    &LANE,
    &LANE_FOLD,
    &LEAF_FOLD,
    &LANE_EVENT,
    &ORGANISATION,
    &ORGANISATION_PROFILE,
    &TERMINAL,
    &TERMINAL_DEED,
    &POINTS_PROGRAMME,
    &POINTS_RULE,
    &POINTS_MEMBER,
    &GATE_SITE,
    &GATE_POST,
    &GATE_PASS,
    &EMPLOYER,
    &CLINIC,
    &CLINIC_CLEARING,
    &DECLARATION,
    &CONTRIBUTION_RECEIPT,
    &STAFF,
    &STAFF_POST,
    &STAFF_DEED,
    &SECOND_FACTOR,
    &APPROVAL,
    &SIGN_IN,
    &HOLDER,
    &PERSON_FACT,
    &PERSON_FACT_PAST,
    &PERSON_TOLD_APART,
    &PERSON_MERGE,
    &PERSON_PHOTO,
    &PERSON_READ,
    &PERMIT,
    &PERMIT_ACT,
    &PAPER_ACT,
    &CONSENT_ACT,
    &ACTIVITY_READ,
    &AREA,
    &HOUSE,
    &HOME,
    &HOUSEHOLD_MEMBER,
    &GATE_CREDENTIAL,
    &EMPLOYMENT,
    &CONTRIBUTION_DISPUTE,
    &CONTRIBUTION,
    &CLAIM,
    &CARD,
    &CARD_STATE_CHANGE,
    &CARD_DEED,
    &CARD_KEY,
    &CARD_CERTIFICATE,
    &ISSUANCE,
    &ISSUANCE_STEP,
    &UNBLOCK,
    &CONSENT_REQUEST,
    &STATUS_CHANGE,
    &BLANK_MOVE,
];

impl Table {
    /// Where its columns are read.
    pub fn source(&self) -> &'static str {
        self.view.unwrap_or(self.name)
    }

    /// Values in an exported row: its columns, and the hash of what is withheld.
    pub fn width(&self) -> usize {
        self.columns.len() + usize::from(!self.withheld.is_empty())
    }

    /// Where a column stands.
    pub fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|name| *name == column)
    }

    /// What a leaf commits to of an exported row.
    pub fn image(&self, row: &[Value]) -> RowImage {
        let withheld = &row[self.columns.len()..];
        let columns: Vec<_> = row[..self.committed].iter().chain(withheld).map(Value::column).collect();
        RowImage::new(self.name, &columns)
    }

    /// What stands for withheld columns in an exported row.
    pub fn seal(&self, withheld: &[Value]) -> Option<Value> {
        let columns: Vec<_> = withheld.iter().map(Value::column).collect();
        let image = RowImage::new(self.name, &columns);
        (!withheld.is_empty()).then(|| {
            let mut context = digest::Context::new(&SHA256);
            context.update(b"nrc/withheld/v1\0");
            context.update(image.digest());
            Value::Bytes(context.finish().as_ref().to_vec())
        })
    }
}
