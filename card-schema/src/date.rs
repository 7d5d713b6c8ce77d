//! Calendar days: of birth, of expiry. No time zone and no clock: a day is a day where it is written.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::clock::Micros;

const MICROS_PER_DAY: i64 = 86_400 * Micros::PER_SECOND;
/// From UTC to the time of China, all the year.
pub(crate) const CHINA_SECONDS: i64 = 8 * 3_600;

/// A day of the Gregorian calendar, from year 1 to 9999. Orders by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// This day, if the calendar has it.
    pub const fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        if year == 0 || year > 9999 || day == 0 || day > days_in_month(year, month) {
            return None;
        }
        Some(Self { year, month, day })
    }

    /// The day of eight ASCII digits, `YYYYMMDD`.
    pub fn from_digits(digits: [u8; 8]) -> Option<Self> {
        let number = |digits: &[u8]| {
            digits
                .iter()
                .try_fold(0_u16, |number, digit| digit.is_ascii_digit().then(|| number * 10 + u16::from(digit - b'0')))
        };
        let month = u8::try_from(number(&digits[4..6])?).ok()?;
        let day = u8::try_from(number(&digits[6..])?).ok()?;
        Self::new(number(&digits[..4])?, month, day)
    }

    /// This day as eight ASCII digits, `YYYYMMDD`.
    pub fn to_digits(self) -> [u8; 8] {
        let mut digits = [b'0'; 8];
        let mut number = u32::from(self.year) * 10_000 + u32::from(self.month) * 100 + u32::from(self.day);
        for digit in digits.iter_mut().rev() {
            *digit += u8::try_from(number % 10).expect("a digit is below ten");
            number /= 10;
        }
        digits
    }

    /// The day in UTC at this time, held at the ends of the range.
    pub fn of_utc(time: Micros) -> Self {
        let days = time.0.div_euclid(MICROS_PER_DAY);
        // Years of 400 years each, beginning in March, so that the leap day is a year's last
        // (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        match (u16::try_from(year), u8::try_from(month), u8::try_from(day)) {
            (Ok(year), Ok(month), Ok(day)) if (1..=9999).contains(&year) => Self { year, month, day },
            _ if year < 1 => Self { year: 1, month: 1, day: 1 },
            _ => Self { year: 9999, month: 12, day: 31 },
        }
    }

    /// The first moment of this day in UTC.
    pub fn start_utc(self) -> Micros {
        let year = i64::from(self.year) - i64::from(self.month <= 2);
        let month_from_march = (i64::from(self.month) + 9) % 12;
        let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(self.day) - 1;
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        Micros((era * 146_097 + day_of_era - 719_468) * MICROS_PER_DAY)
    }

    /// The day in China at this time: eight hours ahead of UTC, all the year.
    pub fn in_china(time: Micros) -> Self {
        Self::of_utc(time.plus_seconds(CHINA_SECONDS))
    }

    /// When this day begins in China.
    pub fn start_in_china(self) -> Micros {
        self.start_utc().plus_seconds(-CHINA_SECONDS)
    }

    /// Days since 1970-01-01.
    pub fn days(self) -> i64 {
        self.start_utc().0.div_euclid(MICROS_PER_DAY)
    }

    /// The day so many days after 1970-01-01, if the calendar of this program has it.
    pub fn from_days(days: i64) -> Option<Self> {
        let day = Self::of_utc(Micros(days.checked_mul(MICROS_PER_DAY)?));
        (day.days() == days).then_some(day)
    }

    /// The last day of the month so many months later, held at the end of the range.
    #[must_use]
    pub fn end_of_month_after(self, months: u32) -> Self {
        let month = i64::from(self.year) * 12 + i64::from(self.month - 1) + i64::from(months);
        let (year, month) = (u16::try_from(month / 12).unwrap_or(u16::MAX), u8::try_from(month % 12 + 1).unwrap_or(12));
        Self::new(year, month, days_in_month(year, month)).unwrap_or(Self { year: 9999, month: 12, day: 31 })
    }

    /// The year, 1 to 9999.
    pub const fn year(self) -> u16 {
        self.year
    }

    /// The month, 1 to 12.
    pub const fn month(self) -> u8 {
        self.month
    }

    /// The day of the month, 1 to 31.
    pub const fn day(self) -> u8 {
        self.day
    }
}

