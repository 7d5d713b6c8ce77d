//! When somebody may pass a gate: from one day to another, on some days of the week, within some hours, by the time of China.
//! The service and whoever decides at a gate without it ask the same function. Pure.
//!
//! Not here: who may pass where and why (the service), a gate's question (`operation::gate`), visitors' passes (`envelope::pass`).

use std::fmt;

use crate::{
    clock::Micros,
    date::{CHINA_SECONDS, Date},
};

/// Minutes of a day.
const DAY_MINUTES: u16 = 24 * 60;

/// Some days of the week, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weekdays(u8);

impl Weekdays {
    /// Every day.
    pub const ALL: Self = Self(0x7F);

    /// From bits: Monday's is the lowest, Sunday's the seventh.
    pub const fn from_bits(bits: u8) -> Option<Self> {
        if bits == 0 || bits > Self::ALL.0 { None } else { Some(Self(bits)) }
    }

    /// As bits.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether this day of the week is among them; 0 is Monday, 6 Sunday.
    pub const fn has(self, weekday: u8) -> bool {
        weekday < 7 && self.0 & 1 << weekday != 0
    }

    /// Whether a day is among them.
    pub fn contains(self, day: Date) -> bool {
        // 1970-01-01 was a Thursday.
        u8::try_from((day.days() + 3).rem_euclid(7)).is_ok_and(|weekday| self.has(weekday))
    }
}

/// Hours of a day, to the minute. Where they end no later than they begin, they end on the next day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    from: u16,
    until: u16,
}

impl Hours {
    /// The whole day.
    pub const ALL: Self = Self { from: 0, until: DAY_MINUTES };

    /// From a minute of the day, counted in, up to another, not counted in; 1440 is the end of the day.
    pub const fn new(from: u16, until: u16) -> Option<Self> {
        if from >= DAY_MINUTES || until > DAY_MINUTES { None } else { Some(Self { from, until }) }
    }

    /// The minute of the day at which they begin.
    pub const fn from(self) -> u16 {
        self.from
    }

    /// The minute of a day at which they have ended.
    pub const fn until(self) -> u16 {
        self.until
    }

    /// Whether they end on the day after the one on which they begin.
    pub const fn cross_midnight(self) -> bool {
        self.until <= self.from
    }
}

impl fmt::Display for Hours {
    /// `HH:MM–HH:MM`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [from, until] = [self.from, self.until].map(|minute| (minute / 60, minute % 60));
        write!(f, "{:02}:{:02}–{:02}:{:02}", from.0, from.1, until.0, until.1)
    }
}

/// When somebody may pass. What begins before midnight belongs to the day on which it begins: also on the last day it lasts
/// until its end, and what began on the day before the first is no part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The first day.
    pub first: Date,
    /// The last day.
    pub last: Date,
    /// On which days of the week.
    pub days: Weekdays,
    /// Within which hours.
    pub hours: Hours,
}

impl Window {
    /// Whether a moment lies in it.
    pub fn contains(&self, at: Micros) -> bool {
        let Hours { from, until } = self.hours;
        let today = Date::in_china(at);
        let seconds = at.plus_seconds(CHINA_SECONDS).seconds().rem_euclid(i64::from(DAY_MINUTES) * 60);
        let minute = u16::try_from(seconds / 60).expect("a minute of a day");
        if self.hours.cross_midnight() {
            let yesterday = Date::from_days(today.days() - 1);
            minute >= from && self.begins_on(today)
                || minute < until && yesterday.is_some_and(|yesterday| self.begins_on(yesterday))
        } else {
            (from..until).contains(&minute) && self.begins_on(today)
        }
    }

