//! Days of service, parts of days, and moments as clocks show them. Pure.

use std::collections::HashMap;

/// A set of days (`calendar.txt`, `calendar_dates.txt`), each by its number since 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Days {
    /// The days of every week.
    pub(in crate::domains::transit) weekly: Option<Weekly>,
    /// Days on which it is otherwise.
    pub(in crate::domains::transit) exceptions: HashMap<i32, bool>,
}

/// Some days of every week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::domains::transit) struct Weekly {
    /// From Monday on.
    pub(in crate::domains::transit) weekdays: [bool; 7],
    /// The first day.
    pub(in crate::domains::transit) first: i32,
    /// The last day.
    pub(in crate::domains::transit) last: i32,
}

impl Days {
    pub(in crate::domains::transit) fn hold(&self, day: i32) -> bool {
        self.exceptions.get(&day).copied().unwrap_or_else(|| {
            self.weekly.is_some_and(|Weekly { weekdays, first, last }| {
                // 1970 began on a Thursday.
                let weekday = usize::try_from((day + 3).rem_euclid(7)).expect("below seven");
                (first..=last).contains(&day) && weekdays[weekday]
            })
        })
    }
}

/// A part of the day on some days (`timeframes.txt`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeframe {
    /// The number of its days.
    pub service: u16,
    /// The first second of the day.
    pub start: i32,
    /// The second after the last.
    pub end: i32,
}

/// A moment as clocks at some place show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::domains::transit) struct LocalTime {
    /// Days since 1970.
    pub(in crate::domains::transit) day: i32,
    /// Seconds since midnight.
    pub(in crate::domains::transit) second: i32,
}

/// Seconds of a day.
pub(in crate::domains::transit) const DAY_S: i64 = 86_400;
