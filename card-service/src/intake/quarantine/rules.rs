//! When it takes two to book what was held, and how a moment is typed. Pure.

use card_schema::clock::Micros;
use card_schema::money::Fen;
use jiff::civil::DateTime;
use jiff::tz::Offset;

use super::model::Settlement;
use crate::people::approval::rules::is_beyond;

/// Taps that are decided about at once: those that came first.
pub const MOST: u32 = 2_000;

/// Whether it takes two, for somebody who has booked so much alone within a day. What is not booked moves nothing.
pub fn takes_two(wanted: &Settlement, alone: Fen, limit: Fen) -> bool {
    wanted.reason.books() && is_beyond(wanted.shown.amount, alone, limit)
}

/// The end of a minute as it is typed, in the time of China: nothing where nothing is typed.
///
/// # Errors
/// Where it is no minute.
pub fn moment(typed: &str) -> Result<Option<Micros>, jiff::Error> {
    if typed.trim().is_empty() {
        return Ok(None);
    }
    // China has had one time all year round since 1992: UTC+8.
    let at = DateTime::strptime("%Y-%m-%d %H:%M", typed.trim())?;
    let at = Offset::constant(8).to_timestamp(at)?;
    Ok(Some(Micros(at.as_microsecond() + 59_999_999)))
}

#[cfg(test)]
mod tests {
    use card_schema::ids::TerminalId;

    use super::super::model::{Reason, Shown};
    use super::*;

    #[test]
    fn what_one_books_alone_counts_and_what_is_not_booked_takes_one() {
        let wanted = |reason, amount| {
            let shown = Shown { received_until: Micros(5), digest: [7; 32], taps: 1, amount: Fen(amount) };
            Settlement { terminal: TerminalId::from_bytes([7; 16]), until: None, reason, shown }
        };
        for (reason, amount, alone, two) in [
            (Reason::Before, 20_000, 0, false),
            (Reason::Before, 20_001, 0, true),
            (Reason::Confirmed, 1, 20_000, true),
            (Reason::Confirmed, i64::MAX, 1, true),
            (Reason::Denied, i64::MAX, i64::MAX, false),
        ] {
            assert_eq!(takes_two(&wanted(reason, amount), Fen(alone), Fen(20_000)), two, "{reason:?} {amount} {alone}");
        }
    }

    #[test]
    fn what_was_shown_goes_along_with_a_form_and_comes_back() {
        let shown = Shown { received_until: Micros(-5), digest: [0xab; 32], taps: 1, amount: Fen(5) };
        assert_eq!(Shown::decode(&shown.encode()), Some((shown.received_until, shown.digest)));
        for text in ["", "5", "5.", "5.ab", "x.ab"] {
            assert_eq!(Shown::decode(text), None, "{text}");
        }
    }

    #[test]
    fn a_moment_is_a_minute_of_china_to_its_end() {
        assert_eq!(moment(" ").unwrap(), None);
        assert_eq!(moment("1970-01-01 08:00").unwrap(), Some(Micros(59_999_999)));
        assert_eq!(moment(" 2026-11-23 17:04 ").unwrap(), Some(Micros(1_795_424_699_999_999)));
        for typed in ["yesterday", "2026-11-23", "2026-02-30 10:00", "2026-11-23 25:00", "2026-11-23 17:04:05"] {
            assert!(moment(typed).is_err(), "{typed}");
        }
    }
}
