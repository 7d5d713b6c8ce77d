//! What is to be said about a feed: where, and what. Pure.

use std::collections::BTreeMap;
use std::fmt;

use crate::i18n::Locale;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The feed cannot be used.
    Error,
    /// The feed says something that fares here do not follow: the operator has to know before it is used.
    NotSupported,
    /// It can be used, and somebody should look.
    Warning,
}

impl Severity {
    /// The key of its name.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Error => "transit-severity-error",
            Self::NotSupported => "transit-severity-not-supported",
            Self::Warning => "transit-severity-warning",
        }
    }
}

/// The file beside the archive that says what GTFS has no file for.
pub const SUPPLEMENT: &str = "supplement.toml";

/// One thing that is to be said. Texts are `transit-KEY`, with `value` filled in.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// In which file.
    pub file: String,
    /// In which line, the first is 1.
    pub line: Option<u64>,
    /// In which field.
    pub field: Option<String>,
    /// What is said.
    pub key: &'static str,
    /// What is filled in.
    pub value: String,
}

impl Finding {
    /// What it says to a person.
    pub fn text(&self, locale: Locale) -> String {
        let place = [self.line.map(|line| format!(":{line}")), self.field.as_ref().map(|field| format!(" {field}"))];
        let said = locale.text_with(&format!("transit-{}", self.key), &[("value", &self.value)]);
        format!(
            "{} {}{}: {said}",
            locale.text(self.severity.key()),
            self.file,
            place.into_iter().flatten().collect::<String>()
        )
    }
}

/// What was found in a feed.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    /// In the order of files and lines.
    pub findings: Vec<Finding>,
    /// How many more there were.
    pub left_out: u64,
    errors: u64,
    not_followed: u64,
    #[serde(skip)]
    told: BTreeMap<(String, Severity), usize>,
}

/// Everything that may be said.
pub const KEYS: [&str; 55] = [
    "both-or-none",
    "cheaper-of-two",
    "column-twice",
    "currency",
    "dangling",
    "empty",
    "first-version",
    "forbidden-beside",
    "grants-nothing",
    "key-twice",
    "line-break",
    "missing-column",
    "missing-file",
    "name-twice",
    "negative-fare",
    "no-default",
    "no-rows",
    "no-such-medium",
    "no-validation",
    "not-a-day",
    "not-a-duration",
    "not-a-number",
    "not-a-time",
    "not-after",
    "not-an-amount",
    "not-an-archive",
    "not-ascending",
    "not-followed",
    "not-on-this-card",
    "not-one-of",
    "not-positive",
    "not-utf-8",
    "on-alone",
    "on-off-alone",
    "overlap",
    "path",
    "station-in-station",
    "supplement",
    "too-large",
    "too-long",
    "too-many",
    "too-many-files",
    "too-many-rows",
    "too-much",
    "two-currencies",
    "two-decimals",
    "two-defaults",
    "two-time-zones",
    "unknown-column",
    "unknown-file",
    "unknown-time-zone",
    "unreadable",
    "which-medium",
    "width",
    "within-one-group",
];
/// So many of each severity are told of a file: who has mended these may ask again.
const FINDINGS_OF_A_FILE: usize = 100;
/// What of a value is repeated.
const VALUE_CHARS: usize = 80;

/// Where something was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct At<'a> {
    pub(super) file: &'a str,
    pub(super) line: Option<u64>,
    pub(super) field: Option<&'a str>,
}

impl<'a> At<'a> {
    /// A file as a whole.
    pub(super) const fn file(file: &'a str) -> Self {
        Self { file, line: None, field: None }
    }

    /// A field of it.
    pub(super) const fn field(self, field: &'a str) -> Self {
        Self { field: Some(field), ..self }
    }
}

impl Report {
    /// Whether the feed can be used.
    pub const fn is_usable(&self) -> bool {
        self.errors == 0
    }

    /// Whether something was found.
    pub fn has(&self, key: &str) -> bool {
        self.findings.iter().any(|finding| finding.key == key)
    }

    pub(super) fn error(&mut self, at: At<'_>, key: &'static str, value: impl fmt::Display) {
        self.errors += 1;
        self.say(Severity::Error, at, key, value);
    }

    /// Whether fares follow all that it says.
    pub const fn is_followed(&self) -> bool {
        self.not_followed == 0
    }

    pub(super) fn not_supported(&mut self, at: At<'_>, key: &'static str, value: impl fmt::Display) {
        self.not_followed += 1;
        self.say(Severity::NotSupported, at, key, value);
    }

    pub(super) fn warn(&mut self, at: At<'_>, key: &'static str, value: impl fmt::Display) {
        self.say(Severity::Warning, at, key, value);
    }

    fn say(&mut self, severity: Severity, at: At<'_>, key: &'static str, value: impl fmt::Display) {
        debug_assert!(KEYS.contains(&key), "{key} has no text");
        let told = self.told.entry((at.file.to_owned(), severity)).or_default();
        if *told == FINDINGS_OF_A_FILE {
            self.left_out += 1;
            return;
        }
        *told += 1;
        let value = value.to_string().chars().filter(|char| !char.is_control()).take(VALUE_CHARS).collect();
        let field = at.field.map(str::to_owned);
        self.findings.push(Finding { severity, file: at.file.to_owned(), line: at.line, field, key, value });
    }
}