impl fmt::Display for Date {
    /// `YYYY-MM-DD` (ISO 8601).
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// Text that is not a day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a day: write it like 2026-10-01")]
pub struct ParseDateError;

impl FromStr for Date {
    type Err = ParseDateError;

    /// Reads `YYYY-MM-DD` (ISO 8601), and nothing else.
    fn from_str(text: &str) -> Result<Self, ParseDateError> {
        let digits = match text.as_bytes() {
            [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] => [*y1, *y2, *y3, *y4, *m1, *m2, *d1, *d2],
            _ => return Err(ParseDateError),
        };
        Self::from_digits(digits).ok_or(ParseDateError)
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

const fn days_in_month(year: u16, month: u8) -> u8 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn months_end_where_the_calendar_ends_them() {
        let day = |text: &str| text.parse::<Date>().expect(text);
        for (from, months, end) in [
            ("2026-11-29", 0, "2026-11-30"),
            ("2026-11-29", 1, "2026-12-31"),
            ("2026-11-29", 2, "2027-01-31"),
            ("2027-11-30", 3, "2028-02-29"),
            ("2026-12-31", 24, "2028-12-31"),
            ("9999-12-01", 1, "9999-12-31"),
            ("2026-12-01", u32::MAX, "9999-12-31"),
        ] {
            assert_eq!(day(from).end_of_month_after(months), day(end), "{months} months after {from}");
        }
        for bad in ["", "2026-2-01", "2026-02-30", "20260201", "2026-02-01 ", "２０２６-01-01"] {
            assert_eq!(bad.parse::<Date>(), Err(ParseDateError), "{bad}");
        }
        assert_eq!(Date::in_china(Micros::from_seconds(57_600)), day("1970-01-02"));
        assert_eq!(Date::in_china(Micros::from_seconds(57_599)), day("1970-01-01"));
    }

    #[test]
    fn days_the_calendar_lacks_are_refused() {
        let table = [
            (*b"20240229", true),
            (*b"20230229", false),
            (*b"19000229", false),
            (*b"20000229", true),
            (*b"20230431", false),
            (*b"20231301", false),
            (*b"20230001", false),
            (*b"20230100", false),
            (*b"00000101", false),
            (*b"2023 101", false),
        ];
        for (digits, exists) in table {
            assert_eq!(Date::from_digits(digits).is_some(), exists, "{digits:?}");
        }
    }

    #[test]
    fn days_have_the_start_that_other_calendars_give_them() {
        let table = [
            ((1970, 1, 1), 0),
            ((2000, 3, 1), 951_868_800),
            ((2026, 11, 23), 1_795_392_000),
            ((1969, 12, 31), -86_400),
            ((1900, 1, 1), -2_208_988_800),
        ];
        for ((year, month, day), seconds) in table {
            let date = Date::new(year, month, day).expect("a day of the table");
            assert_eq!(date.start_utc(), Micros::from_seconds(seconds), "{date}");
        }
    }

    #[test]
    fn the_ends_of_the_range_hold() {
        assert_eq!(Date::of_utc(Micros(i64::MAX)).to_string(), "9999-12-31");
        assert_eq!(Date::of_utc(Micros(i64::MIN)).to_string(), "0001-01-01");
    }

    proptest! {
        #[test]
        fn a_day_holds_from_its_first_to_its_last_microsecond(days in -719_000_i64..2_932_000) {
            let start = Micros(days * MICROS_PER_DAY);
            let date = Date::of_utc(start);
            prop_assert_eq!(date.start_utc(), start);
            prop_assert_eq!(Date::of_utc(Micros(start.0 + MICROS_PER_DAY - 1)), date);
            prop_assert_eq!(Date::from_digits(date.to_digits()), Some(date));
            prop_assert!(Date::of_utc(Micros(start.0 + MICROS_PER_DAY)) > date);
        }
    }
}
