//! The table person_merge: what was done, of which the newest holds.

use card_schema::clock::Micros;
use card_schema::ids::HolderId;

use super::Act;
use crate::db::{Connection, DbError, Row, Tx, columns, query};
use crate::domains::residence::store::deeds;
use crate::evidence::{ActionKind, Change, tables};
use crate::people::StaffId;

/// That a record points to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// To which.
    pub into: HolderId,
    /// Since when.
    pub at: Micros,
    /// Who said so: the name to sign in with.
    pub staff: String,
}

/// Records that a record points to another, or does so no longer.
pub async fn put(
    tx: &mut Tx,
    at: Micros,
    by: StaffId,
    (holder, other): (HolderId, HolderId),
    act: Act,
    reason: &str,
) -> Result<(), DbError> {
    let mut change = Change::begin(tx, holder.shard()).await?;
    let key = vec![i64::from(holder.shard().0).into(), holder.as_bytes()[..].into(), change.leaf().into()];
    change.touch(tx, &tables::PERSON_MERGE, key).await?;
    query(
        "INSERT INTO person_merge (shard, holder_id, leaf, other, act, at, staff_id, reason)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(holder.shard())
    .bind(holder)
    .bind(change.leaf())
    .bind(other)
    .bind(act.name())
    .bind(at.0)
    .bind(by.0)
    .bind(reason)
    .execute(tx.conn())
    .await?;
    change.record(tx, at, ActionKind::PersonMerged).await
}

/// What was done with a record, newest first: when, what, by whom (the name to sign in with), and why.
pub async fn history(
    connection: &mut Connection,
    holder: HolderId,
    limit: u32,
) -> Result<Vec<(Micros, Act, String, String)>, DbError> {
    let rows = deeds(connection, ("person_merge", "a.act, a.reason"), holder, limit).await?;
    let past = |row: &Row| {
        let act = Act::from_name(row.get("act")?).ok_or(DbError::Unreadable("person_merge.act"))?;
        Ok((Micros(row.get("at")?), act, row.get("name")?, row.get("reason")?))
    };
    rows.iter().map(past).collect()
}

/// To which record one points, if it does.
pub async fn current(connection: &mut Connection, holder: HolderId) -> Result<Option<Merged>, DbError> {
    let row = query(
        "SELECT m.other, m.act, m.at, s.name FROM person_merge m JOIN staff s USING (staff_id)
         WHERE m.shard = $1 AND m.holder_id = $2 ORDER BY m.leaf DESC LIMIT 1",
    )
    .bind(holder.shard())
    .bind(holder)
    .optional(connection)
    .await?;
    let merged = |row: Row| {
        let act = Act::from_name(row.get("act")?).ok_or(DbError::Unreadable("person_merge.act"))?;
        let into = HolderId::from_bytes(columns::bytes(&row, "other")?);
        let merged = Merged { into, at: Micros(row.get("at")?), staff: row.get("name")? };
        Ok((act == Act::Merged).then_some(merged))
    };
    row.map_or(Ok(None), merged)
}

/// The records that point to one.
pub async fn pointing_to(connection: &mut Connection, holder: HolderId) -> Result<Vec<HolderId>, DbError> {
    let rows = query("SELECT DISTINCT holder_id FROM person_merge WHERE other = $1 ORDER BY holder_id")
        .bind(holder)
        .all(&mut *connection)
        .await?;
    let mut found = Vec::new();
    for row in &rows {
        let other = HolderId::from_bytes(columns::bytes(row, "holder_id")?);
        if current(&mut *connection, other).await?.is_some_and(|merged| merged.into == holder) {
            found.push(other);
        }
    }
    Ok(found)
}
