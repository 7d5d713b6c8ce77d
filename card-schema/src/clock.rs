//! Time as everything here stores and signs it. Does not read a clock: callers bring the time.

use serde::{Deserialize, Serialize};

/// Microseconds since 1970-01-01T00:00:00 UTC, leap seconds not counted (POSIX time).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct Micros(pub i64);

impl Micros {
    /// Microseconds in one second.
    pub const PER_SECOND: i64 = 1_000_000;

    /// This many whole seconds since 1970.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(Self::PER_SECOND))
    }

    /// Whole seconds since 1970, rounded towards the past.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(Self::PER_SECOND)
    }

    /// This time moved by a number of seconds, held at the ends of the range.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(Self::PER_SECOND)))
    }

    /// The distance to another time in microseconds, held at the ends of the range.
    pub const fn distance(self, other: Self) -> u64 {
        self.0.abs_diff(other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Micros;

    #[test]
    fn seconds_round_towards_the_past_on_both_sides_of_1970() {
        assert_eq!(Micros(1_999_999).seconds(), 1);
        assert_eq!(Micros(-1).seconds(), -1);
        assert_eq!(Micros::from_seconds(i64::MAX), Micros(i64::MAX));
    }
}
