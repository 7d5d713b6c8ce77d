//! Days later and earlier, as regulations count them. Pure.

use card_schema::clock::Micros;
use card_schema::date::Date;
use jiff::Span;
use jiff::civil;

/// The day of a moment where the stations are.
pub(super) fn day_of(at: Micros) -> Date {
    Date::in_china(at)
}

/// A day later or earlier. Where a month has no such day, its last one; held at the ends of the calendar.
pub(super) fn shifted(day: Date, by: Span) -> Date {
    let number = |number: u8| i8::try_from(number).expect("months and days are below 32");
    let year = i16::try_from(day.year()).expect("years are below 10,000");
    let civil = civil::date(year, number(day.month()), number(day.day())).saturating_add(by);
    let number = |number: i8| u8::try_from(number).expect("months and days are positive");
    let year = u16::try_from(civil.year()).expect("no year before 1 is asked for");
    Date::new(year, number(civil.month()), number(civil.day())).expect("both calendars have the same days")
}

/// A day some months later or earlier.
pub(super) fn months(day: Date, months: i64) -> Date {
    shifted(day, Span::new().months(months))
}

/// The one of some regulations, oldest first, that is in force on a day.
pub(super) fn in_force<R>(regulations: &[R], since: impl Fn(&R) -> Date, day: Date) -> Option<&R> {
    regulations.iter().rev().find(|regulation| since(regulation) <= day)
}
