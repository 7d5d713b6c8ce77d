//! Months of the calendar. No time zone of their own: their moments are those of clocks in China.

use std::{fmt, ops::Range, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{clock::Micros, date::Date};

/// A month of the calendar. Orders by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

    /// Its first day.
    pub const fn first(self) -> Date {
        self.0
    }

    /// From its first moment to before the first moment of the next.
    pub fn span(self) -> Range<Micros> {
        self.0.start_in_china()..self.after().0.start_in_china()
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
    /// `YYYY-MM` (ISO 8601-1, 5.2.2.2).
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:04}-{:02}", self.0.year(), self.0.month())
    }
}

/// A text that is no month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a month is written like 2026-11")]
pub struct NoMonth;

impl FromStr for Month {
    type Err = NoMonth;

    fn from_str(text: &str) -> Result<Self, NoMonth> {
        format!("{text}-01").parse().map(Self).map_err(|_| NoMonth)
    }
}

impl Serialize for Month {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Month {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_follow_one_another_and_are_written_as_they_are_read() {
        let month = |text: &str| text.parse::<Month>();
        let december = month("2026-12").unwrap();
        assert_eq!(
            [december.before(), december, december.after()].map(|month| month.to_string()),
            ["2026-11", "2026-12", "2027-01"]
        );
        assert_eq!(Month::of("2026-12-31".parse().unwrap()), december);
        let Range { start, end } = december.span();
        assert_eq!(
            [start, end, Micros(start.0 - 1)].map(|at| Date::in_china(at).to_string()),
            ["2026-12-01", "2027-01-01", "2026-11-30"]
        );
        for wrong in ["", "2026", "2026-13", "2026-00", "2026-1", "2026-12-01", "26-12", "２０２６-12", "x"] {
            assert_eq!(month(wrong), Err(NoMonth), "{wrong}");
        }
    }
}
