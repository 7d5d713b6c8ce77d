//! Work that failed is tried again later, each time twice as late, and does not keep others waiting. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use card_schema::clock::Micros;
use uuid::Uuid;

/// How late it is tried for the second time.
const FIRST: Duration = Duration::from_secs(1);
/// How many times that doubles: to about a quarter of an hour.
const DOUBLINGS: u32 = 10;

/// The imports whose work failed: how often, and when it is tried again.
#[derive(Debug, Default)]
pub(super) struct Later(BTreeMap<Uuid, (u32, Micros)>);

impl Later {
    /// Whether an import may be worked on now.
    pub(super) fn is_due(&self, import: Uuid, now: Micros) -> bool {
        self.0.get(&import).is_none_or(|(_, again)| *again <= now)
    }

    /// The work failed. After how long it is tried again.
    pub(super) fn failed(&mut self, import: Uuid, now: Micros) -> Duration {
        let (failures, again) = self.0.entry(import).or_insert((0, now));
        let wait = FIRST * 2_u32.pow((*failures).min(DOUBLINGS));
        *failures += 1;
        *again = now.plus_seconds(i64::try_from(wait.as_secs()).expect("a quarter of an hour"));
        wait
    }

    /// The work went on.
    pub(super) fn went_on(&mut self, import: Uuid) {
        self.0.remove(&import);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_waits_twice_as_long_each_time_up_to_a_bound_until_it_goes_on() {
        let (mut later, import, other) = (Later::default(), Uuid::from_u128(1), Uuid::from_u128(2));
        let mut now = Micros::from_seconds(1_800_000_000);
        for expected in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 1_024, 1_024] {
            assert_eq!(later.failed(import, now).as_secs(), expected);
            let due = now.plus_seconds(i64::try_from(expected).unwrap());
            assert!(!later.is_due(import, Micros(due.0 - 1)) && later.is_due(import, due) && later.is_due(other, now));
            now = due;
        }
        later.went_on(import);
        assert!(later.is_due(import, now));
        assert_eq!(later.failed(import, now).as_secs(), 1);
    }
}
