//! How many people live in which cell, from the tables home, house and person_merge, and the table map_count.

use std::collections::BTreeMap;

use card_schema::clock::Micros;
use card_schema::date::Date;
use card_schema::ids::HolderId;

use super::model::twice;
use super::rules::When;
use crate::db::{Connection, DbError, Row, Rows, Tx, columns, query};

fn when(row: &Row) -> Result<When, DbError> {
    Ok(When { day: Date::of_utc(Micros(row.get("day")?)), at: Micros(row.get("at")?) })
}

/// When people were counted last.
pub(super) async fn last(connection: &mut Connection) -> Result<Option<When>, DbError> {
    let row = query("SELECT day, at FROM map_count ORDER BY day DESC LIMIT 1").optional(connection).await?;
    row.as_ref().map(when).transpose()
}

/// What was counted last.
pub(super) async fn kept(connection: &mut Connection) -> Result<(When, BTreeMap<String, u64>), DbError> {
    let row = query("SELECT day, at, counts FROM map_count ORDER BY day DESC LIMIT 1").optional(connection).await?;
    let row = row.ok_or(DbError::Unreadable("map_count has no row"))?;
    let counts = serde_json::from_str(&row.get::<String>("counts")?);
    Ok((when(&row)?, counts.map_err(|_| DbError::Unreadable("map_count.counts"))?))
}

/// Keeps what was counted in place of what was counted before, unless another did so for this day. What is kept.
pub(crate) async fn keep(tx: &mut Tx, new: When, counts: &BTreeMap<String, u64>) -> Result<When, DbError> {
    let text = serde_json::to_string(counts).expect("texts and numbers are JSON");
    let day = new.day.start_utc().0;
    query("INSERT INTO map_count (day, at, counts) VALUES ($1, $2, $3) ON CONFLICT (day) DO NOTHING")
        .bind(day)
        .bind(new.at.0)
        .bind(text)
        .execute(tx.conn())
        .await?;
    query("DELETE FROM map_count WHERE day <> $1").bind(day).execute(tx.conn()).await?;
    last(tx.conn()).await?.ok_or(DbError::Unreadable("map_count has no row"))
}

/// Has people counted anew when somebody looks next: the cells are others now.
///
/// # Errors
/// When the database fails.
pub async fn forget(tx: &mut Tx) -> Result<(), DbError> {
    query("DELETE FROM map_count").execute(tx.conn()).await?;
    Ok(())
}

/// How many people live in each cell on a day. Who has left by then is not counted, and of the records of one person one is.
pub(super) async fn counts(connection: &mut Connection, day: Micros) -> Result<BTreeMap<String, u64>, DbError> {
    let living = query(
        "SELECT h.cell, CAST(SUM(r.people) AS BIGINT) AS people
         FROM (SELECT house_id, COUNT(*) AS people FROM home
               WHERE ended IS NULL AND (until IS NULL OR until > $1) GROUP BY house_id) r
         JOIN house h ON h.house_id = r.house_id GROUP BY h.cell",
    );
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for row in living.bind(day.0).all(&mut *connection).await? {
        counts.insert(row.get("cell")?, u64::try_from(row.get::<i64>("people")?).unwrap_or(0));
    }
    // Few: they are looked for, instead of asking each who lives somewhere.
    let merged = merged(&mut *connection).await?;
    let lives = cells(connection, day, merged.iter().flat_map(|(other, kept)| [*other, *kept])).await?;
    for cell in twice(&merged, &lives) {
        counts.entry(cell.to_owned()).and_modify(|people| *people = people.saturating_sub(1));
    }
    Ok(counts)
}

/// The records that point to another, with that.
async fn merged(connection: &mut Connection) -> Result<BTreeMap<HolderId, HolderId>, DbError> {
    let rows = query(
        "SELECT m.holder_id, m.other FROM person_merge m WHERE m.act = 'merged'
         AND NOT EXISTS (SELECT 1 FROM person_merge n
                         WHERE n.shard = m.shard AND n.holder_id = m.holder_id AND n.leaf > m.leaf)",
    )
    .all(connection)
    .await?;
    let holder = |row, column| Ok::<_, DbError>(HolderId::from_bytes(columns::bytes(row, column)?));
    rows.iter().map(|row| Ok((holder(row, "holder_id")?, holder(row, "other")?))).collect()
}

/// In which cell each of these lives on a day, where that is known.
async fn cells(
    connection: &mut Connection,
    day: Micros,
    holders: impl Iterator<Item = HolderId> + Clone,
) -> Result<BTreeMap<HolderId, String>, DbError> {
    let wanted = Rows::new()
        .ints("shard", holders.clone().map(|holder| i64::from(holder.shard().0)))
        .bytes("holder_id", holders.map(|holder| *holder.as_bytes()));
    let rows = query(
        "SELECT r.holder_id, h.cell FROM {wanted} CROSS JOIN home r JOIN house h ON h.house_id = r.house_id
         WHERE r.shard = wanted.shard AND r.holder_id = wanted.holder_id
         AND r.ended IS NULL AND (r.until IS NULL OR r.until > $1)",
    )
    .bind(day.0)
    .set("wanted", wanted)
    .all(connection)
    .await?;
    rows.iter().map(|row| Ok((HolderId::from_bytes(columns::bytes(row, "holder_id")?), row.get("cell")?))).collect()
}
