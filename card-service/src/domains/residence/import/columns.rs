//! The columns of a spreadsheet of people: which field each heading names, and what its cells say in words. Pure.

use std::collections::BTreeMap;

use crate::domains::residence::model::{Document, Facts, Field};
use crate::domains::residence::view;
use crate::i18n::Locale;

/// The document of a row that does not say which.
pub(super) const USUAL_DOCUMENT: Document = Document::ResidentIdentityCard;

/// The fields without which nobody can be registered.
pub(super) const NEEDED: [Field; 5] =
    [Field::DocumentNumber, Field::Name, Field::Address, Field::AddressSince, Field::Home];

/// Which field each column holds.
#[derive(Debug)]
pub(super) struct Columns(BTreeMap<u32, Field>);

/// What is wrong with the headings.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// Nothing is known by these.
    Unknown(Vec<u32>),
    /// What this one holds stands in another already.
    Twice(u32),
    /// These are not there.
    Missing(Vec<Field>),
}

impl Columns {
    /// The columns by their headings, in either language, with or without the star of the template.
    pub(super) fn of<'a>(headings: impl Iterator<Item = (u32, &'a str)>) -> Result<Self, Wrong> {
        let (mut columns, mut unknown) = (BTreeMap::new(), Vec::new());
        // What is wrong with a row stands beside it in a sheet that came back, and is looked for anew.
        let is_reason = |heading: &str| Locale::ALL.into_iter().any(|locale| locale.text("import-reason") == heading);
        for (column, heading) in headings.filter(|(_, heading)| !is_reason(heading.trim())) {
            match field_called(heading) {
                None => unknown.push(column),
                Some(field) if columns.values().any(|taken| *taken == field) => return Err(Wrong::Twice(column)),
                Some(field) => {
                    columns.insert(column, field);
                }
            }
        }
        let missing: Vec<_> = NEEDED.into_iter().filter(|field| !columns.values().any(|held| held == field)).collect();
        // A sheet without its headings lacks them all: that says more than that its first person is none.
        match (missing.is_empty(), unknown.is_empty()) {
            (false, _) => Err(Wrong::Missing(missing)),
            (true, false) => Err(Wrong::Unknown(unknown)),
            (true, true) => Ok(Self(columns)),
        }
    }

    pub(super) fn field(&self, column: u32) -> Option<Field> {
        self.0.get(&column).copied()
    }
}

fn field_called(heading: &str) -> Option<Field> {
    let heading = heading.trim_matches(|sign: char| sign.is_whitespace() || matches!(sign, '*' | '＊' | '\u{FEFF}'));
    let is_called = |field: &Field| {
        Locale::ALL.into_iter().any(|locale| view::label(locale, *field).eq_ignore_ascii_case(heading))
            || field.name() == heading
    };
    Field::ALL.into_iter().find(is_called)
}

/// The headings of some fields, as they stand in the template.
pub(super) fn titles(fields: &[Field]) -> String {
    let titles: Vec<_> = fields.iter().map(|field| view::label(Locale::ZhCn, *field)).collect();
    titles.join("、")
}

/// The words of a cell where a field has only some: their name; what is typed otherwise stays, and is found wrong.
pub(super) fn value(field: Field, text: &str) -> String {
    let says = |name: &&'static str| {
        Locale::ALL.into_iter().any(|locale| view::shown(locale, field, name).eq_ignore_ascii_case(text))
    };
    field.names().into_iter().find(says).unwrap_or(text).to_owned()
}

/// The words that a field has, in a language; none where anything may be typed.
pub(super) fn words(locale: Locale, field: Field) -> Vec<String> {
    field.names().into_iter().map(|name| view::shown(locale, field, name)).collect()
}

/// What a row says of a field, for a cell of a sheet that goes back to its sender.
pub(super) fn cell(locale: Locale, facts: &Facts, field: Field) -> String {
    let text = facts.get(field);
    if field.names().contains(&text) { view::shown(locale, field, text) } else { text.to_owned() }
}
