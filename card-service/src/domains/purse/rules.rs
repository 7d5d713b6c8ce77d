//! What may be paid and topped up. Pure.

use card_schema::envelope::receipt::Outcome;
use card_schema::money::Fen;
use card_schema::operation::Operation;

use super::{float_of, purse_of, takings_of};
use crate::domains::{Ask, Decision, Room};
use crate::ledger::{AccountKey, Book, Phase, Transfer, TransferKind};

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct Purse;

/// From where to where, how much, and why.
fn movement(ask: &Ask<'_>) -> Option<(AccountKey, AccountKey, Fen, TransferKind)> {
    let purse = purse_of(ask.holder, ask.shard);
    match ask.operation {
        Operation::PursePayment(payment) => {
            Some((purse, takings_of(ask.organisation, ask.shard), payment.amount, TransferKind::Payment))
        }
        Operation::PurseTopUp(top_up) => {
            Some((float_of(ask.organisation, ask.shard), purse, top_up.amount, TransferKind::TopUp))
        }
        _ => None,
    }
}

impl Room for Purse {
    fn accounts(&self, ask: &Ask<'_>) -> Vec<AccountKey> {
        movement(ask).map_or_else(Vec::new, |(debit, credit, ..)| vec![debit, credit])
    }

    fn decide(&self, ask: &Ask<'_>, book: &Book) -> Decision {
        let Some((debit, credit, amount, kind)) = movement(ask) else {
            return Decision::plain(Outcome::OperationNotAllowed);
        };
        let purse = purse_of(ask.holder, ask.shard);
        let refuse = |outcome| Decision { shows: Some(purse), ..Decision::plain(outcome) };
        if amount <= Fen::ZERO || amount > ask.limits.tap_limit {
            return refuse(Outcome::AmountOutOfRange);
        }
        if book.available(&debit) < amount.0 {
            return refuse(Outcome::InsufficientFunds);
        }
        let transfer = Transfer { debit, credit, amount: amount.0, kind, reference: None, phase: Phase::Posted };
        Decision { outcome: Outcome::Accepted, transfers: vec![transfer], shows: Some(purse), effects: Vec::new() }
    }
}
