//! What moved on one account over a period, between an opening and a closing balance. Pure.

use std::ops::Range;

use card_schema::clock::Micros;

use super::{AccountKey, Entry, LedgerError};

/// One movement of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// The transfer.
    pub entry: Entry,
    /// What it added to the balance, in the account's unit; below zero where the account was debited.
    pub movement: i64,
    /// The balance after it.
    pub balance: i64,
}

/// A statement. Holds move nothing and are not in it until they are posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Of which account.
    pub account: AccountKey,
    /// From when on, and before when.
    pub period: Range<Micros>,
    /// The balance when the period began.
    pub opening: i64,
    /// What moved, in the order in which it was posted.
    pub lines: Vec<Line>,
    /// The balance when the period ended: the opening balance with all that moved.
    pub closing: i64,
}

impl Statement {
    /// Draws a statement from transfers in the order of their numbers. `brought_forward` is the balance before the
    /// first of them, zero when they reach back to the account's beginning; those before the period add to it, and
    /// those after the period or of other accounts are left out.
    ///
    /// # Errors
    /// [`LedgerError::Overflow`] for transfers that the ledger cannot have posted.
    pub fn draw<'a>(
        account: AccountKey,
        period: Range<Micros>,
        brought_forward: i64,
        entries: impl IntoIterator<Item = &'a Entry>,
    ) -> Result<Self, LedgerError> {
        let mut opening = brought_forward;
        let mut moved = Vec::new();
        for entry in entries {
            let movement = movement(&account, entry);
            if movement == 0 || entry.at >= period.end {
                continue;
            }
            if entry.at < period.start {
                opening = opening.checked_add(movement).ok_or(LedgerError::Overflow)?;
            } else {
                moved.push((*entry, movement));
            }
        }
        // The opening balance is whole only now: a transfer may have a smaller number than one before the period.
        let mut closing = opening;
        let mut lines = Vec::with_capacity(moved.len());
        for (entry, movement) in moved {
            closing = closing.checked_add(movement).ok_or(LedgerError::Overflow)?;
            lines.push(Line { entry, movement, balance: closing });
        }
        Ok(Self { account, period, opening, lines, closing })
    }
}

/// What an entry adds to the balance of an account.
fn movement(account: &AccountKey, entry: &Entry) -> i64 {
    let transfer = &entry.transfer;
    if transfer.credit == *account {
        transfer.moves()
    } else if transfer.debit == *account {
        -transfer.moves()
    } else {
        0
    }
}
