//! Points whose time is over, taken off month by month: once everything that is over has been booked, the lots behind it are
//! forgotten.

use card_schema::clock::Micros;
use card_schema::date::Date;
use card_schema::ids::{HolderId, Shard};
use ring::digest::{self, SHA256};

use super::model::{Programme, Wanted, lapsed, points_of};
use super::rules::{oldest_good, over};
use super::store;
use crate::db::{Db, DbError, Tx};
use crate::ledger::{self, Needs, Phase, Reference, Transfer, TransferKind};

/// Holders whose points are looked at in one transaction.
const AT_ONCE: u32 = 500;

/// Takes off all points that are over. How many holders had some.
///
/// # Errors
/// When the database fails; what was booked by then stands, and the next look goes on.
pub async fn expire(db: &Db, now: Micros) -> Result<u64, DbError> {
    let today = Date::in_china(now);
    let programmes = store::programmes(&mut db.read().await?).await?.programmes;
    let mut holders = 0;
    for programme in programmes.into_values() {
        let before = oldest_good(&programme, today);
        for shard in (0..db.engine().shards()).map(Shard) {
            let mut last = HolderId::from_bytes([0; 16]);
            loop {
                let key = (shard, programme.id);
                let found = store::with_old_lots(&mut db.read().await?, key, before, last, AT_ONCE).await?;
                let Some(newest) = found.last() else { break };
                last = *newest;
                let with = programme.clone();
                let booked = db.write_concurrently::<_, DbError, _>(move |tx| {
                    Box::pin(async move { take_off(tx, now, shard, (&with, before), &found).await })
                });
                holders += booked.await?;
            }
        }
    }
    Ok(holders)
}

/// Takes off what is over of these holders' points: what was earned before a day.
async fn take_off(
    tx: &mut Tx,
    now: Micros,
    shard: Shard,
    (programme, before): (&Programme, Date),
    holders: &[HolderId],
) -> Result<u64, DbError> {
    tx.lock([shard]).await?;
    let to = lapsed(shard, programme.id);
    let wanted: Vec<_> =
        holders.iter().map(|holder| Wanted { shard, holder: *holder, programme: programme.id, day: None }).collect();
    let lots = store::lots(tx.conn(), &wanted).await?;
    let accounts = holders.iter().map(|holder| points_of(*holder, shard, programme.id)).chain([to]);
    let mut book = ledger::store::load(tx, &Needs::accounts(accounts.collect())).await?;
    let mut chains = Vec::new();
    for holder in holders {
        let Some(lots) = lots.get(&(*holder, programme.id)) else { continue };
        let from = points_of(*holder, shard, programme.id);
        let amount = over(lots, book.balance(&from), before);
        if amount > 0 {
            let reference = Some(reference(programme, *holder, before));
            let (kind, phase) = (TransferKind::PointsExpired, Phase::Posted);
            chains.push(vec![Transfer { debit: from, credit: to, amount, kind, reference, phase }]);
        }
    }
    let posted = ledger::store::post_in(tx, now, &chains, &mut book).await?;
    for refused in posted.iter().filter_map(|outcome| outcome.as_ref().err()) {
        tracing::error!(reason = %refused.reason, "the ledger refused to take off points that are over");
    }
    store::forget_lots(tx.conn(), (shard, programme.id), holders, before).await?;
    Ok(posted.iter().filter(|outcome| outcome.is_ok()).count() as u64)
}

/// The cause: a holder's points of a programme from before a day are over once.
fn reference(programme: &Programme, holder: HolderId, before: Date) -> Reference {
    let mut context = digest::Context::new(&SHA256);
    context.update(b"nrc/points-expiry/v1\0");
    context.update(&programme.id.0.to_be_bytes());
    context.update(holder.as_bytes());
    context.update(&before.days().to_be_bytes());
    Reference(context.finish().as_ref().try_into().expect("SHA-256 has 32 bytes"))
}
