//! The columns of a spreadsheet of people: which field each heading names, and what its cells say in words. Pure.

use crate::domains::residence::model::{Document, Facts, Field};
use crate::domains::residence::view;
use crate::i18n::Locale;
use crate::sheet::Column;

/// The document of a row that does not say which.
pub(super) const USUAL_DOCUMENT: Document = Document::ResidentIdentityCard;

impl Column for Field {
    const ALL: &'static [Self] = &Self::ALL;
    const NEEDED: &'static [Self] = &[Self::DocumentNumber, Self::Name, Self::Address, Self::AddressSince, Self::Home];

    fn title(self, locale: Locale) -> String {
        view::label(locale, self)
    }

    fn is_called(self, heading: &str) -> bool {
        Locale::ALL.into_iter().any(|locale| self.title(locale).eq_ignore_ascii_case(heading)) || self.name() == heading
    }
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
