//! What may be paid, topped up and given back. Pure.

use card_schema::date::Date;
use card_schema::envelope::receipt::Outcome;
use card_schema::money::Fen;
use card_schema::operation::{Operation, OperationCode, purse};

use super::{DayLimits, HolderDay, Spent, float_of, purse_of, risk_of, takings_of};
use crate::domains::{Ask, Decision, Effect, Original, Room};
use crate::ledger::{self, AccountKey, Book, Named, Phase, Transfer, TransferKind};

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
        Operation::ClinicSettlement(bill) if bill.purse != Fen::ZERO => {
            Some((purse, takings_of(ask.organisation, ask.shard), bill.purse, TransferKind::ClaimOwn))
        }
        Operation::PurseTopUp(top_up) => {
            Some((float_of(ask.organisation, ask.shard), purse, top_up.amount, TransferKind::TopUp))
        }
        _ => None,
    }
}

/// The day on whose account a payment or a top-up goes: by the service's clock, so that no terminal's can make it another. What a
/// terminal has accepted on its own, and kept, goes to the day on which it did.
pub fn day_of(ask: &Ask<'_>) -> HolderDay {
    let at = if is_offline(ask) { ask.at } else { ask.received_at };
    HolderDay { shard: ask.shard, holder: ask.holder, day: Date::in_china(at) }
}

/// What a payment adds to its day.
const fn spent(ask: &Ask<'_>, amount: Fen) -> Spent {
    Spent { paid: amount, without_pin: if ask.with_pin { 0 } else { 1 }, topped_up: Fen::ZERO }
}

/// What comes so long after it was made was kept by its terminal: the cash is in the drawer.
const KEPT_MICROS: u64 = 10_000_000;

/// What stands in the way of a top-up that nobody has approved. Whoever still stands there is asked to; where a terminal has kept it,
/// and only the day's sum is too much, a person decides.
fn unapproved(ask: &Ask<'_>, amount: Fen) -> Option<Outcome> {
    let most = ask.limits.top_up_alone;
    let is_over = ask.spent.topped_up.checked_add(amount).is_none_or(|sum| sum > most);
    let was_kept = ask.received_at > ask.at && ask.received_at.distance(ask.at) > KEPT_MICROS;
    match (is_over && !ask.is_approved, amount <= most && was_kept) {
        (false, _) => None,
        (true, true) => Some(Outcome::Quarantined),
        (true, false) => Some(Outcome::ApprovalRequired),
    }
}

/// Whether a day's limits allow a payment. What a terminal has accepted on its own stands, and counts.
fn allowed_today(ask: &Ask<'_>, amount: Fen) -> Result<(), Outcome> {
    let DayLimits { paid, without_pin } = ask.day_limits;
    if ask.spent.paid.checked_add(amount).is_none_or(|sum| sum > paid) {
        return Err(Outcome::DayLimitReached);
    }
    if !ask.with_pin && ask.spent.without_pin >= without_pin {
        return Err(Outcome::PinRequired);
    }
    Ok(())
}

/// A payment that is to go back, as the books have it.
struct Paid {
    payment: Named,
    /// What the issuer has advanced for it.
    advance: Option<Named>,
}

/// The payment that is named, if the organisation of the terminal took it from this holder.
fn paid(ask: &Ask<'_>, book: &Book, original: &Original) -> Result<Paid, Outcome> {
    let moved: Vec<_> = original.transfers.iter().filter_map(|id| book.named(ask.shard, *id)).collect();
    let of = |kind| moved.iter().copied().find(|named| named.entry.transfer.kind == kind);
    let payment = of(TransferKind::Payment).ok_or(Outcome::OriginalUnknown)?;
    let takings = takings_of(ask.organisation, ask.shard);
    match payment.entry.transfer {
        Transfer { phase: Phase::Posted, credit, .. } if credit == takings => {
            Ok(Paid { payment, advance: of(TransferKind::Shortfall) })
        }
        Transfer { phase: Phase::Reversal { .. }, debit, .. } if debit == takings => Err(Outcome::RefundOfRefund),
        _ => Err(Outcome::OriginalUnknown),
    }
}

/// How long after the payment was booked the refund came in: none where both were held, and the payment was booked last.
fn elapsed_us(ask: &Ask<'_>, original: &Original) -> u64 {
    if ask.received_at < original.booked_at { 0 } else { ask.received_at.distance(original.booked_at) }
}

