//! What a settlement moves, and what goes back. Pure.

use card_schema::clock::Micros;
use card_schema::coverage::Benefit;
use card_schema::date::Date;
use card_schema::envelope::receipt::Outcome;
use card_schema::ids::{ClaimId, HolderId, OrganisationId, Shard, TapId};
use card_schema::money::Fen;
use card_schema::operation::{Operation, clinic};

use super::coverage::model::SoFar;
use super::model::Claim;
use crate::domains::{Ask, Decision, Room};
use crate::ledger::{AccountKey, AccountKind, Book, Owner, Phase, Transfer, TransferKind, Unit};

/// So many days after somebody has checked in bills of the visit may be written: of a stay until its end, of others until the next day.
const STAY_DAYS: i64 = 90;
/// So long a bill waits to be settled: whoever has left comes back to another one.
const GOOD_SECONDS: i64 = 86_400;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct Clinic;

/// Whether a bill of a visit may be written on a day.
pub fn is_open(benefit: Benefit, visit: Date, today: Date) -> bool {
    let days = if benefit == Benefit::Inpatient { STAY_DAYS } else { 1 };
    (0..=days).contains(&(today.days() - visit.days()))
}

/// Whether what a bill comes to is still so.
pub fn is_good(claim: &Claim, of_person: &[Claim], now: Micros) -> bool {
    claim.waits() && claim.seen == changes(of_person) && now <= claim.made_at.plus_seconds(GOOD_SECONDS)
}

/// How often bills of a person were settled or taken back.
pub fn changes(of_person: &[Claim]) -> u32 {
    let times = |claim: &Claim| u32::from(claim.settled.is_some()) + u32::from(claim.reversed_at.is_some());
    of_person.iter().map(times).sum()
}

/// What has accumulated of a person's bills before one of a visit.
pub fn so_far(of_person: &[Claim], benefit: Benefit, day: Date, visit: TapId) -> SoFar {
    let before = of_person
        .iter()
        .filter(|claim| claim.stands() && claim.visit != visit)
        .filter(|claim| (claim.benefit, claim.day.year()) == (benefit, day.year()));
    before.fold(SoFar::default(), |sum, claim| SoFar {
        eligible: Fen(sum.eligible.0.saturating_add(claim.payers.eligible.0)),
        fund: Fen(sum.fund.0.saturating_add(claim.payers.fund.0)),
        stays: sum.stays + 1,
    })
}

const fn account(shard: Shard, owner: Owner, kind: AccountKind) -> AccountKey {
    AccountKey { shard, owner, kind, unit: Unit::CnyFen }
}

const fn fund_of(shard: Shard) -> AccountKey {
    account(shard, Owner::ISSUER, AccountKind::MedicalFund)
}

fn own_account_of(holder: HolderId) -> AccountKey {
    account(holder.shard(), holder.into(), AccountKind::MedicalAccount)
}

fn claims_of(clinic: OrganisationId, shard: Shard) -> AccountKey {
    account(shard, clinic.into(), AccountKind::ClinicClaims)
}

/// The bill that is named, if this clinic has written it for this holder and it was not taken back.
fn named<'a>(ask: &Ask<'a>, id: ClaimId) -> Result<&'a Claim, Outcome> {
    let claim = ask.claims.iter().find(|claim| claim.id == id && claim.reversed_at.is_none());
    claim.filter(|claim| (claim.clinic, claim.holder) == (ask.organisation, ask.holder)).ok_or(Outcome::ClaimUnknown)
}

/// What the fund and the holder's own account pay. What the purse pays is the purse's to decide.
fn settle(ask: &Ask<'_>, book: &Book, signed: &clinic::Settlement) -> Result<Vec<Transfer>, Outcome> {
    let claim = named(ask, signed.claim)?;
    let own = account_part(ask, claim);
    let is_reckoned = (signed.fund, signed.account) == (claim.payers.fund, claim.payers.account);
    let is_whole = signed.purse.checked_add(signed.cash) == Some(claim.payers.rest);
    let is_positive = signed.purse >= Fen::ZERO && signed.cash >= Fen::ZERO;
    let has_account = book.available(&own.debit) >= own.amount;
    if !(is_good(claim, ask.claims, ask.received_at) && is_reckoned && is_whole && is_positive && has_account) {
        return Err(Outcome::ClaimDiffers);
    }
    let fund =
        Transfer { debit: fund_of(ask.shard), amount: claim.payers.fund.0, kind: TransferKind::ClaimFund, ..own };
    Ok([fund, own].into_iter().filter(|transfer| transfer.amount > 0).collect())
}

/// What the holder's own account pays of a bill.
fn account_part(ask: &Ask<'_>, claim: &Claim) -> Transfer {
    Transfer {
        debit: own_account_of(ask.holder),
        credit: claims_of(ask.organisation, ask.shard),
        amount: claim.payers.account.0,
        kind: TransferKind::ClaimAccount,
        reference: None,
        phase: Phase::Posted,
    }
}

/// What goes back of a bill: all that its settlement has moved.
fn take_back(ask: &Ask<'_>, book: &Book, id: ClaimId) -> Result<Vec<Transfer>, Outcome> {
    let claim = named(ask, id)?;
    let original = ask.original.filter(|_| claim.settled.is_some()).ok_or(Outcome::ClaimUnknown)?;
    // The clinic was paid for it.
    if claim.is_cleared {
        return Err(Outcome::RefundTooLate);
    }
    if ask.claims.iter().any(|later| later.rests_on(claim)) {
        return Err(Outcome::LaterClaims);
    }
    let moved = original.transfers.iter().map(|id| book.named(ask.shard, *id).ok_or(Outcome::ClaimUnknown));
    let back: Vec<_> = moved
        .map(|named| named.map(|named| named.entry.reversal(named.entry.transfer.amount, None)))
        .collect::<Result<_, _>>()?;
    // What the purse has paid may be paid out already.
    let of = |key: AccountKey| back.iter().filter(|one| one.debit == key).map(|one| one.amount).sum::<i64>();
    let is_there = back.iter().all(|transfer| book.available(&transfer.debit) >= of(transfer.debit));
    if is_there { Ok(back) } else { Err(Outcome::InsufficientFunds) }
}

impl Room for Clinic {
    fn accounts(&self, ask: &Ask<'_>) -> Vec<AccountKey> {
        match ask.operation {
            Operation::ClinicSettlement(_) | Operation::ClinicReversal(_) => {
                vec![fund_of(ask.shard), own_account_of(ask.holder), claims_of(ask.organisation, ask.shard)]
            }
            _ => Vec::new(),
        }
    }

    fn decide(&self, ask: &Ask<'_>, book: &Book) -> Decision {
        let moves = match ask.operation {
            Operation::ClinicSettlement(signed) => settle(ask, book, signed),
            Operation::ClinicReversal(clinic::Reversal { claim }) => take_back(ask, book, *claim),
            // Who comes to a clinic may; what is covered is asked afterwards (`benefits`).
            _ => Ok(Vec::new()),
        };
        match moves {
            Ok(transfers) => Decision { transfers, ..Decision::plain(Outcome::Accepted) },
            Err(outcome) => Decision::plain(outcome),
        }
    }
}
