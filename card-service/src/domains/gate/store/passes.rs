//! The table gate_pass: visitors' passes on paper. Rows are added, and withdrawn.

use card_schema::clock::Micros;
use card_schema::ids::{PaperNumber, Shard, SiteId};
use uuid::Uuid;

use crate::db::{Connection, DbError, Row, Tx, columns, query};
use crate::domains::gate::model::{Issued, Reason};
use crate::evidence::{ActionKind, Change, tables};
use crate::people::StaffId;

const SELECT: &str =
    "SELECT number, site_id, reason, valid_from, valid_until, issued_at, staff_id, withdrawn_at FROM gate_pass";

fn pass(row: &Row) -> Result<Issued, DbError> {
    Ok(Issued {
        number: PaperNumber(columns::bytes(row, "number")?),
        site: SiteId::from_bytes(columns::bytes(row, "site_id")?),
        reason: Reason::from_name(row.get("reason")?).ok_or(DbError::Unreadable("gate_pass.reason"))?,
        from: Micros(row.get("valid_from")?),
        until: Micros(row.get("valid_until")?),
        issued_at: Micros(row.get("issued_at")?),
        by: StaffId(Uuid::from_bytes(columns::bytes(row, "staff_id")?)),
        withdrawn_at: row.get::<Option<i64>>("withdrawn_at")?.map(Micros),
    })
}

/// The pass with a number.
pub async fn one(connection: &mut Connection, number: PaperNumber) -> Result<Option<Issued>, DbError> {
    let row = query(format!("{SELECT} WHERE number = $1")).bind(number.0).optional(connection).await?;
    row.as_ref().map(pass).transpose()
}

/// The passes of a site that were good after a moment, the last to end first.
pub async fn of_site(
    connection: &mut Connection,
    site: SiteId,
    since: Micros,
    limit: u32,
) -> Result<Vec<Issued>, DbError> {
    let rows =
        query(format!("{SELECT} WHERE site_id = $1 AND valid_until > $2 ORDER BY valid_until DESC, number LIMIT $3"))
            .bind(site)
            .bind(since.0)
            .bind(i64::from(limit))
            .all(connection)
            .await?;
    rows.iter().map(pass).collect()
}

/// The passes of a site that were withdrawn before their time, which is not over at a moment, in the order of their numbers.
pub async fn withdrawn(connection: &mut Connection, site: SiteId, now: Micros) -> Result<Vec<PaperNumber>, DbError> {
    let rows = query(
        "SELECT number FROM gate_pass WHERE site_id = $1 AND valid_until > $2 AND withdrawn_at IS NOT NULL ORDER BY number",
    )
    .bind(site)
    .bind(now.0)
    .all(connection)
    .await?;
    rows.iter().map(|row| Ok(PaperNumber(columns::bytes(row, "number")?))).collect()
}

/// Keeps a pass that is given out.
pub async fn insert(tx: &mut Tx, new: &Issued) -> Result<(), DbError> {
    let mut change = Change::begin(tx, Shard(0)).await?;
    change.touch(tx, &tables::GATE_PASS, vec![new.number.0[..].into()]).await?;
    query(
        "INSERT INTO gate_pass (number, site_id, reason, valid_from, valid_until, issued_at, staff_id, leaf)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(new.number.0)
    .bind(new.site)
    .bind(new.reason.name())
    .bind(new.from.0)
    .bind(new.until.0)
    .bind(new.issued_at.0)
    .bind(new.by.0)
    .bind(change.leaf())
    .execute(tx.conn())
    .await?;
    change.record(tx, new.issued_at, ActionKind::GatePassChanged).await
}

/// Withdraws a pass.
pub async fn withdraw(tx: &mut Tx, at: Micros, by: StaffId, number: PaperNumber) -> Result<(), DbError> {
    let mut change = Change::begin(tx, Shard(0)).await?;
    change.touch(tx, &tables::GATE_PASS, vec![number.0[..].into()]).await?;
    query("UPDATE gate_pass SET withdrawn_at = $1, withdrawn_by = $2, leaf = $3 WHERE number = $4")
        .bind(at.0)
        .bind(by.0)
        .bind(change.leaf())
        .bind(number.0)
        .execute(tx.conn())
        .await?;
    change.record(tx, at, ActionKind::GatePassChanged).await
}
