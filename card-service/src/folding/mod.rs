//! What nobody can dispute any more is folded: of taps at validators, inspectors and gates, of what they moved and of their leaves,
//! totals by month are left, and hashes that prove nothing was added or taken away. So what people did does not become a trail.
//!
//! `rules` has what is folded and when; [`fold`] does it. Of what riders have shown, `domains::transit::folding` keeps what
//! fares still depend on. Not here: what a terminal keeps (its outbox forgets a tap with its receipt).

pub mod rules;
pub mod store;

use std::collections::{BTreeMap, BTreeSet};

use card_schema::clock::Micros;
use card_schema::ids::Shard;

use self::rules::{Retention, Run, encoded, net};
use crate::db::{Db, DbError, Tx};
use crate::domains::transit;
use crate::domains::transit::store::correction as corrections;
use crate::evidence::leaf::Replaced;
use crate::evidence::{self, Action, ActionKind, tables};

/// Taps, and transfers, that are folded in one transaction.
const AT_ONCE: u32 = 1_000;

/// Folds everything that is old enough. How many leaves.
///
/// # Errors
/// When the database fails; what was folded by then stays so, and the next look goes on.
pub async fn fold(db: &Db, retention: Retention, now: Micros) -> Result<u64, DbError> {
    // First what fares are reckoned from: what was booked for it does not change any more.
    transit::folding::fold(db, retention.travels_before(now)).await?;
    let mut folded = 0;
    for shard in (0..db.engine().shards()).map(Shard) {
        loop {
            let done = db
                .write_concurrently::<_, DbError, _>(move |tx| Box::pin(fold_some(tx, shard, retention, now)))
                .await?;
            folded += done;
            if done == 0 {
                break;
            }
        }
    }
    Ok(folded)
}

/// Folds some leaves of a shard with all that they speak for.
async fn fold_some(tx: &mut Tx, shard: Shard, retention: Retention, now: Micros) -> Result<u64, DbError> {
    // The lanes' runs lie in no shard: the lowest is taken first, as by everybody.
    tx.lock([Shard(0), shard]).await?;
    let placed = store::placed(tx.conn(), shard).await?;
    let mut taps = store::taps(tx.conn(), shard, retention, now, AT_ONCE).await?;
    taps.retain(|tap| tap.leaf <= placed);
    let of_taps: Vec<i64> = taps.iter().map(|tap| tap.leaf).collect();
    let mut moving = store::fares_of(tx.conn(), shard, &of_taps).await?;
    moving.extend(store::fares(tx.conn(), shard, retention.travels_before(now), AT_ONCE).await?);
    moving.retain(|leaf, _| *leaf <= placed);
    let mut corrected = corrections::old(tx.conn(), shard, retention.travels_before(now), AT_ONCE).await?;
    corrected.retain(|leaf| *leaf <= placed);
    let leaves: BTreeSet<i64> = of_taps.iter().chain(moving.keys()).chain(&corrected).copied().collect();
    if leaves.is_empty() {
        return Ok(0);
    }
    let gone = store::transfers(tx.conn(), shard, &moving).await?;
    let nets = net(gone.iter().map(|transfer| transfer.moved));
    let folded_before = store::folded_before(tx.conn(), shard, &nets).await?;
    let nets = net(gone.iter().chain(&folded_before).map(|transfer| transfer.moved));

    let mut action = Action::new(shard, ActionKind::LeavesFolded, Vec::new());
    for transfer in &folded_before {
        let key = vec![i64::from(shard.0).into(), transfer.id.into()];
        let image = store::image(tx, &tables::TRANSFER, key).await?;
        let salt = evidence::store::leaf_salt(tx.conn(), shard, transfer.leaf).await?;
        let replaced = Replaced { table: "transfer".to_owned(), leaf_id: transfer.leaf, hash: image.hash(&salt) };
        action.replaced.push(replaced);
    }
    let leaf = tx.numbers(shard).leaf + 1;
    let transfers: Vec<i64> = gone.iter().chain(&folded_before).map(|transfer| transfer.id).collect();
    store::remove(tx, shard, &of_taps, &transfers).await?;
    corrections::remove(tx.conn(), shard, &corrected).await?;
    let nets = store::add_nets(tx, shard, &nets, leaf).await?;
    let accounts = gone.iter().flat_map(|transfer| [transfer.moved.debit, transfer.moved.credit]).collect();
    let accounts = store::accounts_of(tx.conn(), shard, &accounts, &leaves).await?;
    store::move_accounts(tx, shard, &accounts, leaf).await?;
    store::fold_leaves(tx, shard, &leaves).await?;
    let numbers: Vec<i64> = leaves.iter().copied().collect();
    store::note(tx, shard, leaf, now, encoded(&numbers)).await?;
    for (table, ids) in [(&tables::LEAF_FOLD, vec![leaf]), (&tables::TRANSFER, nets), (&tables::ACCOUNT, accounts)] {
        for id in ids {
            action.rows.push(store::image(tx, table, vec![i64::from(shard.0).into(), id.into()]).await?);
        }
    }
    let appended = evidence::append(tx, now, action).await?;
    assert_eq!(appended.leaf_id, leaf, "no leaf is appended while a shard is held");

    let mut lanes: BTreeMap<([u8; 16], i64), Vec<Run>> = BTreeMap::new();
    for tap in taps {
        lanes.entry(tap.lane).or_default().push(tap.run);
    }
    if !lanes.is_empty() {
        store::add_runs(tx, now, &lanes).await?;
    }
    Ok(leaves.len() as u64)
}
