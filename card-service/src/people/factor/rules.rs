//! How often a code may be tried, and that none is taken twice (decision 0028). No I/O.

use card_schema::clock::Micros;

/// So many may be wrong in a row before there is a wait.
const FREE: i64 = 5;
/// The first wait; each further wrong code doubles it.
const WAIT_SECONDS: i64 = 15 * 60;
/// No wait is longer than a day.
const WAIT_AT_MOST_SECONDS: i64 = 86_400;

/// What came of somebody's codes so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tried {
    /// The step of the newest code that was right: none up to it is right again.
    pub step: i64,
    /// How many were wrong since.
    pub wrong: i64,
    /// Until when none is looked at.
    pub wait_until: Micros,
}

impl Tried {
    /// After a code that is right at a step; nothing where that step or a later one was used before.
    pub fn right(self, step: i64) -> Option<Self> {
        (step > self.step).then_some(Self { step, ..Self::default() })
    }

    /// After a wrong one.
    #[must_use]
    pub fn wrong(self, now: Micros) -> Self {
        let wrong = self.wrong.saturating_add(1);
        let doubled = u32::try_from(wrong - FREE).ok().map(|times| WAIT_SECONDS.saturating_mul(1 << times.min(16)));
        let wait = doubled.map_or(0, |seconds| seconds.min(WAIT_AT_MOST_SECONDS));
        Self { wrong, wait_until: if wait > 0 { now.plus_seconds(wait) } else { self.wait_until }, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Micros = Micros(1_790_000_000_000_000);

    #[test]
    fn a_code_is_taken_once_and_none_before_it_any_more() {
        let tried = Tried::default().right(100).unwrap();
        assert_eq!(tried.step, 100);
        assert_eq!(tried.right(100), None);
        assert_eq!(tried.right(99), None);
        assert_eq!(tried.right(101).map(|tried| tried.step), Some(101));
    }

    #[test]
    fn whoever_knows_a_password_and_guesses_codes_gets_few_guesses() {
        // Tries as often as is looked at, from one end of a time to the other.
        let guesses = |days: i64| {
            let (mut tried, mut now, mut count) = (Tried::default(), NOW, 0);
            while now < NOW.plus_seconds(days * 86_400) {
                tried = tried.wrong(now);
                count += 1;
                now = now.max(tried.wait_until);
            }
            count
        };
        assert_eq!(guesses(1), 11);
        // Three codes of a million are right at any time: less than one in eight hundred within a year.
        assert!(guesses(365) < 400, "{}", guesses(365));
    }

    #[test]
    fn four_slips_cost_nothing_and_the_right_code_forgives_all() {
        let mut tried = Tried::default();
        for _ in 0..4 {
            tried = tried.wrong(NOW);
            assert!(tried.wait_until <= NOW);
        }
        tried = tried.wrong(NOW);
        assert_eq!(tried.wait_until, NOW.plus_seconds(15 * 60));
        assert_eq!(tried.right(1), Some(Tried { step: 1, ..Tried::default() }));
    }
}
