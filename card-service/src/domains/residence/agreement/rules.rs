//! Who may agree and when, and what holds of all that was said. Pure.

use card_schema::date::Date;

use super::model::{Means, Said, Signed, Signer, Standing, Statement};
use crate::domains::residence::calendar::shifted;
use crate::domains::residence::model::{Facts, Field};
use crate::domains::residence::rules::{self, day};

/// For whom is younger, a guardian agrees (Personal Information Protection Law, article 31).
const AGREES_AT_YEARS: i64 = 14;

/// Whether somebody else has to agree for a person on a day. Of whom no birthday is known, nobody has to.
pub fn is_child(birth: Option<Date>, on: Date) -> bool {
    birth.is_some_and(|birth| on < shifted(birth, jiff::Span::new().years(AGREES_AT_YEARS)))
}

/// The day of birth, as the record or the number of the document has it.
pub fn birth(facts: &Facts, today: Date) -> Option<Date> {
    day(facts.get(Field::Birth)).or_else(|| rules::birth_in_document(facts, today))
}

/// What was typed of who signed and when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Typed {
    /// The day.
    pub day: String,
    /// The name of a [`Signer`].
    pub signer: String,
    /// The name of whoever signed in the person's place.
    pub name: String,
}

/// What a statement is held against.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// When the person was born, if that is known.
    pub birth: Option<Date>,
    /// It cannot have been signed before, and the key of the text that says why.
    pub since: Option<(Date, &'static str)>,
    /// Nor after.
    pub today: Date,
}

/// Something that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The field's name.
    pub field: &'static str,
    /// The key of the text that says what to do.
    pub key: &'static str,
    /// A day that it names.
    pub day: Option<Date>,
}

impl Wrong {
    /// At a field.
    pub const fn at(field: &'static str, key: &'static str) -> Self {
        Self { field, key, day: None }
    }
}

/// Checks what was typed.
///
/// # Errors
/// Everything that is wrong, in the order in which it is asked for.
pub fn check(typed: &Typed, bounds: &Bounds) -> Result<Statement, Vec<Wrong>> {
    let mut wrong = Vec::new();
    let signed_on = day(&typed.day);
    match (signed_on, bounds.since) {
        (None, _) => wrong.push(Wrong::at("day", "agreement-day-bad")),
        (Some(day), _) if day > bounds.today => wrong.push(Wrong::at("day", "agreement-day-future")),
        (Some(day), Some((since, why))) if day < since => {
            wrong.push(Wrong { day: Some(since), ..Wrong::at("day", why) });
        }
        _ => {}
    }
    let signer = Signer::from_name(&typed.signer);
    match signer {
        None => wrong.push(Wrong::at("signer", "agreement-signer-missing")),
        Some(signer) if !signer.is_guardian() && is_child(bounds.birth, signed_on.unwrap_or(bounds.today)) => {
            wrong.push(Wrong::at("signer", "agreement-signer-child"));
        }
        Some(_) => {}
    }
    let name = rules::name(&typed.name);
    match (signer, &name) {
        (Some(Signer::Holder), _) if !typed.name.trim().is_empty() => {
            wrong.push(Wrong::at("name", "agreement-name-not-needed"));
        }
        (Some(Signer::Holder), _) | (_, Some(_)) => {}
        (_, None) if typed.name.trim().is_empty() && signer.is_none() => {}
        (_, None) => wrong.push(Wrong::at("name", "agreement-name-missing")),
    }
    match (signed_on, signer) {
        (Some(day), Some(signer)) if wrong.is_empty() => {
            Ok(Statement { day, signed: Signed { signer, name: name.unwrap_or_default() } })
        }
        _ => Err(wrong),
    }
}

/// What holds of all that was said: what came to be known last. What the card of a child has signed counts for nothing.
pub fn newest(said: Vec<Said>, birth: Option<Date>) -> Option<Said> {
    let counts = |said: &Said| {
        !matches!(said.standing, Standing::Agreed { means: Means::Card, .. }) || !is_child(birth, said.day)
    };
    said.into_iter().filter(counts).max_by_key(|said| said.at)
}

#[cfg(test)]
mod tests {
    use card_schema::clock::Micros;
    use card_schema::ids::{HolderId, Shard};

    use super::*;

    fn on(text: &str) -> Date {
        day(text).unwrap()
    }

