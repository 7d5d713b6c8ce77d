//! What is booked when a rider's fares were reckoned: the difference to what was booked before, so that a tap that comes late, or out of
//! order, or that somebody has corrected, leaves what would have been booked had it been known at once. Pure. Nothing that was booked is
//! changed.

use std::collections::{BTreeMap, BTreeSet};

use card_schema::clock::Micros;

use super::fares::Fares;
use super::model::{GroupId, Ride, RiderKey, Riding, Showing, account_of};
use crate::ledger::{AccountKey, AccountKind, Book, Owner, Phase, Transfer, TransferKind, Unit};

/// The accounts of whoever pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payer {
    /// The holder's purse; nothing where the issuer pays.
    pub purse: Option<AccountKey>,
    /// The issuer's account, for what a purse does not cover.
    pub risk: AccountKey,
}

/// What is to be booked and written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booking {
    /// To be posted as linked transfers.
    pub transfers: Vec<Transfer>,
    /// To be written.
    pub ride: Ride,
}

impl Payer {
    /// Those of a rider.
    pub fn of(rider: RiderKey) -> Self {
        let key = |owner, kind| AccountKey { shard: rider.shard, owner, kind, unit: Unit::CnyFen };
        let purse = (!rider.is_issuers).then(|| key(Owner(rider.id), AccountKind::Purse));
        Self { purse, risk: key(Owner::ISSUER, AccountKind::IssuerRisk) }
    }

    /// Whose balances [`book`] looks at, besides those of [`groups`].
    pub fn accounts(self) -> impl Iterator<Item = AccountKey> {
        self.purse.into_iter().chain([self.risk])
    }
}

/// Everybody who may get something, or give it back.
pub fn groups(fares: &Fares, riding: &Riding, new: Option<&Showing>) -> BTreeSet<GroupId> {
    let of_showings = riding.showings.iter().chain(new).filter_map(|showing| fares.group(showing));
    of_showings.map(|group| group.id()).chain(riding.charged.keys().copied()).collect()
}

/// What is to be booked of a rider at `now`, with what was shown now.
pub fn book(
    fares: &Fares,
    rider: RiderKey,
    riding: &Riding,
    new: Option<Showing>,
    now: Micros,
    book: &Book,
) -> Booking {
    let showings: Vec<&Showing> = riding.showings.iter().chain(&new).collect();
    let reckoned = fares.reckon(&riding.base, &riding.rights, &showings, now);
    // What was booked, the other way round, and what is to be.
    let mut more: BTreeMap<GroupId, i64> = riding.charged.iter().map(|(group, booked)| (*group, -booked)).collect();
    let mut named = Vec::new();
    for trip in &reckoned.trips {
        let Some(group) = fares.group(showings[trip.first]) else { continue };
        *more.entry(group.id()).or_insert_with(|| {
            named.push(group);
            0
        }) += trip.charge.amount.0;
    }
    let open_until = reckoned.open.map(|(_, until)| until);
    let charged: Vec<_> = more.into_iter().filter(|(_, more)| *more != 0).collect();
    let (transfers, advanced) = transfers(rider, &charged, riding.advanced, book);
    Booking { transfers, ride: Ride { rider, showing: new, charged, named, advanced, open_until } }
}

/// What moves, and what the issuer has advanced more by it. What goes back comes first, so that it covers what is asked; what it leaves
/// goes to the issuer, as far as something was advanced.
fn transfers(rider: RiderKey, charged: &[(GroupId, i64)], advanced: i64, book: &Book) -> (Vec<Transfer>, i64) {
    let payer = Payer::of(rider);
    let from = payer.purse.unwrap_or(payer.risk);
    let moves =
        |debit, credit, amount, kind| Transfer { debit, credit, amount, kind, reference: None, phase: Phase::Posted };
    let backs = charged.iter().filter(|(_, more)| *more < 0);
    let backs = backs.map(|(group, more)| moves(account_of(*group, rider.shard), from, -more, TransferKind::Fare));
    let fares = charged.iter().filter(|(_, more)| *more > 0);
    let fares = fares.map(|(group, more)| moves(from, account_of(*group, rider.shard), *more, TransferKind::Fare));
    let mut transfers: Vec<Transfer> = backs.collect();
    let Some(purse) = payer.purse else {
        transfers.extend(fares);
        return (transfers, 0);
    };
    let asked: i64 = charged.iter().map(|(_, more)| more).sum();
    let lacking = (asked - book.available(&purse)).max(0);
    let repaid = (-asked).clamp(0, advanced);
    transfers.extend((lacking > 0).then(|| moves(payer.risk, purse, lacking, TransferKind::Shortfall)));
    transfers.extend(fares);
    transfers.extend((repaid > 0).then(|| moves(purse, payer.risk, repaid, TransferKind::Shortfall)));
    (transfers, lacking - repaid)
}
