//! How many people live in which cell, from the tables home, house and person_merge.

use std::collections::BTreeMap;

use card_schema::clock::Micros;
use card_schema::ids::HolderId;

use super::model::twice;
use crate::db::{Connection, DbError, Rows, columns, query};

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
