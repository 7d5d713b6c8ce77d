//! What is counted, what may be granted, how a visitor's pass stands, and which counts are shown. Pure.

use card_schema::clock::Micros;
use card_schema::date::Date;
use card_schema::envelope::receipt::Outcome;
use card_schema::gate::Window;

use super::model::{Count, Issued, Standing, hour};
use crate::domains::{Ask, Decision, Effect, Room};
use crate::ledger::{AccountKey, Book};

/// The smallest count that is shown.
pub const LEAST: u64 = 10;
/// The longest for which somebody may pass, in days: as long as a card is good.
const MOST_DAYS: i64 = 5 * 366;
/// The longest for which a visitor's pass is good, in seconds.
const PASS_SECONDS: i64 = 7 * 86_400;
/// How long before a visitor comes a pass may be given out, in days.
const AHEAD_DAYS: i64 = 30;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct Gate;

impl Room for Gate {
    fn accounts(&self, _ask: &Ask<'_>) -> Vec<AccountKey> {
        Vec::new()
    }

    /// Whoever has signed there was let in.
    fn decide(&self, ask: &Ask<'_>, _book: &Book) -> Decision {
        let count = Count { shard: ask.shard, terminal: ask.terminal, hour: hour(ask.at) };
        Decision { effects: vec![Effect::GateCount(count)], ..Decision::plain(Outcome::Accepted) }
    }
}

/// What is wrong with days from which and up to which somebody is to pass: the field, and the key of a text.
///
/// # Errors
/// Where the first is over, the last comes before it, or it is too long.
pub fn check_days(first: Date, last: Date, today: Date) -> Result<(), (&'static str, &'static str)> {
    if first < today {
        Err(("first", "gate-day-over"))
    } else if last < first {
        Err(("last", "gate-day-order"))
    } else if last.days() - first.days() >= MOST_DAYS {
        Err(("last", "gate-days-many"))
    } else {
        Ok(())
    }
}

/// Whether it can still come to anything: nobody has ended it, and its last hours are not over.
pub fn is_over(window: &Window, ended: bool, today: Date) -> bool {
    let spills = i64::from(window.hours.cross_midnight());
    ended || window.last.days() + spills < today.days()
}

/// A moment, by a day and a minute of it.
pub fn moment(day: Date, minute: u16) -> Micros {
    day.start_in_china().plus_seconds(i64::from(minute) * 60)
}

/// What is wrong with the times of a visitor's pass: the field, and the key of a text.
///
/// # Errors
/// Where it would be over already, begin on a day that is over or too far ahead, or be good for too long.
pub fn check_pass(from: Micros, until: Micros, now: Micros) -> Result<(), (&'static str, &'static str)> {
    let (today, first) = (Date::in_china(now), Date::in_china(from));
    if first < today {
        Err(("from_day", "gate-day-over"))
    } else if first.days() - today.days() > AHEAD_DAYS {
        Err(("from_day", "gate-pass-early"))
    } else if until <= from {
        Err(("until_day", "gate-pass-order"))
    } else if until <= now {
        Err(("until_day", "gate-pass-ended"))
    } else if until > from.plus_seconds(PASS_SECONDS) {
        Err(("until_day", "gate-pass-long"))
    } else {
        Ok(())
    }
}

/// A minute of the day as people type it; the end of the day is 24:00.
pub fn minute(typed: &str) -> Option<u16> {
    let plain: String = typed
        .trim()
        .chars()
        .map(|one| match one {
            '\u{FF10}'..='\u{FF1A}' => char::from_u32(u32::from(one) - 0xFEE0).unwrap_or(one),
            other => other,
        })
        .collect();
    let (hours, minutes) = match plain.split_once(':') {
        Some(parts) => parts,
        None if plain.len() == 4 && plain.is_ascii() => plain.split_at(2),
        None => return None,
    };
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(hours) || !is_number(minutes) || !matches!(hours.len(), 1 | 2) || minutes.len() != 2 {
        return None;
    }
    let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
    let minute = hours * 60 + minutes;
    (minutes < 60 && minute <= 1_440).then_some(minute)
}

/// How a visitor's pass stands at a site that is closed, or is not.
pub fn standing(pass: &Issued, is_closed: bool, now: Micros) -> Standing {
    if pass.withdrawn_at.is_some() || is_closed {
        Standing::Withdrawn
    } else if now >= pass.until {
        Standing::Over
    } else if now < pass.from {
        Standing::NotYet
    } else {
        Standing::Good
    }
}