/// What a refund or a void moves.
fn give_back(ask: &Ask<'_>, book: &Book, amount: Fen) -> Result<Vec<Transfer>, Outcome> {
    let original = ask.original.ok_or(Outcome::OriginalUnknown)?;
    let Paid { payment, advance } = paid(ask, book, original)?;
    let is_void = ask.operation.code() == OperationCode::PurseVoid;
    if is_void && original.terminal != ask.terminal {
        return Err(Outcome::OriginalUnknown);
    }
    let (limits, elapsed_us) = (ask.limits.refunds, elapsed_us(ask, original));
    let in_time = if is_void { limits.allows_void(elapsed_us) } else { limits.allows_refund(elapsed_us) };
    if !in_time {
        return Err(Outcome::RefundTooLate);
    }
    let whole = payment.entry.transfer.amount;
    if amount <= Fen::ZERO || is_void && amount.0 < whole {
        return Err(Outcome::AmountOutOfRange);
    }
    if amount.0 > whole - payment.reversed {
        return Err(Outcome::RefundExceedsRest);
    }
    // What was paid out to the organisation is not there any more.
    if book.available(&payment.entry.transfer.credit) < amount.0 {
        return Err(Outcome::InsufficientFunds);
    }
    Ok(ledger::give_back(&payment, advance.as_ref(), amount.0, None))
}

impl Room for Purse {
    fn accounts(&self, ask: &Ask<'_>) -> Vec<AccountKey> {
        let takes_back = matches!(ask.operation, Operation::ClinicReversal(_));
        if takes_back || ask.operation.original().is_some() {
            return vec![purse_of(ask.holder, ask.shard), takings_of(ask.organisation, ask.shard), risk_of(ask.shard)];
        }
        let Some((debit, credit, ..)) = movement(ask) else { return vec![purse_of(ask.holder, ask.shard)] };
        let mut accounts = vec![debit, credit];
        if is_offline(ask) {
            accounts.extend([purse_of(ask.holder, ask.shard), risk_of(ask.shard)]);
        }
        accounts
    }

    fn decide(&self, ask: &Ask<'_>, book: &Book) -> Decision {
        let purse = purse_of(ask.holder, ask.shard);
        let say = |outcome| Decision { shows: Some(purse), ..Decision::plain(outcome) };
        if let Operation::PurseRefund(purse::Return { amount, .. })
        | Operation::PurseVoid(purse::Return { amount, .. }) = ask.operation
        {
            return match give_back(ask, book, *amount) {
                Ok(transfers) => Decision { transfers, ..say(Outcome::Accepted) },
                Err(outcome) => say(outcome),
            };
        }
        // A balance inquiry moves nothing.
        let Some((debit, credit, amount, kind)) = movement(ask) else { return say(Outcome::Accepted) };
        let limit = if is_offline(ask) { ask.limits.offline.tap } else { ask.limits.tap_limit };
        if amount <= Fen::ZERO || amount > limit {
            return say(Outcome::AmountOutOfRange);
        }
        let is_payment = matches!(kind, TransferKind::Payment | TransferKind::ClaimOwn);
        if kind == TransferKind::TopUp
            && let Some(outcome) = unapproved(ask, amount)
        {
            return say(outcome);
        }
        if is_payment
            && !is_offline(ask)
            && let Err(outcome) = allowed_today(ask, amount)
        {
            return say(outcome);
        }
        let transfer = Transfer { debit, credit, amount: amount.0, kind, reference: None, phase: Phase::Posted };
        let (transfers, mut effects) = if is_offline(ask) {
            // It stands: whoever sold has handed over the goods.
            let covered = ledger::cover(book, transfer, risk_of(ask.shard));
            (covered.transfers().to_vec(), Vec::from_iter((covered.shortfall() > 0).then_some(Effect::Suspend)))
        } else if book.available(&debit) < amount.0 {
            return say(Outcome::InsufficientFunds);
        } else {
            (vec![transfer], Vec::new())
        };
        // What the issuer pays is not on the holder's account.
        effects.extend((is_payment && !ask.is_issuers).then(|| Effect::Spent(day_of(ask), spent(ask, amount))));
        let alone = kind == TransferKind::TopUp && !ask.is_approved;
        effects.extend(alone.then(|| Effect::Spent(day_of(ask), Spent { topped_up: amount, ..Spent::default() })));
        Decision { transfers, effects, ..say(Outcome::Accepted) }
    }
}
