//! Transfers that later ones name: what has become of them decides what may follow. Pure.

use card_schema::clock::Micros;

use super::{Entry, LedgerError, Phase, Transfer};

/// A transfer that others name, with all that has to be known of those others, however many they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named {
    /// The hold, or the original of reversals.
    pub entry: Entry,
    /// The one transfer that ended the hold.
    pub ended_by: Option<Entry>,
    /// Sum of what was reversed of the original.
    pub reversed: i64,
}

impl Named {
    /// A transfer that nobody has named yet.
    pub const fn fresh(entry: Entry) -> Self {
        Self { entry, ended_by: None, reversed: 0 }
    }

    /// What a transfer that names this one releases of it, or why it may not be posted at this time.
    pub(super) fn admits(&self, at: Micros, transfer: &Transfer) -> Result<i64, LedgerError> {
        match transfer.phase {
            Phase::Posted | Phase::Pending { .. } => Ok(0),
            Phase::PostHold { .. } | Phase::VoidHold { .. } | Phase::ExpireHold { .. } => self.admits_end(at, transfer),
            Phase::Reversal { .. } => self.admits_reversal(transfer).map(|()| 0),
        }
    }

    /// Takes note of a transfer that names this one.
    pub(super) fn follow(&mut self, entry: Entry) {
        match entry.transfer.phase {
            Phase::Posted | Phase::Pending { .. } => {}
            Phase::PostHold { .. } | Phase::VoidHold { .. } | Phase::ExpireHold { .. } => self.ended_by = Some(entry),
            Phase::Reversal { .. } => self.reversed += entry.transfer.amount,
        }
    }

    /// Takes the note back.
    pub(super) fn unfollow(&mut self, transfer: &Transfer) {
        match transfer.phase {
            Phase::Posted | Phase::Pending { .. } => {}
            Phase::PostHold { .. } | Phase::VoidHold { .. } | Phase::ExpireHold { .. } => self.ended_by = None,
            Phase::Reversal { .. } => self.reversed -= transfer.amount,
        }
    }
}
