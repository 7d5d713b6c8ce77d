//! Legs whose end does not come: once a validator cannot say any more that somebody has left, what the fares ask for a missing end is
//! booked. A tap that comes in later moves back what was too much. And riders who are reckoned anew for another cause than a tap.

use std::collections::BTreeSet;
use std::sync::Arc;

use card_schema::clock::Micros;
use card_schema::ids::{HolderId, Shard};
use ring::digest::{self, SHA256};

use super::booking::{self, Booking, Payer, book};
use super::model::{RiderKey, account_of};
use super::store::riding as store;
use super::{Fares, import::Recalled};
use crate::cards::{self, Bearer};
use crate::db::{Db, DbError, Tx};
use crate::ledger::{self, Needs, Reference};

/// Riders who are looked at in one transaction.
const AT_ONCE: u32 = 500;
/// Versions of the fares are asked so long after others have come into force: what was shown is folded long before, also where no job
/// has run for months.
pub const KEPT_SECONDS: i64 = 2 * 366 * 86_400;

/// Closes all legs that have waited long enough. How many riders had one.
///
/// # Errors
/// When the database fails; what was booked by then stands, and the next look goes on.
pub async fn close(db: &Db, recalled: &Recalled, now: Micros) -> Result<u64, DbError> {
    let fares = recalled.now(&mut db.read().await?, now).await?;
    let mut closed = 0;
    loop {
        let riders = store::overdue(&mut db.read().await?, now, AT_ONCE).await?;
        let Some(shard) = riders.first().map(|rider| rider.shard) else { return Ok(closed) };
        // One shard at a time: whoever taps in another does not wait.
        let of_shard: BTreeSet<_> = riders.into_iter().filter(|rider| rider.shard == shard).collect();
        let fares = Arc::clone(&fares);
        let done = db.write_concurrently::<_, DbError, _>(move |tx| {
            Box::pin(async move { reckon(tx, &fares, shard, &of_shard, now, Cause::Closing).await })
        });
        closed += done.await?;
    }
}

/// Why riders are reckoned anew without a tap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// An end has not come.
    Closing,
    /// They may claim something else than before.
    Concession,
    /// What they have shown was corrected.
    Correction,
}

/// Reckons these riders of a shard anew, and books what is missing: how many they are. The card of whoever owes more than the purse
/// holds is suspended, as by a tap.
///
/// # Errors
/// When the database fails.
pub async fn reckon(
    tx: &mut Tx,
    fares: &Fares,
    shard: Shard,
    riders: &BTreeSet<RiderKey>,
    now: Micros,
    cause: Cause,
) -> Result<u64, DbError> {
    // A card that is suspended is listed.
    tx.lock([Shard(0), shard]).await?;
    let known = store::known(tx.conn(), riders).await?;
    let accounts = riders.iter().flat_map(|rider| {
        let groups = booking::groups(fares, &known[rider], None);
        groups.into_iter().map(|group| account_of(group, shard)).chain(Payer::of(*rider).accounts())
    });
    let mut ledger = ledger::store::load(tx, &Needs::accounts(accounts.collect())).await?;
    let bookings = riders.iter().map(|rider| {
        let Booking { mut transfers, ride } = book(fares, *rider, &known[rider], None, now, &ledger);
        for (number, transfer) in transfers.iter_mut().enumerate() {
            transfer.reference = Some(reference(cause, rider, now, number));
        }
        (transfers, ride)
    });
    let (chains, mut rides): (Vec<_>, Vec<_>) = bookings.unzip();
    let posted = ledger::store::post_in(tx, now, &chains, &mut ledger).await?;
    for (ride, posted) in rides.iter_mut().zip(posted) {
        if let Err(refused) = posted {
            tracing::error!(reason = %refused.reason, ?cause, "the ledger refused a fare that was reckoned anew");
            // The next reckoning of this rider finds what is missing.
            (ride.charged, ride.advanced) = (Vec::new(), 0);
        }
    }
    store::add(tx.conn(), &rides).await?;
    for ride in rides.iter().filter(|ride| ride.advanced > 0) {
        let bearer = Bearer::Holder(HolderId::from_bytes(ride.rider.id));
        for card in cards::store::of(tx.conn(), bearer).await? {
            cards::store::overspent(tx, now, &card).await?;
        }
    }
    Ok(rides.len() as u64)
}

/// The cause: a rider is reckoned anew once at a moment.
fn reference(cause: Cause, rider: &RiderKey, now: Micros, number: usize) -> Reference {
    let mut context = digest::Context::new(&SHA256);
    context.update(match cause {
        Cause::Closing => b"nrc/fare-closing/v1\0",
        Cause::Concession => b"nrc/fare-concession/v1\0",
        Cause::Correction => b"nrc/fare-correction/v1\0",
    });
    context.update(&rider.id);
    context.update(&now.0.to_be_bytes());
    context.update(&number.to_be_bytes());
    Reference(context.finish().as_ref().try_into().expect("SHA-256 has 32 bytes"))
}
