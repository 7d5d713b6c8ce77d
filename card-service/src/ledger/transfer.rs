//! Transfers: what is asked of the ledger, and the row that is kept of it. Pure. Whether one may be posted is decided
//! in `book`.

use card_schema::clock::Micros;

use super::{AccountKey, LedgerError, Reference, TransferKind};

/// The largest amount of one transfer, in its unit: the largest integer that every reader of JSON keeps exactly
/// (RFC 8259 §6).
pub const MAX_AMOUNT: i64 = (1 << 53) - 1;

/// What a transfer does. A row is never updated: what became of a hold is said by the later transfer that names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Moves the amount at once.
    Posted,
    /// Holds the amount: it stays in the balance of the debited account and is not available there any more.
    Pending {
        /// How long it may be posted, in microseconds from the time at which it was held; above zero.
        timeout_micros: i64,
    },
    /// Ends a hold by moving the amount, all of what was held or less; the rest is released.
    PostHold {
        /// The number of the hold within the shard.
        hold: i64,
    },
    /// Ends a hold by releasing all of it.
    VoidHold {
        /// The number of the hold within the shard.
        hold: i64,
    },
    /// Ends a hold by releasing all of it, because its time is over.
    ExpireHold {
        /// The number of the hold within the shard.
        hold: i64,
    },
    /// Moves the amount back, all of what the original moved or a part.
    Reversal {
        /// The number of the original within the shard.
        of: i64,
    },
}

impl Phase {
    /// The number in the database. Never reused.
    pub const fn number(&self) -> i64 {
        match self {
            Self::Posted => 1,
            Self::Pending { .. } => 2,
            Self::PostHold { .. } => 3,
            Self::VoidHold { .. } => 4,
            Self::ExpireHold { .. } => 5,
            Self::Reversal { .. } => 6,
        }
    }

    /// Whether the amount goes from balance to balance.
    pub const fn moves(&self) -> bool {
        match self {
            Self::Posted | Self::PostHold { .. } | Self::Reversal { .. } => true,
            Self::Pending { .. } | Self::VoidHold { .. } | Self::ExpireHold { .. } => false,
        }
    }

    /// The number, within the same shard, of the transfer that is named: the hold, or the original of a reversal.
    pub const fn refers_to(&self) -> Option<i64> {
        match *self {
            Self::Posted | Self::Pending { .. } => None,
            Self::PostHold { hold } | Self::VoidHold { hold } | Self::ExpireHold { hold } => Some(hold),
            Self::Reversal { of } => Some(of),
        }
    }

    /// How long a hold may be posted, in microseconds.
    pub const fn timeout_micros(&self) -> Option<i64> {
        match *self {
            Self::Pending { timeout_micros } => Some(timeout_micros),
            _ => None,
        }
    }

    /// The phase of a row: the opposite of [`Self::number`], [`Self::refers_to`] and [`Self::timeout_micros`]. Nothing
    /// for a row that no phase has.
    pub const fn from_row(number: i64, refers_to: Option<i64>, timeout_micros: Option<i64>) -> Option<Self> {
        match (number, refers_to, timeout_micros) {
            (1, None, None) => Some(Self::Posted),
            (2, None, Some(timeout_micros)) => Some(Self::Pending { timeout_micros }),
            (3, Some(hold), None) => Some(Self::PostHold { hold }),
            (4, Some(hold), None) => Some(Self::VoidHold { hold }),
            (5, Some(hold), None) => Some(Self::ExpireHold { hold }),
            (6, Some(of), None) => Some(Self::Reversal { of }),
            _ => None,
        }
    }
}

/// A positive amount that moves, is held or is released between two accounts of one unit and shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Gives.
    pub debit: AccountKey,
    /// Receives.
    pub credit: AccountKey,
    /// How much, in the accounts' unit; above zero, at most [`MAX_AMOUNT`].
    pub amount: i64,
    /// Why. What ends a hold and what reverses has the kind of the transfer that it names.
    pub kind: TransferKind,
    /// What caused it; nothing for what a tap causes: it stands in one leaf with its tap, which is decided once. With shard and kind, at most one transfer has it. The end of a hold by time has no cause but the
    /// hold: it repeats the hold's reference and is not counted here.
    pub reference: Option<Reference>,
    /// What it does.
    pub phase: Phase,
}

impl Transfer {
    /// What it moves from balance to balance, zero for holds and their release.
    pub const fn moves(&self) -> i64 {
        if self.phase.moves() { self.amount } else { 0 }
    }

    /// Whether it takes what is available. The end of a hold takes what was set aside for it.
    pub(super) const fn spends(&self) -> bool {
        matches!(self.phase, Phase::Posted | Phase::Pending { .. } | Phase::Reversal { .. })
    }

    /// What is wrong with it whatever the accounts hold.
    pub(super) fn check(&self) -> Result<(), LedgerError> {
        if self.amount <= 0 {
            return Err(LedgerError::Amount(self.amount));
        }
        if self.amount > MAX_AMOUNT {
            return Err(LedgerError::AmountTooLarge(self.amount));
        }
        if self.debit == self.credit || self.debit.shard != self.credit.shard || self.debit.unit != self.credit.unit {
            return Err(LedgerError::Accounts);
        }
        match self.phase {
            Phase::Pending { timeout_micros } if timeout_micros <= 0 => Err(LedgerError::Timeout(timeout_micros)),
            _ => Ok(()),
        }
    }

    /// Whether it has the accounts and the kind of another.
    pub(super) fn is_between_the_accounts_of(&self, other: &Self) -> bool {
        self.debit == other.debit && self.credit == other.credit && self.kind == other.kind
    }
}

/// A transfer that stands in the ledger: one row, never updated and never deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number within the shard, counted up from 1.
    pub id: i64,
    /// When it was posted, by the service's clock.
    pub at: Micros,
    /// What was posted.
    pub transfer: Transfer,
}

impl Entry {
    /// The transfer that posts this hold, in part or in full.
    #[must_use]
    pub const fn posting(&self, amount: i64, reference: Reference) -> Transfer {
        Transfer { amount, reference: Some(reference), phase: Phase::PostHold { hold: self.id }, ..self.transfer }
    }

    /// The transfer that voids this hold.
    #[must_use]
    pub const fn voiding(&self, reference: Reference) -> Transfer {
        Transfer { reference: Some(reference), phase: Phase::VoidHold { hold: self.id }, ..self.transfer }
    }

    /// The transfer that ends this hold because its time is over.
    #[must_use]
    pub const fn expiry(&self) -> Transfer {
        Transfer { phase: Phase::ExpireHold { hold: self.id }, ..self.transfer }
    }

    /// The transfer that moves back what this one moved, or a part of it.
    #[must_use]
    pub const fn reversal(&self, amount: i64, reference: Option<Reference>) -> Transfer {
        let Transfer { debit, credit, kind, .. } = self.transfer;
        Transfer { debit: credit, credit: debit, amount, kind, reference, phase: Phase::Reversal { of: self.id } }
    }
}
