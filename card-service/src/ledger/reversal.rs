//! Reversals: a correction names what it moves back, and all corrections together never move back more. Pure.

use super::named::Named;
use super::{LedgerError, Phase, Transfer};

impl Named {
    /// Whether a reversal of this transfer may be posted.
    pub(super) fn admits_reversal(&self, reversal: &Transfer) -> Result<(), LedgerError> {
        let of = self.entry.id;
        let original = &self.entry.transfer;
        match original.phase {
            Phase::Posted | Phase::PostHold { .. } => {}
            Phase::Reversal { .. } => return Err(LedgerError::ReversalOfReversal(of)),
            Phase::Pending { .. } | Phase::VoidHold { .. } | Phase::ExpireHold { .. } => {
                return Err(LedgerError::NothingToReverse(of));
            }
        }
        let mirrored = Transfer { debit: original.credit, credit: original.debit, ..*original };
        if !reversal.is_between_the_accounts_of(&mirrored) {
            return Err(LedgerError::Mismatch(of));
        }
        let left = original.amount - self.reversed;
        if reversal.amount > left {
            return Err(LedgerError::OverReversal { left, amount: reversal.amount });
        }
        Ok(())
    }
}
