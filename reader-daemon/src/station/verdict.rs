//! Who was first: the card that signed, or the caller who gave up waiting. Exactly one wins, so that no tap is kept
//! after somebody heard that it failed.

use std::sync::atomic::{AtomicU8, Ordering};

const OPEN: u8 = 0;
const KEEPING: u8 = 1;
const GIVEN_UP: u8 = 2;

/// Shared by the one who waits and the reader's thread.
#[derive(Debug, Default)]
pub struct Verdict(AtomicU8);

impl Verdict {
    /// The card has signed: may the tap be kept?
    pub fn keep(&self) -> bool {
        self.settle(KEEPING)
    }

    /// The caller has waited long enough: true when nothing will be kept.
    pub fn give_up(&self) -> bool {
        self.settle(GIVEN_UP)
    }

    fn settle(&self, verdict: u8) -> bool {
        match self.0.compare_exchange(OPEN, verdict, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => true,
            Err(settled) => settled == verdict,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict;

    #[test]
    fn a_tap_is_either_kept_or_given_up_and_never_both() {
        let card_first = Verdict::default();
        assert!(card_first.keep() && !card_first.give_up() && card_first.keep());
        let caller_first = Verdict::default();
        assert!(caller_first.give_up() && !caller_first.keep() && caller_first.give_up());
    }
}
