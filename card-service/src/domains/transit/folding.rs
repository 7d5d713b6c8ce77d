//! What riders have shown is forgotten when nobody can dispute it any more: what is left is what was paid in periods that go on.
//!
//! Only what no later fare depends on goes: legs up to a pause in which no journey goes on. So whatever is shown later costs what it
//! would have cost.

use std::collections::{BTreeMap, BTreeSet};

use card_schema::clock::Micros;
use card_schema::ids::Shard;

use super::fares::Trip;
use super::model::{Base, GroupId, RiderKey, Riding, Showing};
use super::store::riding as store;
use super::{Fares, closing::KEPT_SECONDS, import};
use crate::db::{Db, DbError, Tx};

/// Riders who are looked at in one transaction.
const AT_ONCE: u32 = 200;

/// What is left of somebody's travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folding {
    /// What fares still depend on.
    pub base: Base,
    /// The last showing that goes.
    pub until: Micros,
    /// What was booked for what goes, by who got it.
    pub charged: Vec<(GroupId, i64)>,
}

impl Fares {
    /// What is left of somebody's travels before a moment; nothing where they cannot be told from what came later.
    pub fn folding(&self, riding: &Riding, before: Micros) -> Option<Folding> {
        let showings: Vec<&Showing> = riding.showings.iter().collect();
        // What is open then is reckoned when it has ended.
        let reckoned = self.reckon(&riding.base, &riding.rights, &showings, before);
        let last_of = |trip: &Trip| showings[trip.last.unwrap_or(trip.first)].at;
        let is_pause = |until: Micros| {
            let next = showings.iter().map(|showing| showing.at).filter(|at| *at > until).min();
            let change_s = self.at(until).map_or(0, |version| version.tariff.change_s);
            next.is_none_or(|next| next.seconds() - until.seconds() > change_s)
        };
        let ends = reckoned.trips.iter().map(last_of).filter(|until| *until < before && is_pause(*until));
        let until = ends.max()?;
        let gone = || reckoned.trips.iter().filter(|trip| last_of(trip) <= until);
        let mut charged: BTreeMap<GroupId, i64> = BTreeMap::new();
        for trip in gone() {
            if let Some(group) = self.group(showings[trip.first]) {
                *charged.entry(group.id()).or_default() += trip.charge.amount.0;
            }
        }
        let sums = gone().next_back().map(|trip| trip.sums.clone())?;
        // When somebody travelled last is nobody's business either.
        let base = Base { until: Some(before), sums };
        Some(Folding { base, until, charged: charged.into_iter().collect() })
    }
}

/// Folds what all riders have shown before a moment.
///
/// # Errors
/// When the database fails.
pub async fn fold(db: &Db, before: Micros) -> Result<(), DbError> {
    let mut fares = None;
    for shard in (0..db.engine().shards()).map(Shard) {
        let mut after = None;
        loop {
            let riders = store::with_old(&mut db.read().await?, shard, (before, after), AT_ONCE).await?;
            let Some(last) = riders.last() else { break };
            after = Some(*last);
            if fares.is_none() {
                let since = before.plus_seconds(-KEPT_SECONDS);
                fares = Some(import::fares(&mut db.read().await?, since).await?);
            }
            let fares = fares.clone().unwrap_or_default();
            let done = db.write_concurrently::<_, DbError, _>(move |tx| {
                Box::pin(async move { fold_riders(tx, &fares, shard, &riders, before).await })
            });
            done.await?;
        }
    }
    Ok(())
}

async fn fold_riders(
    tx: &mut Tx,
    fares: &Fares,
    shard: Shard,
    riders: &[[u8; 16]],
    before: Micros,
) -> Result<(), DbError> {
    tx.lock([shard]).await?;
    // Whose fares they are does not matter here.
    let keys: BTreeSet<RiderKey> = riders.iter().map(|id| RiderKey { shard, id: *id, is_issuers: false }).collect();
    let known = store::known(tx.conn(), &keys).await?;
    let folded: Vec<_> =
        known.iter().filter_map(|(rider, riding)| Some((*rider, fares.folding(riding, before)?))).collect();
    store::fold(tx.conn(), &folded).await
}
