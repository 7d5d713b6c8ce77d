//! The table blank_move.

use card_schema::clock::Micros;
use card_schema::ids::{CardId, OrganisationId, Shard};

use super::model::{Act, Drawer, FEW, Move, Past, TooFew};
use crate::db::{Connection, DbError, Row, Tx, columns, query};
use crate::evidence::{ActionKind, Change, tables};
use crate::people::StaffId;

/// How many blanks a station has; none where it keeps no stock yet.
pub async fn balance(connection: &mut Connection, station: OrganisationId) -> Result<Option<i64>, DbError> {
    query("SELECT balance FROM blank_move WHERE organisation_id = $1 ORDER BY leaf DESC LIMIT 1")
        .bind(station)
        .scalar(connection)
        .await
}

/// What else a row says.
#[derive(Clone, Copy, Debug, Default)]
struct Beside {
    other: Option<OrganisationId>,
    card: Option<CardId>,
    by: Option<StaffId>,
}

async fn add(
    tx: &mut Tx,
    change: &mut Change,
    at: Micros,
    station: OrganisationId,
    moved: Move,
    beside: Beside,
) -> Result<(), DbError> {
    change.touch(tx, &tables::BLANK_MOVE, vec![station.as_bytes()[..].into(), change.leaf().into()]).await?;
    query(
        "INSERT INTO blank_move (organisation_id, leaf, at, kind, amount, balance, reason, batch, other, card_id, staff_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(station)
    .bind(change.leaf())
    .bind(at.0)
    .bind(moved.kind)
    .bind(moved.amount)
    .bind(moved.balance)
    .bind(moved.reason.map(str::to_owned))
    .bind(moved.batch)
    .bind(beside.other.map(|id| id.as_bytes().to_vec()))
    .bind(beside.card.map(|id| id.as_bytes().to_vec()))
    .bind(beside.by.map(|id| id.0.as_bytes().to_vec()))
    .execute(tx.conn())
    .await
    .map(drop)
}

/// Does something with a station's drawer. In one leaf, both drawers of a transfer included.
///
/// # Errors
/// When the database fails; [`TooFew`] inside where there are not so many, and nothing is written.
pub async fn carry_out(
    tx: &mut Tx,
    at: Micros,
    by: StaffId,
    station: OrganisationId,
    act: &Act,
) -> Result<Result<(), TooFew>, DbError> {
    tx.lock([Shard(0)]).await?;
    let before = balance(tx.conn(), station).await?.unwrap_or(0);
    let moved = match Move::of(act, before) {
        Ok(moved) => moved,
        Err(few) => return Ok(Err(few)),
    };
    let mut change = Change::begin(tx, Shard(0)).await?;
    let mut beside = Beside { by: Some(by), ..Beside::default() };
    if let Act::Send { amount, to } = act {
        let there = balance(tx.conn(), *to).await?.unwrap_or(0);
        let arrived = Move::arrived(*amount, there).map_err(|_| DbError::Unreadable("blank_move.balance"))?;
        add(tx, &mut change, at, *to, arrived, Beside { other: Some(station), ..beside }).await?;
        beside.other = Some(*to);
    }
    add(tx, &mut change, at, station, moved, beside).await?;
    change.record(tx, at, ActionKind::BlanksMoved).await?;
    Ok(Ok(()))
}

/// A card came into use: the station at which it was issued has one blank less, if it keeps stock.
pub(in crate::cards) async fn issued(tx: &mut Tx, at: Micros, card: CardId) -> Result<(), DbError> {
    let station = query(
        "SELECT t.organisation_id FROM issuance i JOIN terminal t ON t.terminal_id = i.terminal_id
         WHERE i.card_id = $1 ORDER BY i.created_at DESC LIMIT 1",
    )
    .bind(card)
    .optional(tx.conn())
    .await?;
    let Some(station) = station else { return Ok(()) };
    let station = OrganisationId::from_bytes(columns::bytes(&station, "organisation_id")?);
    let Some(before) = balance(tx.conn(), station).await? else { return Ok(()) };
    let mut change = Change::begin(tx, Shard(0)).await?;
    let beside = Beside { card: Some(card), ..Beside::default() };
    add(tx, &mut change, at, station, Move::issued(before), beside).await?;
    change.record(tx, at, ActionKind::BlanksMoved).await
}

const DRAWER: &str = "SELECT o.organisation_id, o.name,
        (SELECT m.balance FROM blank_move m WHERE m.organisation_id = o.organisation_id ORDER BY m.leaf DESC LIMIT 1)
            AS balance,
        (SELECT MAX(m.leaf) FROM blank_move m WHERE m.organisation_id = o.organisation_id AND m.kind = 'unbooked')
            AS unbooked,
        (SELECT MAX(m.leaf) FROM blank_move m WHERE m.organisation_id = o.organisation_id AND m.kind = 'counted')
            AS counted
    FROM organisation o";

/// The drawers of every station, and of whoever else has one.
pub async fn drawers(connection: &mut Connection) -> Result<Vec<Drawer>, DbError> {
    let rows = query(format!(
        "{DRAWER} LEFT JOIN organisation_profile p USING (organisation_id)
         WHERE (p.kind = 'station' AND p.state = 'working')
            OR EXISTS (SELECT 1 FROM blank_move m WHERE m.organisation_id = o.organisation_id)
         ORDER BY o.name"
    ))
    .all(connection)
    .await?;
    rows.iter().map(drawer).collect()
}

/// One drawer.
pub async fn drawer_of(connection: &mut Connection, station: OrganisationId) -> Result<Option<Drawer>, DbError> {
    let row = query(format!("{DRAWER} WHERE o.organisation_id = $1")).bind(station).optional(connection).await?;
    row.as_ref().map(drawer).transpose()
}

fn drawer(row: &Row) -> Result<Drawer, DbError> {
    let (unbooked, counted): (Option<i64>, Option<i64>) = (row.get("unbooked")?, row.get("counted")?);
    Ok(Drawer {
        station: OrganisationId::from_bytes(columns::bytes(row, "organisation_id")?),
        name: row.get("name")?,
        balance: row.get("balance")?,
        to_count: unbooked > counted,
    })
}

/// How many stations have few blanks.
pub async fn count_low(connection: &mut Connection) -> Result<i64, DbError> {
    query(
        "SELECT COUNT(*) FROM organisation o WHERE (SELECT m.balance FROM blank_move m
             WHERE m.organisation_id = o.organisation_id ORDER BY m.leaf DESC LIMIT 1) < $1",
    )
    .bind(FEW)
    .scalar_one(connection)
    .await
}

/// What happened to a station's drawer, newest first.
pub async fn history(connection: &mut Connection, station: OrganisationId, limit: u32) -> Result<Vec<Past>, DbError> {
    let rows = query(
        "SELECT m.at, m.kind, m.amount, m.balance, m.reason, m.batch, o.name AS other, s.name AS staff FROM blank_move m
         LEFT JOIN organisation o ON o.organisation_id = m.other LEFT JOIN staff s ON s.staff_id = m.staff_id
         WHERE m.organisation_id = $1 ORDER BY m.leaf DESC LIMIT $2",
    )
    .bind(station)
    .bind(i64::from(limit))
    .all(connection)
    .await?;
    let past = |row: &Row| {
        Ok(Past {
            at: Micros(row.get("at")?),
            kind: row.get("kind")?,
            amount: row.get("amount")?,
            balance: row.get("balance")?,
            reason: row.get("reason")?,
            batch: row.get("batch")?,
            other: row.get("other")?,
            staff: row.get("staff")?,
        })
    };
    rows.iter().map(past).collect()
}
