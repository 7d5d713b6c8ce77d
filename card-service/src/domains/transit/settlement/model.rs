//! A month, and what was taken in it. Pure.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::ops::{AddAssign, Range};

use card_schema::clock::Micros;
use card_schema::date::Date;
use card_schema::ids::OrganisationId;
use card_schema::money::Fen;

use crate::domains::transit::model::Sold;

/// A month of the calendar, as clocks in China show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month(Date);

impl Default for Month {
    fn default() -> Self {
        Self::of(Date::of_utc(Micros(0)))
    }
}

impl Month {
    /// The month of a day.
    pub fn of(day: Date) -> Self {
        Self(Date::new(day.year(), day.month(), 1).expect("every month has a first day"))
    }

    /// The month of a text like 2026-11.
    pub fn from_text(text: &str) -> Option<Self> {
        format!("{text}-01").parse().ok().map(Self)
    }

    /// From its first moment to before the first moment of the next.
    pub fn span(self) -> Range<Micros> {
        let begins = |day: Date| day.start_utc().plus_seconds(-8 * 3_600);
        begins(self.0)..begins(self.after().0)
    }

    /// The next.
    #[must_use]
    pub fn after(self) -> Self {
        Date::from_days(self.0.end_of_month_after(0).days() + 1).map_or(self, Self)
    }

    /// The one before.
    #[must_use]
    pub fn before(self) -> Self {
        Date::from_days(self.0.days() - 1).map_or(self, Self::of)
    }
}

impl fmt::Display for Month {
    /// Like 2026-11.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:04}-{:02}", self.0.year(), self.0.month())
    }
}

/// Whose money for what.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Of {
    /// Who runs the terminals; nobody where the books do not say.
    pub operator: Option<OrganisationId>,
    /// A network or a pass; nothing where cards were shown at routes that the fares do not know.
    pub sold: Option<Sold>,
}

/// What was taken, and how often.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// What was booked to the operator.
    pub taken: Fen,
    /// What of it, or of an earlier month, went back.
    pub back: Fen,
    /// What the account holds now.
    pub balance: Fen,
    /// How often a card was shown.
    pub shown: i64,
    /// How often it was shown where one gets on; passes that were sold.
    pub rides: i64,
}

impl Sums {
    /// What is left of what was taken.
    pub const fn net(&self) -> Fen {
        Fen(self.taken.0 - self.back.0)
    }
}

impl AddAssign for Sums {
    fn add_assign(&mut self, other: Self) {
        self.taken.0 += other.taken.0;
        self.back.0 += other.back.0;
        self.balance.0 += other.balance.0;
        self.shown += other.shown;
        self.rides += other.rides;
    }
}

/// A month.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settlement {
    /// Which.
    pub month: Month,
    /// By operator and network or pass.
    pub lines: BTreeMap<Of, Sums>,
    /// What operators are called.
    pub operators: HashMap<OrganisationId, String>,
    /// What the fares call networks, by their ids.
    pub names: HashMap<String, String>,
}

impl Settlement {
    /// Adds to a line.
    pub(super) fn add(&mut self, of: Of, sums: Sums) {
        *self.lines.entry(of).or_default() += sums;
    }

    /// All lines together.
    pub fn total(&self) -> Sums {
        let mut total = Sums::default();
        for sums in self.lines.values() {
            total += *sums;
        }
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_begins_and_ends_when_clocks_in_china_say_so() {
        let month = Month::from_text("2026-12").unwrap();
        let Range { start, end } = month.span();
        assert_eq!(
            (Date::in_china(start).to_string(), Date::in_china(end).to_string()),
            ("2026-12-01".into(), "2027-01-01".into())
        );
        assert_eq!(Date::in_china(Micros(start.0 - 1)).to_string(), "2026-11-30");
        assert_eq!(
            [month.before(), month, month.after()].map(|month| month.to_string()),
            ["2026-11", "2026-12", "2027-01"]
        );
        assert_eq!(Month::of("2026-12-31".parse().unwrap()), month);
        for text in ["", "2026", "2026-13", "2026-00", "2026-1", "2026-12-01", "x"] {
            assert_eq!(Month::from_text(text), None, "{text}");
        }
    }
}