    fn begins_on(&self, day: Date) -> bool {
        self.first <= day && day <= self.last && self.days.contains(day)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    /// A moment by the time of China.
    fn at(on: &str, time: &str) -> Micros {
        let (hour, minute): (i64, i64) = (time[..2].parse().unwrap(), time[3..].parse().unwrap());
        day(on).start_in_china().plus_seconds(hour * 3_600 + minute * 60)
    }

    fn window(days: u8, from: u16, until: u16) -> Window {
        let (days, hours) = (Weekdays::from_bits(days).unwrap(), Hours::new(from * 60, until * 60).unwrap());
        // A Monday and a Sunday, three weeks later.
        Window { first: day("2026-11-02"), last: day("2026-11-22"), days, hours }
    }

    #[test]
    fn days_of_the_week_are_those_of_the_calendar() {
        let monday = Weekdays::from_bits(1).unwrap();
        for (on, is_monday) in
            [("2026-11-02", true), ("2026-11-03", false), ("2026-11-08", false), ("1969-12-29", true)]
        {
            assert_eq!(monday.contains(day(on)), is_monday, "{on}");
        }
        let sunday = Weekdays::from_bits(0x40).unwrap();
        assert!(sunday.contains(day("2026-11-08")) && sunday.has(6) && !sunday.has(7) && !sunday.has(255));
        assert_eq!([0, 0x80, 0xFF].map(Weekdays::from_bits), [None; 3], "no day, and no such day");
        assert_eq!(Weekdays::from_bits(0x7F), Some(Weekdays::ALL));
    }

    #[test]
    fn hours_are_of_a_day() {
        assert_eq!(Hours::new(0, 1_440), Some(Hours::ALL));
        assert_eq!(
            [(1_440, 0), (0, 1_441), (u16::MAX, u16::MAX)].map(|(from, until)| Hours::new(from, until)),
            [None; 3]
        );
        assert_eq!(Hours::new(485, 1_080).unwrap().to_string(), "08:05–18:00");
        assert_eq!(Hours::ALL.to_string(), "00:00–24:00");
    }

    #[test]
    fn hours_of_a_day_are_kept_to_the_minute_from_the_first_day_to_the_last() {
        // Monday to Friday, 8 to 18.
        let window = window(0x1F, 8, 18);
        for (on, time, is_in) in [
            ("2026-11-02", "07:59", false),
            ("2026-11-02", "08:00", true),
            ("2026-11-02", "17:59", true),
            ("2026-11-02", "18:00", false),
            ("2026-11-07", "12:00", false),
            ("2026-11-20", "12:00", true),
            ("2026-11-01", "12:00", false),
            ("2026-10-30", "12:00", false),
            ("2026-11-23", "12:00", false),
        ] {
            assert_eq!(window.contains(at(on, time)), is_in, "{on} {time}");
        }
        // In UTC it is still Sunday.
        assert!(Window { hours: Hours::ALL, ..window }.contains(at("2026-11-02", "00:00")));
        assert!(!Window { hours: Hours::ALL, ..window }.contains(Micros(at("2026-11-02", "00:00").0 - 1)));
    }

    #[test]
    fn what_crosses_midnight_belongs_to_the_day_on_which_it_begins() {
        // On Mondays and Sundays, 22 to 6.
        let window = window(0x41, 22, 6);
        for (on, time, is_in) in [
            ("2026-11-02", "05:59", false), // began on the day before the first
            ("2026-11-02", "21:59", false),
            ("2026-11-02", "22:00", true),
            ("2026-11-03", "05:59", true),
            ("2026-11-03", "06:00", false),
            ("2026-11-03", "22:00", false),
            ("2026-11-08", "23:59", true),
            ("2026-11-09", "00:00", true),
            ("2026-11-22", "22:00", true),
            ("2026-11-23", "05:59", true), // began on the last day
            ("2026-11-23", "06:00", false),
            ("2026-11-23", "22:00", false),
        ] {
            assert_eq!(window.contains(at(on, time)), is_in, "{on} {time}");
        }
    }

    #[test]
    fn hours_that_end_when_they_begin_last_a_day_and_a_night() {
        let window = window(1, 9, 9);
        for (on, time, is_in) in [
            ("2026-11-02", "08:59", false),
            ("2026-11-02", "09:00", true),
            ("2026-11-03", "08:59", true),
            ("2026-11-03", "09:00", false),
        ] {
            assert_eq!(window.contains(at(on, time)), is_in, "{on} {time}");
        }
    }

    proptest! {
        #[test]
        fn no_moment_and_no_window_panics(at: i64, first: i64, last: i64, days in 1_u8..0x80, from in 0_u16..1_440, until in 0_u16..=1_440) {
            let of = |at| Date::of_utc(Micros(at));
            let (days, hours) = (Weekdays::from_bits(days).unwrap(), Hours::new(from, until).unwrap());
            let window = Window { first: of(first), last: of(last), days, hours };
            if window.contains(Micros(at)) {
                let today = Date::in_china(Micros(at)).days();
                prop_assert!((window.first.days()..=window.last.days() + 1).contains(&today));
            }
        }

        #[test]
        fn a_window_lasts_as_long_as_its_hours_say(from in 0_u16..1_440, until in 0_u16..=1_440) {
            let one = day("2026-11-04");
            let hours = Hours::new(from, until).unwrap();
            let window = Window { first: one, last: one, days: Weekdays::ALL, hours };
            let begin = one.start_in_china();
            let minutes = (0..2 * 1_440).filter(|minute| window.contains(begin.plus_seconds(minute * 60))).count();
            let expected = if until > from { until - from } else { until + 1_440 - from };
            prop_assert_eq!(minutes, usize::from(expected));
        }
    }
}
