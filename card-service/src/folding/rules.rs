//! What is folded, and when. Pure.

use std::collections::BTreeMap;

use card_schema::clock::Micros;
use card_schema::date::Date;
use card_schema::month::Month;
use card_schema::operation::OperationCode;
use minicbor::{Decoder, Encoder};

/// Operations whose taps are folded, by their numbers in the database.
pub const FOLDED: [OperationCode; 3] =
    [OperationCode::GateCheck, OperationCode::TransitValidation, OperationCode::TransitInspection];

/// How long what people did is kept before it is folded, counted from when the service got it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Days in which whoever travels may dispute a fare.
    pub dispute_days: u32,
    /// Days in which a tap at a gate is kept: a terminal brings it again as long as it goes on without the service.
    pub gate_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { dispute_days: 30, gate_days: 8 }
    }
}

impl Retention {
    /// What is before this nobody may dispute any more.
    pub fn disputed_since(self, now: Micros) -> Micros {
        days_before(now, self.dispute_days.into())
    }

    /// Travels are folded that were known before this. A terminal's clock may be off by a day.
    pub fn travels_before(self, now: Micros) -> Micros {
        days_before(now, i64::from(self.dispute_days) + 1)
    }

    /// Taps at gates are folded that were known before this.
    pub fn gates_before(self, now: Micros) -> Micros {
        days_before(now, self.gate_days.into())
    }
}

const fn days_before(now: Micros, days: i64) -> Micros {
    now.plus_seconds(-days * 86_400)
}

/// The first moment of the month in China in which a moment lies: what a folded transfer has for its time.
pub fn month(at: Micros) -> Micros {
    Month::of(Date::in_china(at)).span().start
}

/// A transfer between two accounts of a shard, by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Gives.
    pub debit: i64,
    /// Receives.
    pub credit: i64,
    /// How much.
    pub amount: i64,
    /// When.
    pub at: Micros,
}

/// What transfers come to between each two accounts in each month; nothing where it is nothing.
pub fn net(transfers: impl IntoIterator<Item = Moved>) -> Vec<Moved> {
    let mut sums: BTreeMap<(Micros, i64, i64), i64> = BTreeMap::new();
    for Moved { debit, credit, amount, at } in transfers {
        let (low, high, amount) = if debit < credit { (debit, credit, amount) } else { (credit, debit, -amount) };
        *sums.entry((month(at), low, high)).or_default() += amount;
    }
    let moved = sums.into_iter().filter(|(_, amount)| *amount != 0);
    let moved = moved.map(|((at, low, high), amount)| {
        let (debit, credit) = if amount > 0 { (low, high) } else { (high, low) };
        Moved { debit, credit, amount: amount.abs(), at }
    });
    moved.collect()
}

/// Numbers of a lane one after the other whose taps are folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The first.
    pub first: i64,
    /// The last.
    pub last: i64,
    /// The tap before the first.
    pub previous: [u8; 32],
    /// The last tap.
    pub head: [u8; 32],
}

/// The same numbers as as few runs as there can be. Runs follow one another where chain and numbers do.
pub fn joined(mut runs: Vec<Run>) -> Vec<Run> {
    runs.sort_unstable_by_key(|run| run.first);
    let mut joined: Vec<Run> = Vec::with_capacity(runs.len());
    for run in runs {
        match joined.last_mut() {
            Some(before) if (before.last + 1, before.head) == (run.first, run.previous) => {
                (before.last, before.head) = (run.last, run.head);
            }
            _ => joined.push(run),
        }
    }
    joined
}

