//! Payments that were accepted offline, within the limits, and that the purse does not cover: the issuer advances what
//! is lacking, so that the payment stands and no purse goes below zero; and how such a payment goes back. Pure.
//!
//! Not here: which taps were accepted offline, suspending the card, and how else the issuer gets its money back.

use super::{AccountKey, Book, Named, Phase, Reference, Transfer, TransferKind};

/// A payment with what has to be advanced for it. To be posted as linked transfers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Covered {
    /// The account covers it.
    InFull([Transfer; 1]),
    /// First the advance, then the payment. The card is to be suspended.
    Advanced([Transfer; 2]),
}

impl Covered {
    /// What is to be posted, linked.
    pub const fn transfers(&self) -> &[Transfer] {
        match self {
            Self::InFull(transfers) => transfers,
            Self::Advanced(transfers) => transfers,
        }
    }

    /// What the account lacks, in its unit; zero where it covers the payment.
    pub const fn shortfall(&self) -> i64 {
        match self {
            Self::InFull(_) => 0,
            Self::Advanced([advance, _]) => advance.amount,
        }
    }
}

/// Composes a payment that has to stand with the advance from `risk`, the issuer's account for that in the same shard
/// and unit. A payment that the book knows is composed as it was the first time, whatever the balance is now. A cause
/// has one advance: a second payment of the same cause that lacks something is refused when it is posted.
pub fn cover(book: &Book, payment: Transfer, risk: AccountKey) -> Covered {
    let Transfer { debit, reference, kind, .. } = payment;
    let lacking = if book.caused(debit.shard, reference, kind).is_some() {
        let advanced = book.caused(debit.shard, reference, TransferKind::Shortfall);
        advanced.map_or(0, |entry| entry.transfer.amount)
    } else {
        payment.amount.saturating_sub(book.available(&debit))
    };
    if lacking <= 0 {
        return Covered::InFull([payment]);
    }
    let advance = Transfer {
        debit: risk,
        credit: debit,
        amount: lacking,
        kind: TransferKind::Shortfall,
        reference,
        phase: Phase::Posted,
    };
    Covered::Advanced([advance, payment])
}

/// Composes what gives back a payment, or a part of it, with its advance where it had one: to whoever paid, and from there
/// on to the issuer, as long as the issuer has not got back all that it had advanced. To be posted as linked transfers.
pub fn give_back(payment: &Named, advance: Option<&Named>, amount: i64, reference: Option<Reference>) -> Vec<Transfer> {
    let owed = advance.map_or(0, |advance| advance.entry.transfer.amount - advance.reversed);
    let repaid =
        advance.filter(|_| owed > 0 && amount > 0).map(|advance| advance.entry.reversal(amount.min(owed), reference));
    [payment.entry.reversal(amount, reference)].into_iter().chain(repaid).collect()
}
