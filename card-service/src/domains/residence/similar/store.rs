//! The tables person_trait and person_told_apart.

use std::collections::BTreeSet;

use card_schema::clock::Micros;
use card_schema::ids::HolderId;

use crate::db::{Connection, DbError, Rows, Tx, columns, insert, query};
use crate::evidence::{ActionKind, Change, tables};
use crate::people::StaffId;

/// How many persons are compared at most.
const CANDIDATES: i64 = 12;

fn rows(traits: &BTreeSet<i64>) -> Rows {
    Rows::new().ints("trait_hash", traits.iter().copied())
}

/// Keeps the traits by which people are found.
pub async fn add(tx: &mut Tx, traits: &[(HolderId, BTreeSet<i64>)]) -> Result<(), DbError> {
    // In the order of the keys: neighbours go to the same page.
    let mut each: Vec<_> =
        traits.iter().flat_map(|(holder, traits)| traits.iter().map(move |hash| (*hash, holder))).collect();
    each.sort_unstable_by_key(|(hash, _)| *hash);
    let rows = Rows::new()
        .ints("trait_hash", each.iter().map(|(hash, _)| *hash))
        .ints("shard", each.iter().map(|(_, holder)| i64::from(holder.shard().0)))
        .bytes("holder_id", each.iter().map(|(_, holder)| *holder.as_bytes()));
    insert(tx.conn(), "person_trait", rows, "ON CONFLICT (trait_hash, shard, holder_id) DO NOTHING").await
}

/// Forgets traits by which a person was found.
pub async fn remove(tx: &mut Tx, holder: HolderId, traits: &BTreeSet<i64>) -> Result<(), DbError> {
    if traits.is_empty() {
        return Ok(());
    }
    query(
        "DELETE FROM person_trait WHERE shard = $1 AND holder_id = $2
         AND trait_hash IN (SELECT wanted.trait_hash FROM {wanted})",
    )
    .bind(holder.shard())
    .bind(holder)
    .set("wanted", rows(traits))
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Those who have most of these traits.
pub(super) async fn sharing(connection: &mut Connection, traits: &BTreeSet<i64>) -> Result<Vec<HolderId>, DbError> {
    if traits.is_empty() {
        return Ok(Vec::new());
    }
    let found = query(
        "SELECT p.holder_id FROM {wanted} CROSS JOIN person_trait p WHERE p.trait_hash = wanted.trait_hash
         GROUP BY p.shard, p.holder_id ORDER BY COUNT(*) DESC, p.holder_id LIMIT $1",
    )
    .bind(CANDIDATES)
    .set("wanted", rows(traits))
    .all(connection)
    .await?;
    found.iter().map(|row| Ok(HolderId::from_bytes(columns::bytes(row, "holder_id")?))).collect()
}

/// Records that a person is not another, who was found to be alike.
pub async fn tell_apart(
    tx: &mut Tx,
    at: Micros,
    by: StaffId,
    holder: HolderId,
    other: HolderId,
    reason: &str,
) -> Result<(), DbError> {
    let mut change = Change::begin(tx, holder.shard()).await?;
    let shard = i64::from(holder.shard().0);
    let key = vec![shard.into(), holder.as_bytes()[..].into(), other.as_bytes()[..].into()];
    change.touch(tx, &tables::PERSON_TOLD_APART, key).await?;
    query(
        "INSERT INTO person_told_apart (shard, holder_id, other, at, staff_id, reason, leaf)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(shard)
    .bind(holder)
    .bind(other)
    .bind(at.0)
    .bind(by.0)
    .bind(reason)
    .bind(change.leaf())
    .execute(tx.conn())
    .await?;
    change.record(tx, at, ActionKind::PersonChanged).await
}