/// Numbers of leaves as they are kept: an array of the first and of how far each next one is.
///
/// # Panics
/// Where they are not in order.
pub fn encoded(leaves: &[i64]) -> Vec<u8> {
    assert!(leaves.is_sorted_by(|one, next| one < next), "numbers of leaves are in order");
    let mut e = Encoder::new(Vec::with_capacity(leaves.len() * 2 + 9));
    let mut before = 0;
    let mut write = || {
        e.array(leaves.len() as u64)?;
        for leaf in leaves {
            e.i64(leaf - before)?;
            before = *leaf;
        }
        Ok::<_, minicbor::encode::Error<std::convert::Infallible>>(())
    };
    write().expect("writing to memory does not fail");
    e.into_writer()
}

/// The opposite of [`encoded`]; nothing for what it does not write.
pub fn decoded(bytes: &[u8]) -> Option<Vec<i64>> {
    let mut d = Decoder::new(bytes);
    let (mut leaves, mut before) = (Vec::new(), 0_i64);
    for _ in 0..d.array().ok()?? {
        let distance = d.i64().ok().filter(|distance| *distance > 0)?;
        before = before.checked_add(distance)?;
        leaves.push(before);
    }
    (d.position() == bytes.len()).then_some(leaves)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transfers_come_to_one_between_two_accounts_in_a_month() {
        let at = |text: &str| text.parse::<Date>().unwrap().start_utc();
        let moved = |debit, credit, amount, day| Moved { debit, credit, amount, at: at(day) };
        let months = [at("2026-10-01"), at("2026-11-01")].map(|day| day.plus_seconds(-8 * 3_600));
        let transfers = [
            moved(1, 9, 300, "2026-10-02"),
            moved(1, 9, 200, "2026-10-30"),
            moved(9, 1, 100, "2026-10-31"),
            moved(1, 9, 500, "2026-11-01"),
            moved(9, 2, 700, "2026-11-01"),
            moved(1, 8, 50, "2026-10-05"),
            moved(8, 1, 50, "2026-10-06"),
        ];
        let of = |debit, credit, amount, month: usize| Moved { debit, credit, amount, at: months[month] };
        let expected = [of(1, 9, 400, 0), of(1, 9, 500, 1), of(9, 2, 700, 1)];
        assert_eq!(net(transfers), expected);
        assert_eq!(net(expected), expected, "folded once more it is the same");
        // Midnight in China is 16:00 of the day before.
        assert_eq!(month(Micros(months[1].0 - 1)), months[0]);
    }

    #[test]
    fn what_is_kept_is_kept_as_long_as_the_settings_say() {
        let now = Micros::from_seconds(100 * 86_400);
        let day = |day: i64| Micros::from_seconds(day * 86_400);
        for (retention, travels, gates) in [
            (Retention::default(), 69, 92),
            (Retention { dispute_days: 0, gate_days: 0 }, 99, 100),
            (Retention { dispute_days: 60, gate_days: 70 }, 39, 30),
        ] {
            let before = (retention.travels_before(now), retention.gates_before(now));
            assert_eq!(before, (day(travels), day(gates)), "{retention:?}");
        }
    }

    #[test]
    fn runs_are_joined_where_chain_and_numbers_go_on() {
        let run = |first, last, previous: u8, head: u8| Run { first, last, previous: [previous; 32], head: [head; 32] };
        let runs = vec![run(5, 5, 4, 5), run(1, 2, 0, 2), run(3, 4, 2, 4), run(8, 9, 7, 9), run(10, 10, 8, 10)];
        assert_eq!(joined(runs), [run(1, 5, 0, 5), run(8, 9, 7, 9), run(10, 10, 8, 10)]);
    }

    #[test]
    fn numbers_of_leaves_are_read_as_they_were_written_and_nothing_else() {
        for leaves in [vec![], vec![7], vec![1, 2, 3, 900_000, 900_001]] {
            assert_eq!(decoded(&encoded(&leaves)), Some(leaves));
        }
        for bad in [&b""[..], &[0x81, 0x00], &[0x81, 0x20], &[0x81, 0x01, 0x00], &[0x9f, 0x01, 0xff]] {
            assert_eq!(decoded(bad), None, "{bad:?}");
        }
    }
}
