//! What happened to a record, as a history shows it. Pure.

use card_schema::clock::Micros;

use super::label;
use crate::console::history::Line;
use crate::console::view::reason;
use crate::domains::residence::model::Field;
use crate::domains::residence::rules;
use crate::domains::residence::stays::Stay;
use crate::domains::residence::store::PastFact;
use crate::i18n::Locale;
use crate::people::Purpose;

/// What one request reads is read within so many microseconds.
const TOGETHER: i64 = 2_000_000;

/// A read of a record: when, who, for which purpose, and what was read.
pub type Read = (Micros, String, String, String);

fn joined(locale: Locale, texts: &[String]) -> String {
    texts.join(&locale.text("console-list-comma"))
}

/// Changes of a record, newest first: a line for the fields that were changed at once.
pub fn changes(locale: Locale, past: &[PastFact]) -> Vec<Line> {
    let line = |change: &[PastFact]| {
        let fields: Vec<_> = change.iter().map(|past| label(locale, past.field)).collect();
        let why = locale.text(&format!("residence-change-{}", change[0].reason.name()));
        Line::at(change[0].at, joined(locale, &fields), why, change[0].staff.clone())
    };
    past.chunk_by(|one, next| one.at == next.at).map(line).collect()
}

/// Where the person moved in; nothing where the day is not known.
pub fn moved_in(locale: Locale, stay: &Stay) -> Option<Line> {
    let day = rules::day(&stay.since)?;
    Some(Line::on(day, locale.text("timeline-moved-in"), stay.address.to_string()))
}

/// Who read the record, newest first: a line for what was read together.
pub fn reads(locale: Locale, reads: &[Read]) -> Vec<Line> {
    let together = |one: &Read, next: &Read| (&one.1, &one.2) == (&next.1, &next.2) && one.0.0 - next.0.0 < TOGETHER;
    let line = |read: &[Read]| {
        let what = |name: &str| match Field::from_name(name) {
            Some(field) => label(locale, field),
            None => locale.text(&format!("timeline-read-{}", name.replace('_', "-"))),
        };
        let mut fields: Vec<_> = read.iter().map(|(.., field)| what(field)).collect();
        fields.reverse();
        let why = Purpose::from_name(&read[0].2).map_or_else(String::new, |purpose| reason(locale, purpose));
        let what = locale.text_with("timeline-read", &[("what", &joined(locale, &fields))]);
        Line::at(read[0].0, what, why, read[0].1.clone())
    };
    reads.chunk_by(together).map(line).collect()
}
