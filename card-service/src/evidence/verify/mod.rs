//! Whether an export is what the log recorded. Works offline, with the log's public key alone.
//!
//! `rows`: every row of every table against the leaf that commits to it, and every leaf against its rows. `tree`:
//! checkpoints, tiles and leaves against one another. `books`: balances against transfers. `lanes`: counters and
//! chains. Every finding names a row.
//!
//! Rows are read one by one; what has to be compared with something far away goes as a record of fixed size through a
//! sorter on disk (`sort`). So memory does not grow with the rows, but for 32 bytes in 128 leaves: the upper levels of
//! two trees. On disk a committed row takes 66 bytes, a leaf 48 and 66 for each row that it replaced, a transfer 100 more
//! and a tap 113 more, before the sorter compresses them: 393 bytes for a payment with its tap, transfer and leaf.

mod books;
mod lanes;
mod report;
mod rows;
mod sort;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::BTreeSet;

use super::checkpoint::LogKey;
use super::export::{ExportError, Rows};
use super::tables::{CHECKPOINT, LEAVES, TABLES, TILE, Table, Value};
use crate::hex;
use crate::progress::{Part, Progress};
pub use report::{Finding, Report};

/// Why a verification did not come to a result.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The export cannot be read.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// Sorting failed: most likely the folder for temporary files is full.
    #[error("cannot sort in the folder for temporary files (TMPDIR chooses another)")]
    Sort(#[from] spillsort::Error),
}

/// Verifies an export with the log's public key.
///
/// # Errors
/// When the export cannot be read, or there is no room to sort; what is wrong with the content is in the report.
pub fn verify(export: &dyn Rows, key: &LogKey, progress: &mut dyn Progress) -> Result<Report, VerifyError> {
    let mut report = Report::default();
    let (mut pieces, mut books, mut lanes) = (rows::Pieces::new()?, books::Books::new()?, lanes::Lanes::new()?);
    let mut read = 0;
    // Tiles and checkpoints are read with the tree.
    let tables = || TABLES.into_iter().filter(|table| ![&CHECKPOINT, &TILE].contains(table));
    progress.begin(Part::Read, Some(tables().map(|table| export.bytes(table)).sum()));
    for table in tables() {
        for (row, line) in export.of(table)?.zip(1..) {
            let (values, bytes) = row?;
            read += bytes;
            progress.reach(read);
            let row = Row { table, values: &values, line };
            pieces.take(&row, &mut report)?;
            match table.name {
                "account" | "transfer" => books.take(&row, &mut report)?,
                "tap" | "lane" | "lane_event" | "lane_fold" => lanes.take(&row, &mut report)?,
                _ => {}
            }
        }
    }
    progress.begin(Part::Rows, Some(export.bytes(&LEAVES)));
    let leaves = pieces.check(export, &mut report, progress)?;
    tree::check(export, leaves, key, &mut report, progress)?;
    books.check(&mut report, progress)?;
    lanes.check(&mut report, progress)?;
    report.finish(export)?;
    Ok(report)
}

/// The part of a verification that needs no log: whether balances are what the transfers make, and are zero together.
/// Given the rows of `account` and `transfer`, in any order.
pub(super) struct Ledger {
    books: books::Books,
    report: Report,
}

impl Ledger {
    /// Without rows.
    ///
    /// # Errors
    /// When there is no room to sort.
    pub(super) fn new() -> Result<Self, VerifyError> {
        Ok(Self { books: books::Books::new()?, report: Report::default() })
    }

    /// Takes in a row with its place among the rows of its table, counted from 1.
    ///
    /// # Errors
    /// When there is no room to sort.
    pub(super) fn take(&mut self, table: &'static Table, values: &[Value], line: u64) -> Result<(), VerifyError> {
        self.books.take(&Row { table, values, line }, &mut self.report)
    }

    /// What is wrong. Rows that it concerns must be named.
    ///
    /// # Errors
    /// When there is no room to sort.
    pub(super) fn check(self, progress: &mut dyn Progress) -> Result<LedgerFindings, VerifyError> {
        let mut report = self.report;
        self.books.check(&mut report, progress)?;
        Ok(LedgerFindings(report))
    }
}

/// What is wrong with a ledger.
pub(super) struct LedgerFindings(Report);

impl LedgerFindings {
    /// The places of those rows of a table that must be named.
    pub(super) fn lines(&self, table: &Table) -> BTreeSet<u64> {
        self.0.unnamed_lines(table)
    }

    /// Shows a row, so that it is named.
    pub(super) fn name(&mut self, table: &'static Table, values: &[Value], line: u64) {
        self.0.name_line(&Row { table, values, line });
    }

    /// The findings, and how many there are beyond those.
    pub(super) fn finish(mut self) -> (Vec<Finding>, u64) {
        self.0.close();
        (self.0.findings, self.0.further_findings)
    }
}

/// A row of the export.
#[derive(Clone, Copy, Debug)]
struct Row<'a> {
    table: &'static Table,
    values: &'a [Value],
    /// Its line in the table's file, counted from 1.
    line: u64,
}

impl<'a> Row<'a> {
    fn value(&self, column: &str) -> &'a Value {
        &self.values[self.table.position(column).expect("a column of the table")]
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

    fn array<const N: usize>(&self, column: &str) -> Option<[u8; N]> {
        self.bytes(column).and_then(|bytes| bytes.try_into().ok())
    }

    /// `table key=value …`.
    fn name(&self) -> String {
        let mut name = self.table.name.to_owned();
        for (column, value) in self.table.columns.iter().zip(self.values).take(self.table.key) {
            let value = match value {
                Value::Int(number) => number.to_string(),
                Value::Bytes(bytes) => hex::encode(bytes),
                Value::Text(text) => format!("{text:?}"),
                Value::Null => "null".to_owned(),
            };
            name.extend([" ", column, "=", &value]);
        }
        name
    }
}
