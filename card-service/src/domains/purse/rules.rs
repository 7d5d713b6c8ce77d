//! What may be paid and topped up. Pure.

use card_schema::envelope::receipt::Outcome;
use card_schema::money::Fen;
use card_schema::operation::Operation;

use super::{float_of, purse_of, risk_of, takings_of};
use crate::domains::{Ask, Decision, Effect, Room};
use crate::ledger::{self, AccountKey, Book, Phase, Transfer, TransferKind};

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct Purse;

/// Whether the terminal has accepted it on its own.
const fn is_offline(ask: &Ask<'_>) -> bool {
    matches!(ask.operation, Operation::PursePayment(payment) if payment.accepted_offline)
}

/// From where to where, how much, and why.
fn movement(ask: &Ask<'_>) -> Option<(AccountKey, AccountKey, Fen, TransferKind)> {
    let purse = purse_of(ask.holder, ask.shard);
    match ask.operation {
        Operation::PursePayment(payment) => {
            let payer = if ask.is_issuers { risk_of(ask.shard) } else { purse };
            Some((payer, takings_of(ask.organisation, ask.shard), payment.amount, TransferKind::Payment))
        }
        Operation::PurseTopUp(top_up) => {
            Some((float_of(ask.organisation, ask.shard), purse, top_up.amount, TransferKind::TopUp))
        }
        _ => None,
    }
}

impl Room for Purse {
    fn accounts(&self, ask: &Ask<'_>) -> Vec<AccountKey> {
        let Some((debit, credit, ..)) = movement(ask) else { return Vec::new() };
        let mut accounts = vec![debit, credit];
        if is_offline(ask) {
            accounts.extend([purse_of(ask.holder, ask.shard), risk_of(ask.shard)]);
        }
        accounts
    }

    fn decide(&self, ask: &Ask<'_>, book: &Book) -> Decision {
        let Some((debit, credit, amount, kind)) = movement(ask) else {
            return Decision::plain(Outcome::OperationNotAllowed);
        };
        let purse = purse_of(ask.holder, ask.shard);
        let refuse = |outcome| Decision { shows: Some(purse), ..Decision::plain(outcome) };
        let limit = if is_offline(ask) { ask.limits.offline.tap } else { ask.limits.tap_limit };
        if amount <= Fen::ZERO || amount > limit {
            return refuse(Outcome::AmountOutOfRange);
        }
        let transfer = Transfer { debit, credit, amount: amount.0, kind, reference: None, phase: Phase::Posted };
        let (transfers, effects) = if is_offline(ask) {
            // It stands: whoever sold has handed over the goods.
            let covered = ledger::cover(book, transfer, risk_of(ask.shard));
            (covered.transfers().to_vec(), Vec::from_iter((covered.shortfall() > 0).then_some(Effect::Suspend)))
        } else if book.available(&debit) < amount.0 {
            return refuse(Outcome::InsufficientFunds);
        } else {
            (vec![transfer], Vec::new())
        };
        Decision { outcome: Outcome::Accepted, transfers, shows: Some(purse), effects }
    }
}
