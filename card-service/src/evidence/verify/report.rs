//! What a verification found, and how it is printed. Knows rows by their lines until the end, and then by their names.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use super::super::export::{ExportError, Rows};
use super::super::tables::{TABLES, Table};
use super::Row;

/// Findings that are kept; more are only counted. Whoever altered as much has altered everything.
const FINDINGS_KEPT: usize = 10_000;

/// Something that is not as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// The row, as `table key=value …`.
    pub row: String,
    /// What is wrong with it.
    pub problem: String,
}

/// What a verification found.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Whether everything is as it was recorded.
    pub ok: bool,
    /// Leaves in the newest signed tree.
    pub tree_size: u64,
    /// Checkpoints whose signature and root are right.
    pub checkpoints: u64,
    /// Leaves that match the tree.
    pub leaves: u64,
    /// Leaves that wait for their place: recorded, not yet signed.
    pub pending_leaves: u64,
    /// Taps to which their lanes have not come: recorded, and brought again by whoever was not answered.
    pub pending_taps: u64,
    /// Rows that are what their leaves recorded, by table.
    pub rows: BTreeMap<&'static str, u64>,
    /// Rows that later leaves replaced, and that are gone as recorded.
    pub replaced_rows: u64,
    /// Leaves of which the hash alone is left, as a later leaf says.
    pub folded_leaves: u64,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// Findings beyond those that are listed.
    pub further_findings: u64,
    #[serde(skip)]
    unnamed: Vec<(&'static str, u64, String)>,
}

impl Report {
    /// Rows of a table that are what their leaves recorded.
    pub fn rows_of(&self, table: &Table) -> u64 {
        self.rows.get(table.name).copied().unwrap_or(0)
    }

    pub(super) fn find(&mut self, row: impl Into<String>, problem: impl Into<String>) {
        if self.has_room() {
            self.findings.push(Finding { row: row.into(), problem: problem.into() });
        }
    }

    /// A finding on a row of which only the line is known.
    pub(super) fn find_line(&mut self, table: &'static Table, line: u64, problem: impl Into<String>) {
        if self.has_room() {
            self.unnamed.push((table.name, line, problem.into()));
        }
    }

    fn has_room(&mut self) -> bool {
        let room = self.findings.len() + self.unnamed.len() < FINDINGS_KEPT;
        self.further_findings += u64::from(!room);
        room
    }

    /// Takes over what another has found.
    pub(super) fn absorb(&mut self, other: Self) {
        for Finding { row, problem } in other.findings {
            self.find(row, problem);
        }
        for (table, line, problem) in other.unnamed {
            if self.has_room() {
                self.unnamed.push((table, line, problem));
            }
        }
        self.further_findings += other.further_findings;
        self.pending_taps += other.pending_taps;
    }

    /// Gives rows their names and says whether all is well.
    pub(super) fn finish(&mut self, export: &dyn Rows) -> Result<(), ExportError> {
        for table in TABLES {
            let lines = self.unnamed_lines(table);
            let Some(last) = lines.last() else { continue };
            for (row, line) in export.of(table)?.zip(1..=*last) {
                let (values, _) = row?;
                if lines.contains(&line) {
                    self.name_line(&Row { table, values: &values, line });
                }
            }
        }
        self.close();
        Ok(())
    }

    /// Lines of a table that have findings and no name yet.
    pub(super) fn unnamed_lines(&self, table: &Table) -> BTreeSet<u64> {
        self.unnamed.iter().filter(|(name, ..)| *name == table.name).map(|(_, line, _)| *line).collect()
    }

    /// Gives the findings of a line their row's name.
    pub(super) fn name_line(&mut self, row: &Row<'_>) {
        let of_row = |(table, line, _): &mut (&'static str, u64, String)| *table == row.table.name && *line == row.line;
        let problems: Vec<_> = self.unnamed.extract_if(.., of_row).map(|(.., problem)| problem).collect();
        self.findings.extend(problems.into_iter().map(|problem| Finding { row: row.name(), problem }));
    }

    /// Says whether all is well. A row that has no name is called by its line.
    pub(super) fn close(&mut self) {
        let unnamed = std::mem::take(&mut self.unnamed).into_iter();
        self.findings
            .extend(unnamed.map(|(table, line, problem)| Finding { row: format!("{table} line {line}"), problem }));
        self.findings.sort();
        self.findings.dedup();
        self.ok = self.findings.is_empty();
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(f, "ALTERED  {}: {}", finding.row, finding.problem)?;
        }
        if self.further_findings > 0 {
            writeln!(f, "ALTERED  and {} more findings", self.further_findings)?;
        }
        writeln!(f, "{:<18} {} leaves, {} checkpoints verified", "tree", self.tree_size, self.checkpoints)?;
        writeln!(f, "{:<18} {} in the tree, {} waiting to be signed", "leaf", self.leaves, self.pending_leaves)?;
        if self.pending_taps > 0 {
            writeln!(f, "{:<18} {} taps recorded before it, to be brought again", "lane", self.pending_taps)?;
        }
        for (table, rows) in &self.rows {
            writeln!(f, "{table:<18} {rows} rows are what their leaves recorded")?;
        }
        writeln!(f, "{:<18} {} rows, each by the row that its leaf names", "replaced", self.replaced_rows)?;
        if self.folded_leaves > 0 {
            writeln!(
                f,
                "{:<18} {} leaves, of which the hash is left, as later leaves say",
                "folded", self.folded_leaves
            )?;
        }
        if self.ok {
            writeln!(f, "verified: ledger, records and log agree, nothing was altered")
        } else {
            writeln!(f, "NOT verified: {} findings", self.findings.len() as u64 + self.further_findings)
        }
    }
}
