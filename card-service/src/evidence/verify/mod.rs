//! Whether an export is what the log recorded. Works offline, with the log's public key alone.
//!
//! `tree`: checkpoints, tiles and leaves against one another. `rows`: transfers, accounts and taps against their
//! leaves. `books`: balances against transfers. `lanes`: counters and chains. Every finding names a row.

mod books;
mod lanes;
mod rows;
#[cfg(test)]
mod tests;
mod tree;

use std::fmt;

use serde::Serialize;

use super::checkpoint::LogKey;
use super::export::{Export, TABLES, Table, Value};

/// Something that is not as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// The row, as `table key=value …`.
    pub row: String,
    /// What is wrong with it.
    pub problem: String,
}

/// What a verification found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Whether everything is as it was recorded.
    pub ok: bool,
    /// Leaves in the newest signed tree.
    pub tree_size: u64,
    /// Checkpoints whose signature and root are right.
    pub checkpoints: usize,
    /// Leaves that match the tree.
    pub leaves: usize,
    /// Leaves that wait for their place: recorded, not yet signed.
    pub pending_leaves: usize,
    /// Transfers that match their leaves.
    pub transfers: usize,
    /// Accounts that match their leaves.
    pub accounts: usize,
    /// Taps that match their leaves.
    pub taps: usize,
    /// Faults of lanes (gaps, forks) that the service noticed and recorded when they came.
    pub recorded_lane_faults: usize,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

impl Report {
    fn find(&mut self, row: impl Into<String>, problem: impl Into<String>) {
        self.findings.push(Finding { row: row.into(), problem: problem.into() });
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(f, "ALTERED  {}: {}", finding.row, finding.problem)?;
        }
        writeln!(f, "tree         {} leaves, {} checkpoints verified", self.tree_size, self.checkpoints)?;
        writeln!(f, "leaves       {} in the tree, {} waiting to be signed", self.leaves, self.pending_leaves)?;
        writeln!(f, "ledger       {} transfers, {} accounts", self.transfers, self.accounts)?;
        writeln!(f, "taps         {}, {} lane faults on record", self.taps, self.recorded_lane_faults)?;
        if self.ok {
            writeln!(f, "verified: ledger and log agree, nothing was altered")
        } else {
            writeln!(f, "NOT verified: {} findings", self.findings.len())
        }
    }
}

/// Verifies an export with the log's public key.
pub fn verify(export: &Export, key: &LogKey) -> Report {
    let mut report = Report::default();
    tree::check(export, key, &mut report);
    rows::check(export, &mut report);
    books::check(export, &mut report);
    lanes::check(export, &mut report);
    report.findings.sort();
    report.findings.dedup();
    report.ok = report.findings.is_empty();
    report
}

/// A row of the export.
#[derive(Clone, Copy, Debug)]
struct Row<'a> {
    table: &'static Table,
    values: &'a [Value],
}

impl<'a> Row<'a> {
    fn of(export: &'a Export, name: &str) -> impl Iterator<Item = Row<'a>> + use<'a> {
        let index = TABLES.iter().position(|table| table.name == name).expect("a table of the export");
        export.rows[index].iter().map(move |values| Row { table: &TABLES[index], values })
    }

    fn value(&self, column: &str) -> &'a Value {
        let index = self.table.columns.iter().position(|name| *name == column).expect("a column of the table");
        &self.values[index]
    }

    fn int(&self, column: &str) -> Option<i64> {
        match self.value(column) {
            Value::Int(number) => Some(*number),
            _ => None,
        }
    }

    fn bytes(&self, column: &str) -> Option<&'a [u8]> {
        match self.value(column) {
            Value::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    fn hash(&self, column: &str) -> Option<[u8; 32]> {
        self.bytes(column).and_then(|bytes| bytes.try_into().ok())
    }

    /// `table key=value …`.
    fn name(&self) -> String {
        let mut name = self.table.name.to_owned();
        for (column, value) in self.table.columns.iter().zip(self.values).take(self.table.key) {
            let value = match value {
                Value::Int(number) => number.to_string(),
                Value::Bytes(bytes) => crate::db::sets::hex(bytes),
                Value::Text(text) => format!("{text:?}"),
                Value::Null => "null".to_owned(),
            };
            name.extend([" ", column, "=", &value]);
        }
        name
    }
}
