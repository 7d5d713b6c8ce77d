//! One file of a feed, row by row, with the place of everything that is wrong with it. Pure.

use std::collections::{HashMap, HashSet};
use std::str::FromStr;

use card_schema::operation::transit::MAX_ID_BYTES;
use csv::{ReaderBuilder, StringRecord};

use super::archive::Files;
use super::report::{At, Report};

/// What a file may hold (GTFS Schedule Reference, "Field Definitions").
pub(super) struct Format {
    /// Its name.
    pub(super) file: &'static str,
    /// Columns without which it says nothing.
    pub(super) required: &'static [&'static str],
    /// Columns that may be there.
    pub(super) optional: &'static [&'static str],
    /// Columns that some feeds have, that change fares, and that fares here do not follow.
    pub(super) not_followed: &'static [&'static str],
    /// Columns that together are no other row's.
    pub(super) key: &'static [&'static str],
    /// The most rows.
    pub(super) most: usize,
}

/// A file of which nothing is said.
pub(super) const PLAIN: Format =
    Format { file: "", required: &[], optional: &[], not_followed: &[], key: &[], most: 500_000 };

/// A file of a feed.
pub(super) struct Table {
    file: &'static str,
    columns: HashMap<String, usize>,
    rows: Vec<(u64, StringRecord)>,
}

/// Something is wrong and was told.
#[derive(Debug)]
pub(super) struct Told;

/// One of its rows.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    table: &'a Table,
    line: u64,
    record: &'a StringRecord,
}

impl Table {
    /// Reads a file; one that is not there has no rows.
    pub(super) fn read(files: &Files, format: &Format, report: &mut Report) -> Self {
        let file = format.file;
        let mut table = Self { file, columns: HashMap::new(), rows: Vec::new() };
        let Some(text) = files.text(file) else { return table };
        // Lines are counted by their feeds.
        let mut text = text.replace("\r\n", "\n");
        text.push('\n');
        let mut reader = ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
        let Ok(headers) = reader.headers().cloned() else {
            report.error(At::file(file), "unreadable", "");
            return table;
        };
        for (number, name) in headers.iter().enumerate() {
            let name = name.trim();
            let known = [format.required, format.optional, format.not_followed];
            if !known.iter().any(|columns| columns.contains(&name)) {
                report.warn(At::file(file).field(name), "unknown-column", "");
            }
            if table.columns.insert(name.to_owned(), number).is_some() {
                report.error(At::file(file).field(name), "column-twice", "");
            }
        }
        let width = headers.len();
        let missing = format.required.iter().filter(|column| !table.columns.contains_key(**column));
        let missing: Vec<&str> = missing.copied().collect();
        for column in &missing {
            report.error(At::file(file).field(column), "missing-column", "");
        }
        if !missing.is_empty() {
            return table;
        }
        let mut record = StringRecord::new();
        while reader.read_record(&mut record).unwrap_or_else(|_| {
            report.error(At::file(file), "unreadable", "");
            false
        }) {
            let breaks = record.iter().map(|field| field.matches('\n').count() as u64).sum::<u64>();
            let line = reader.position().line() - 1 - breaks;
            let at = At { line: Some(line), ..At::file(file) };
            if table.rows.len() == format.most {
                report.error(at, "too-many-rows", format.most);
                break;
            }
            if breaks > 0 {
                report.error(at, "line-break", "");
            } else if record.len() == width {
                table.rows.push((line, record.clone()));
            } else {
                report.error(at, "width", format_args!("{} / {width}", record.len()));
            }
        }
        table.unique(format.key, report);
        for column in format.not_followed {
            if let Some(row) = table.rows().find(|row| row.optional(column).is_some()) {
                report.not_supported(row.at(column), "not-followed", row.text(column));
            }
        }
        table
    }

    /// Whether a column is there.
    pub(super) fn has(&self, column: &str) -> bool {
        self.columns.contains_key(column)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|(line, record)| Row { table: self, line: *line, record })
    }

    fn unique(&mut self, key: &[&str], report: &mut Report) {
        let mut seen = HashSet::new();
        let mut kept = Vec::with_capacity(self.rows.len());
        for (line, record) in std::mem::take(&mut self.rows) {
            let row = Row { table: self, line, record: &record };
            let of: Vec<String> = key.iter().map(|column| row.text(column).to_owned()).collect();
            if seen.contains(&of) {
                report.error(row.at(key[0]), "key-twice", of.join(", "));
                continue;
            }
            seen.insert(of);
            kept.push((line, record));
        }
        self.rows = kept;
    }
}

impl<'a> Row<'a> {
    /// The place of a field.
    pub(super) const fn at(self, field: &'a str) -> At<'a> {
        At { file: self.table.file, line: Some(self.line), field: Some(field) }
    }

    /// What stands in a field; nothing where there is no such column.
    pub(super) fn text(self, column: &str) -> &'a str {
        self.table.columns.get(column).and_then(|number| self.record.get(*number)).map_or("", str::trim)
    }

    /// What stands in a field that may be empty.
    pub(super) fn optional(self, column: &str) -> Option<&'a str> {
        Some(self.text(column)).filter(|text| !text.is_empty())
    }

    /// What stands in a field that may not.
    pub(super) fn required(self, column: &'a str, report: &mut Report) -> Option<&'a str> {
        let text = self.optional(column);
        if text.is_none() {
            report.error(self.at(column), "empty", "");
        }
        text
    }

    /// An id that validators send.
    pub(super) fn id(self, column: &'a str, report: &mut Report) -> Option<&'a str> {
        let id = self.required(column, report)?;
        if id.len() > MAX_ID_BYTES {
            report.error(self.at(column), "too-long", MAX_ID_BYTES);
        }
        Some(id)
    }

    /// A field that may be empty, read as something. What cannot be read is told and counts as nothing.
    pub(super) fn parse<T: FromStr>(self, column: &'a str, report: &mut Report) -> Option<T> {
        let text = self.optional(column)?;
        let value = text.parse().ok();
        if value.is_none() {
            report.error(self.at(column), "not-a-number", text);
        }
        value
    }

    /// One of some values, the empty field being the first of them.
    pub(super) fn one_of<T: Copy>(self, column: &'a str, values: &[(&str, T)], report: &mut Report) -> Option<T> {
        let text = self.text(column);
        let found = values.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
        if found.is_none() {
            report.error(self.at(column), "not-one-of", text);
        }
        found
    }

    /// What another file has under the id in a field that may be empty.
    ///
    /// # Errors
    /// It has none, which is told.
    pub(super) fn named<T: Copy>(
        self,
        column: &'a str,
        known: &HashMap<String, T>,
        report: &mut Report,
    ) -> Result<Option<T>, Told> {
        let Some(id) = self.optional(column) else { return Ok(None) };
        let found = known.get(id).copied();
        if found.is_none() {
            report.error(self.at(column), "dangling", id);
        }
        found.map(Some).ok_or(Told)
    }

    /// What another file has under the id in a field that may not be empty.
    pub(super) fn must_name<T: Copy>(
        self,
        column: &'a str,
        known: &HashMap<String, T>,
        report: &mut Report,
    ) -> Option<T> {
        self.required(column, report)?;
        self.named(column, known, report).ok().flatten()
    }
}
