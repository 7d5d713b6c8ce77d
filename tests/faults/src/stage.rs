//! How far a tap had come when a program was killed, told from what was found afterwards.

use std::{collections::BTreeSet, fmt};

use card_schema::ids::TapId;

/// How far the newest tap had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// A number was reserved, the card had not signed.
    Reserved,
    /// The card had signed, nothing was stored.
    Signed,
    /// Stored by the daemon, not on its way.
    Stored,
    /// On its way, not committed by the service.
    Sent,
    /// Committed by the service, and the daemon had not heard of it.
    Unanswered,
}

impl Stage {
    /// All of them, in order.
    pub const ALL: [Self; 5] = [Self::Reserved, Self::Signed, Self::Stored, Self::Sent, Self::Unanswered];
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Reserved => "reserved",
            Self::Signed => "signed",
            Self::Stored => "stored",
            Self::Sent => "sent",
            Self::Unanswered => "committed but unanswered",
        })
    }
}

/// What was found after a kill.
#[derive(Clone, Debug, Default)]
pub struct Finds {
    /// Taps in the daemon's outbox.
    pub pending: BTreeSet<TapId>,
    /// Of those, the ones that the service had committed at the moment of the kill.
    pub committed: BTreeSet<TapId>,
    /// Of those, the ones that the service committed afterwards without the daemon's help.
    pub committed_later: BTreeSet<TapId>,
    /// Signatures that the card gave and nobody has.
    pub lost_signatures: usize,
}

impl Finds {
    /// The furthest stage that shows.
    pub fn stage(&self) -> Stage {
        if !self.committed.is_empty() {
            Stage::Unanswered
        } else if !self.committed_later.is_empty() {
            Stage::Sent
        } else if !self.pending.is_empty() {
            Stage::Stored
        } else if self.lost_signatures > 0 {
            Stage::Signed
        } else {
            Stage::Reserved
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_furthest_stage_that_shows_is_named() {
        let one = || BTreeSet::from([TapId([1; 32])]);
        let mut finds = Finds::default();
        assert_eq!(finds.stage(), Stage::Reserved);
        finds.lost_signatures = 1;
        assert_eq!(finds.stage(), Stage::Signed);
        finds.pending = one();
        assert_eq!(finds.stage(), Stage::Stored);
        finds.committed_later = one();
        assert_eq!(finds.stage(), Stage::Sent);
        finds.committed = one();
        assert_eq!(finds.stage(), Stage::Unanswered);
    }
}
