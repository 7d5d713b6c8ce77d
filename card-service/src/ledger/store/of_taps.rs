//! The transfers that taps caused, found without an index by leaf. Reads only.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use card_schema::ids::Shard;

use super::load_named;
use crate::db::{Connection, DbError, Row, Rows, columns, query};
use crate::evidence::LeafRef;
use crate::ledger::Named;

/// More transfers than any tap causes.
const OF_A_TAP: i64 = 8;

/// The transfers that taps caused, each with what has become of it, by the leaves of the taps. They are found by halving:
/// within a shard the numbers of transfers grow with those of leaves, and an index by leaf would cost every tap an entry.
/// All taps are halved together, so that many take no more statements than one.
///
/// # Errors
/// When the database fails, or holds what this program did not write.
pub async fn of_taps(connection: &mut Connection, taps: &[LeafRef]) -> Result<HashMap<LeafRef, Vec<Named>>, DbError> {
    if taps.is_empty() {
        return Ok(HashMap::new());
    }
    let shards: BTreeSet<Shard> = taps.iter().map(|tap| tap.shard).collect();
    let wanted = Rows::new().ints("shard", shards.iter().map(|shard| i64::from(shard.0)));
    let rows = query("SELECT s.shard, s.transfer FROM {wanted} CROSS JOIN shard s WHERE s.shard = wanted.shard")
        .set("wanted", wanted)
        .all(connection)
        .await?;
    let used = rows.iter().map(|row| Ok((columns::shard(row.get("shard")?)?, row.get::<i64>("transfer")?)));
    let used = used.collect::<Result<HashMap<Shard, i64>, DbError>>()?;
    let mut searches: Vec<_> =
        taps.iter().map(|tap| (*tap, 1, used.get(&tap.shard).map_or(1, |last| last + 1))).collect();
    loop {
        let middles: HashSet<(Shard, i64)> =
            searches.iter().filter(|(_, first, after)| first < after).map(middle).collect();
        if middles.is_empty() {
            break;
        }
        let leaves = leaves_of(connection, &middles).await?;
        for search in searches.iter_mut().filter(|(_, first, after)| first < after) {
            let place = middle(search);
            // What was folded has left gaps: the next that is there speaks for them.
            match leaves.get(&place) {
                Some(leaf) if *leaf < search.0.leaf_id => search.1 = place.1 + 1,
                _ => search.2 = place.1,
            }
        }
    }
    let wanted = Rows::new()
        .ints("shard", searches.iter().map(|(tap, ..)| i64::from(tap.shard.0)))
        .ints("leaf", searches.iter().map(|(tap, ..)| tap.leaf_id))
        .ints("first", searches.iter().map(|(_, first, _)| *first))
        .ints("last", searches.iter().map(|(_, first, _)| first + OF_A_TAP));
    let rows = query(
        "SELECT t.shard, t.leaf, t.transfer_id FROM {wanted} CROSS JOIN transfer t
         WHERE t.shard = wanted.shard AND t.transfer_id BETWEEN wanted.first AND wanted.last AND t.leaf = wanted.leaf
         ORDER BY t.shard, t.transfer_id",
    )
    .set("wanted", wanted)
    .all(connection)
    .await?;
    let place = |row: &Row| {
        let shard = columns::shard(row.get("shard")?)?;
        Ok(((shard, row.get("transfer_id")?), LeafRef { shard, leaf_id: row.get("leaf")? }))
    };
    let places = rows.iter().map(place).collect::<Result<BTreeMap<(Shard, i64), LeafRef>, DbError>>()?;
    let mut found: HashMap<LeafRef, Vec<Named>> = HashMap::new();
    let mut named = load_named(connection, &places.keys().copied().collect::<Vec<_>>()).await?;
    named.sort_unstable_by_key(|named| named.entry.id);
    for named in named {
        let place = places[&(named.entry.transfer.debit.shard, named.entry.id)];
        found.entry(place).or_default().push(named);
    }
    Ok(found)
}

/// The number in the middle of those that a search for a tap's first transfer has left.
const fn middle((tap, first, after): &(LeafRef, i64, i64)) -> (Shard, i64) {
    (tap.shard, *first + (*after - *first) / 2)
}

/// The leaves of transfers, or of the next ones that are there.
async fn leaves_of(
    connection: &mut Connection,
    transfers: &HashSet<(Shard, i64)>,
) -> Result<HashMap<(Shard, i64), i64>, DbError> {
    let wanted = Rows::new()
        .ints("shard", transfers.iter().map(|(shard, _)| i64::from(shard.0)))
        .ints("id", transfers.iter().map(|(_, id)| *id));
    let rows = query(
        "SELECT t.shard, wanted.id, t.leaf FROM {wanted} CROSS JOIN transfer t
         WHERE t.shard = wanted.shard AND t.transfer_id = (SELECT MIN(next.transfer_id) FROM transfer next
           WHERE next.shard = wanted.shard AND next.transfer_id >= wanted.id)",
    )
    .set("wanted", wanted)
    .all(connection)
    .await?;
    rows.iter().map(|row| Ok(((columns::shard(row.get("shard")?)?, row.get("id")?), row.get("leaf")?))).collect()
}
