//! Reading a purse, and what was paid from it and topped up on a day. What moves, the ledger writes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use card_schema::date::Date;
use card_schema::ids::{HolderId, Shard};
use card_schema::money::Fen;

use super::{HolderDay, Spent, purse_of};
use crate::db::{Connection, DbError, Rows, Tx, columns, insert, query};
use crate::ledger;

/// What a holder has in the purse.
pub async fn balance(connection: &mut Connection, holder: HolderId, shard: Shard) -> Result<Fen, DbError> {
    ledger::store::balance(connection, &purse_of(holder, shard)).await.map(Fen)
}

/// What was paid on these days.
pub async fn spent(
    connection: &mut Connection,
    days: &BTreeSet<HolderDay>,
) -> Result<HashMap<HolderDay, Spent>, DbError> {
    if days.is_empty() {
        return Ok(HashMap::new());
    }
    let wanted = Rows::new()
        .ints("shard", days.iter().map(|one| i64::from(one.shard.0)))
        .bytes("holder_id", days.iter().map(|one| *one.holder.as_bytes()))
        .ints("day", days.iter().map(|one| one.day.days()));
    let rows = query(
        "SELECT d.shard, d.holder_id, d.day, d.paid, d.without_pin, d.topped_up FROM {wanted} CROSS JOIN purse_day d
         WHERE d.shard = wanted.shard AND d.holder_id = wanted.holder_id AND d.day = wanted.day",
    )
    .set("wanted", wanted)
    .all(connection)
    .await?;
    let mut found = HashMap::new();
    for row in &rows {
        let day = HolderDay {
            shard: columns::shard(row.get("shard")?)?,
            holder: HolderId::from_bytes(columns::bytes(row, "holder_id")?),
            day: Date::from_days(row.get("day")?).ok_or(DbError::Unreadable("purse_day.day"))?,
        };
        let (paid, topped_up) = (Fen(row.get("paid")?), Fen(row.get("topped_up")?));
        found.insert(day, Spent { paid, without_pin: columns::number(row, "without_pin")?, topped_up });
    }
    Ok(found)
}

/// Adds what was paid to its days.
pub async fn add(connection: &mut Connection, payments: &[(HolderDay, Spent)]) -> Result<(), DbError> {
    let mut sums: BTreeMap<HolderDay, Spent> = BTreeMap::new();
    for (day, payment) in payments {
        let sum = sums.entry(*day).or_default();
        *sum = sum.and(*payment);
    }
    let rows = Rows::new()
        .ints("shard", sums.keys().map(|one| i64::from(one.shard.0)))
        .bytes("holder_id", sums.keys().map(|one| *one.holder.as_bytes()))
        .ints("day", sums.keys().map(|one| one.day.days()))
        .ints("paid", sums.values().map(|sum| sum.paid.0))
        .ints("without_pin", sums.values().map(|sum| i64::from(sum.without_pin)))
        .ints("topped_up", sums.values().map(|sum| sum.topped_up.0));
    insert(
        connection,
        "purse_day",
        rows,
        "ON CONFLICT (shard, holder_id, day) DO UPDATE SET
          paid = purse_day.paid + excluded.paid, without_pin = purse_day.without_pin + excluded.without_pin,
          topped_up = purse_day.topped_up + excluded.topped_up",
    )
    .await
}

/// Forgets days before yesterday: they bound nothing any more, and how much somebody pays on a day is nobody's business.
pub async fn forget_old_days(tx: &mut Tx, today: Date) -> Result<(), DbError> {
    query("DELETE FROM purse_day WHERE day < $1").bind(today.days() - 1).execute(tx.conn()).await.map(drop)
}
