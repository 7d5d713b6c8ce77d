//! The table roster.

use card_schema::date::Date;
use card_schema::ids::HolderId;

use super::Ties;
use super::model::PEOPLE_MAX;
use crate::db::{Connection, DbError, Rows, Statement, Tx, columns, insert, query};

/// Keeps by what people are found.
///
/// # Errors
/// When the database fails.
pub async fn add(tx: &mut Tx, people: &[(HolderId, Ties)]) -> Result<(), DbError> {
    // In the order of the keys: neighbours go to the same page.
    let mut each: Vec<_> = people
        .iter()
        .flat_map(|(holder, ties)| ties.marks.iter().map(move |mark| (*mark, holder, ties.until)))
        .collect();
    each.sort_unstable_by_key(|(mark, holder, _)| (*mark, holder.shard()));
    let rows = Rows::new()
        .ints("mark", each.iter().map(|(mark, ..)| *mark))
        .ints("shard", each.iter().map(|(_, holder, _)| i64::from(holder.shard().0)))
        .bytes("holder_id", each.iter().map(|(_, holder, _)| *holder.as_bytes()))
        .optional_ints("until", each.iter().map(|(.., until)| until.map(|until| until.0)));
    insert(tx.conn(), "roster", rows, "").await
}

/// Forgets by what a person was found.
///
/// # Errors
/// When the database fails.
pub async fn remove(tx: &mut Tx, holder: HolderId, ties: &Ties) -> Result<(), DbError> {
    query("DELETE FROM roster WHERE shard = $1 AND holder_id = $2 AND mark IN (SELECT wanted.mark FROM {wanted})")
        .bind(holder.shard())
        .bind(holder)
        .set("wanted", Rows::new().ints("mark", ties.marks.iter().copied()))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Those who are found by a mark and have not left by a day. Of the records of one person, the one under which that person is
/// found decides.
fn found(select: &str, rest: &str, mark: i64, day: Date) -> Statement {
    query(format!(
        "SELECT {select} FROM roster r WHERE r.mark = $1 AND (r.until IS NULL OR r.until > $2)
         AND COALESCE((SELECT m.act FROM person_merge m WHERE m.shard = r.shard AND m.holder_id = r.holder_id
                       ORDER BY m.leaf DESC LIMIT 1), '') <> 'merged' {rest}"
    ))
    .bind(mark)
    .bind(day.start_utc().0)
}

/// How many there are.
pub(super) async fn count(connection: &mut Connection, mark: i64, day: Date) -> Result<u32, DbError> {
    let count: i64 = found("COUNT(*)", "", mark, day).scalar_one(connection).await?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// As many of them as stand on one list, in the order in which shards are locked.
pub(super) async fn people(
    connection: &mut Connection,
    mark: i64,
    day: Date,
    part: u32,
) -> Result<Vec<HolderId>, DbError> {
    let rows = found("r.holder_id", "ORDER BY r.shard, r.holder_id LIMIT $3 OFFSET $4", mark, day)
        .bind(i64::from(PEOPLE_MAX))
        .bind(i64::from(part) * i64::from(PEOPLE_MAX))
        .all(connection)
        .await?;
    rows.iter().map(|row| Ok(HolderId::from_bytes(columns::bytes(row, "holder_id")?))).collect()
}
