//! The tables house and home.

use card_schema::clock::Micros;
use card_schema::ids::{HolderId, Shard};
use uuid::Uuid;

use super::model::{House, HouseId, Stay, Step};
use crate::db::{Connection, DbError, Row, Tx, columns, query};
use crate::evidence::{ActionKind, Change, tables};
use crate::people::StaffId;

/// The house with this address, if it is known.
pub(super) async fn by_address(connection: &mut Connection, blind: [u8; 32]) -> Result<Option<House>, DbError> {
    let row = query("SELECT house_id, cell FROM house WHERE blind = $1").bind(blind).optional(connection).await?;
    row.map(|row| Ok(House { id: id(&row)?, cell: row.get("cell")? })).transpose()
}

fn id(row: &Row) -> Result<HouseId, DbError> {
    Ok(HouseId(Uuid::from_bytes(columns::bytes(row, "house_id")?)))
}

/// Keeps a house.
pub(crate) async fn insert(
    tx: &mut Tx,
    at: Micros,
    by: StaffId,
    house: &House,
    blind: [u8; 32],
    sealed: &[u8],
) -> Result<(), DbError> {
    let mut change = Change::begin(tx, Shard(0)).await?;
    change.touch(tx, &tables::HOUSE, vec![house.id.0.as_bytes()[..].into()]).await?;
    query(
        "INSERT INTO house (house_id, blind, cell, sealed, created_at, created_by, leaf)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(house.id.0)
    .bind(blind)
    .bind(&house.cell)
    .bind(sealed)
    .bind(at.0)
    .bind(by.0)
    .bind(change.leaf())
    .execute(tx.conn())
    .await?;
    change.record(tx, at, ActionKind::HouseAdded).await
}

/// Where somebody lives, as far as the house is known, and the leaf that opened it.
pub(crate) async fn current(connection: &mut Connection, holder: HolderId) -> Result<Option<(i64, Stay)>, DbError> {
    let row = query(
        "SELECT opened, house_id, since, until FROM home
         WHERE shard = $1 AND holder_id = $2 AND ended IS NULL",
    )
    .bind(holder.shard())
    .bind(holder)
    .optional(connection)
    .await?;
    let stay = |row: &Row| {
        let (since, until) = (Micros(row.get("since")?), row.get::<Option<i64>>("until")?.map(Micros));
        Ok((row.get("opened")?, Stay { house: id(row)?, since, until }))
    };
    row.as_ref().map(stay).transpose()
}

/// The code of the cell in which somebody lives.
pub(super) async fn cell_of(connection: &mut Connection, holder: HolderId) -> Result<Option<String>, DbError> {
    query(
        "SELECT h.cell FROM home r JOIN house h ON h.house_id = r.house_id
         WHERE r.shard = $1 AND r.holder_id = $2 AND r.ended IS NULL",
    )
    .bind(holder.shard())
    .bind(holder)
    .scalar(connection)
    .await
}

/// Carries out what becomes of a home; `opened` names the present one.
pub(crate) async fn carry_out(
    tx: &mut Tx,
    at: Micros,
    holder: HolderId,
    opened: Option<i64>,
    step: Step,
    reason: &str,
) -> Result<(), DbError> {
    if step == Step::Stay {
        return Ok(());
    }
    let mut change = Change::begin(tx, holder.shard()).await?;
    let leaf = change.leaf();
    let key = |opened: i64| vec![i64::from(holder.shard().0).into(), holder.as_bytes()[..].into(), opened.into()];
    if let Some(opened) = opened {
        change.touch(tx, &tables::HOME, key(opened)).await?;
        let statement = match step {
            Step::Dates(stay) => query(
                "UPDATE home SET since = $1, until = $2, leaf = $3 WHERE shard = $4 AND holder_id = $5 AND opened = $6",
            )
            .bind(stay.since.0)
            .bind(stay.until.map(|until| until.0)),
            Step::Move { left, .. } => query(
                "UPDATE home SET until = $1, ended = $2, leaf = $3 WHERE shard = $4 AND holder_id = $5 AND opened = $6",
            )
            .bind(left.map(|left| left.0))
            .bind(reason),
            Step::Stay => return Ok(()),
        };
        statement.bind(leaf).bind(holder.shard()).bind(holder).bind(opened).execute(tx.conn()).await?;
    }
    if let Step::Move { to: Some(stay), .. } = step {
        change.touch(tx, &tables::HOME, key(leaf)).await?;
        query(
            "INSERT INTO home (shard, holder_id, opened, house_id, since, until, leaf)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(holder.shard())
        .bind(holder)
        .bind(leaf)
        .bind(stay.house.0)
        .bind(stay.since.0)
        .bind(stay.until.map(|until| until.0))
        .bind(leaf)
        .execute(tx.conn())
        .await?;
    }
    change.record(tx, at, ActionKind::HomeChanged).await
}

/// Removes where somebody lives, with a registration that is taken back.
pub(in super::super) async fn remove(tx: &mut Tx, at: Micros, holder: HolderId) -> Result<(), DbError> {
    let Some((opened, _)) = current(tx.conn(), holder).await? else { return Ok(()) };
    let mut change = Change::begin(tx, holder.shard()).await?;
    let key = vec![i64::from(holder.shard().0).into(), holder.as_bytes()[..].into(), opened.into()];
    change.touch(tx, &tables::HOME, key).await?;
    query("DELETE FROM home WHERE shard = $1 AND holder_id = $2 AND opened = $3")
        .bind(holder.shard())
        .bind(holder)
        .bind(opened)
        .execute(tx.conn())
        .await?;
    change.record(tx, at, ActionKind::HomeChanged).await
}