    fn typed(day: &str, signer: &str, name: &str) -> Typed {
        Typed { day: day.to_owned(), signer: signer.to_owned(), name: name.to_owned() }
    }

    #[test]
    fn whoever_is_fourteen_agrees_alone_from_the_birthday_on() {
        for (birth, on_day, is_child_then) in [
            ("2012-11-29", "2026-11-28", true),
            ("2012-11-28", "2026-11-28", false),
            ("2012-02-29", "2026-02-27", true),
            ("2012-02-29", "2026-02-28", false),
            ("1990-01-01", "2026-11-28", false),
        ] {
            assert_eq!(is_child(Some(on(birth)), on(on_day)), is_child_then, "{birth} {on_day}");
        }
        assert!(!is_child(None, on("2026-11-28")));
    }

    #[test]
    fn the_day_of_birth_is_that_of_the_record_or_of_the_document() {
        let card = Facts::default()
            .with(Field::DocumentKind, "resident_identity_card")
            .with(Field::DocumentNumber, "110000199001010013");
        let today = on("2026-11-28");
        assert_eq!(birth(&card, today), Some(on("1990-01-01")));
        assert_eq!(birth(&card.with(Field::Birth, "2015-03-07"), today), Some(on("2015-03-07")));
        assert_eq!(birth(&Facts::default(), today), None);
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_its_field() {
        type Row = (Typed, &'static [(&'static str, &'static str)]);
        let bounds = Bounds {
            birth: Some(on("2012-11-20")),
            since: Some((on("2026-11-10"), "agreement-day-printed")),
            today: on("2026-11-28"),
        };
        let rows: [Row; 12] = [
            (typed("2026-11-28", "holder", ""), &[]),
            (typed("2026-11-10", "parent", "测试乙"), &[]),
            (typed("2026年11月20日", "holder", " "), &[]),
            (typed("2026-11-28", "helper", "测试乙"), &[]),
            // On that day the person was thirteen.
            (typed("2026-11-19", "holder", ""), &[("signer", "agreement-signer-child")]),
            (typed("2026-11-19", "relative", "测试乙"), &[("signer", "agreement-signer-child")]),
            (typed("2026-11-29", "holder", ""), &[("day", "agreement-day-future")]),
            (typed("2026-11-09", "parent", "测试乙"), &[("day", "agreement-day-printed")]),
            (typed("2026-02-30", "", ""), &[("day", "agreement-day-bad"), ("signer", "agreement-signer-missing")]),
            (typed("2026-11-28", "aunt", "测试乙"), &[("signer", "agreement-signer-missing")]),
            (typed("2026-11-28", "guardian", ""), &[("name", "agreement-name-missing")]),
            (typed("2026-11-28", "holder", "测试乙"), &[("name", "agreement-name-not-needed")]),
        ];
        for (typed, expected) in rows {
            let wrong = check(&typed, &bounds).err().unwrap_or_default();
            let wrong: Vec<_> = wrong.iter().map(|wrong| (wrong.field, wrong.key)).collect();
            assert_eq!(wrong, expected, "{typed:?}");
        }
        let statement = check(&typed("2026-11-28", "parent", " 测试  乙 "), &bounds).unwrap();
        assert_eq!(statement.signed, Signed { signer: Signer::Parent, name: "测试 乙".to_owned() });
    }

    #[test]
    fn what_came_to_be_known_last_holds_and_the_card_of_a_child_says_nothing() {
        let said = |at, standing| Said {
            standing,
            day: on("2026-11-28"),
            at: Micros(at),
            staff: String::new(),
            record: HolderId::new(Shard(3), [8; 16]),
        };
        let card = |at| said(at, Standing::Agreed { version: 1, means: Means::Card });
        let withdrawn = said(5, Standing::Withdrawn);
        assert_eq!(newest(Vec::new(), None), None);
        assert_eq!(newest(vec![card(1), withdrawn.clone(), card(3)], None), Some(withdrawn.clone()));
        assert_eq!(newest(vec![withdrawn.clone(), card(7)], None), Some(card(7)));
        let child = Some(on("2015-01-01"));
        assert_eq!(newest(vec![card(7)], child), None);
        assert_eq!(newest(vec![withdrawn.clone(), card(7)], child), Some(withdrawn));
    }
}
