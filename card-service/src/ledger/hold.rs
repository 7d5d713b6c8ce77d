//! The end of a hold: by posting it in part or in full, by voiding it, or because its time is over. A hold ends once.
//! Pure.

use card_schema::clock::Micros;

use super::named::Named;
use super::{Entry, LedgerError, Phase, Transfer};

impl Entry {
    /// The first moment at which a hold cannot be posted any more; nothing for what is not a hold. Held at the end of
    /// the range.
    pub fn expires_at(&self) -> Option<Micros> {
        self.transfer.phase.timeout_micros().map(|timeout| Micros(self.at.0.saturating_add(timeout)))
    }
}

impl Named {
    /// What the end of this hold releases: all that it held, also where only a part is posted.
    pub(super) fn admits_end(&self, at: Micros, end: &Transfer) -> Result<i64, LedgerError> {
        let hold = self.entry.id;
        let held = &self.entry.transfer;
        let expires_at = self.entry.expires_at().ok_or(LedgerError::NotAHold(hold))?;
        match self.ended_by.map(|ended_by| ended_by.transfer.phase) {
            None => {}
            Some(Phase::PostHold { .. }) => return Err(LedgerError::HoldPosted(hold)),
            Some(Phase::ExpireHold { .. }) => return Err(LedgerError::HoldExpired(hold)),
            Some(_) => return Err(LedgerError::HoldVoided(hold)),
        }
        if !end.is_between_the_accounts_of(held) {
            return Err(LedgerError::Mismatch(hold));
        }
        let is_over = at >= expires_at;
        let is_whole = end.amount == held.amount;
        match end.phase {
            // The same answer before and after the expiry is posted: it must not depend on when somebody comes to do
            // it.
            Phase::PostHold { .. } | Phase::VoidHold { .. } if is_over => Err(LedgerError::HoldExpired(hold)),
            Phase::PostHold { .. } if end.amount > held.amount => {
                Err(LedgerError::OverHold { held: held.amount, amount: end.amount })
            }
            Phase::VoidHold { .. } if !is_whole => Err(LedgerError::Mismatch(hold)),
            Phase::ExpireHold { .. } if !is_whole || end.reference != held.reference => {
                Err(LedgerError::Mismatch(hold))
            }
            Phase::ExpireHold { .. } if !is_over => Err(LedgerError::HoldNotDue { hold, expires_at }),
            _ => Ok(held.amount),
        }
    }
}
