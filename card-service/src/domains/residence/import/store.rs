//! The tables import and import_row.

use card_schema::clock::Micros;
use card_schema::ids::HolderId;
use uuid::Uuid;

use super::model::{Counts, Import, Outcome, Stage, Worked};
use crate::db::{Connection, DbError, Row, Rows, Tx, columns, query};
use crate::people::StaffId;

const IMPORT: &str = "import_id, staff_id, stage, whole, changed_at";

fn import(row: &Row) -> Result<(Import, StaffId), DbError> {
    let import = Import {
        import_id: Uuid::from_bytes(columns::bytes(row, "import_id")?),
        stage: Stage::from_name(row.get("stage")?).ok_or(DbError::Unreadable("import.stage"))?,
        is_whole: row.get::<i64>("whole")? != 0,
        changed_at: Micros(row.get("changed_at")?),
    };
    Ok((import, StaffId(Uuid::from_bytes(columns::bytes(row, "staff_id")?))))
}

/// Keeps a spreadsheet: its rows by their numbers, sealed.
pub async fn insert(tx: &mut Tx, at: Micros, id: Uuid, by: StaffId, rows: &[(u32, Vec<u8>)]) -> Result<(), DbError> {
    query("INSERT INTO import (import_id, staff_id, stage, whole, changed_at) VALUES ($1, $2, $3, 0, $4)")
        .bind(id)
        .bind(by.0)
        .bind(Stage::Checking.name())
        .bind(at.0)
        .execute(tx.conn())
        .await?;
    let new = Rows::new()
        .ints("line", rows.iter().map(|(line, _)| i64::from(*line)))
        .bytes("sealed", rows.iter().map(|(_, sealed)| sealed.clone()));
    query(
        "INSERT INTO import_row (import_id, line, sealed, outcome)
         SELECT $1, new.line, new.sealed, $2 FROM {new}",
    )
    .bind(id)
    .bind(Outcome::Unchecked.name())
    .set("new", new)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// An import of somebody.
pub(super) async fn one(connection: &mut Connection, id: Uuid, of: StaffId) -> Result<Option<Import>, DbError> {
    let row = query(format!("SELECT {IMPORT} FROM import WHERE import_id = $1 AND staff_id = $2"))
        .bind(id)
        .bind(of.0)
        .optional(connection)
        .await?;
    Ok(row.as_ref().map(import).transpose()?.map(|(import, _)| import))
}

/// The newest imports of somebody.
pub(super) async fn of_staff(connection: &mut Connection, of: StaffId) -> Result<Vec<Import>, DbError> {
    let rows = query(format!("SELECT {IMPORT} FROM import WHERE staff_id = $1 ORDER BY changed_at DESC LIMIT 20"))
        .bind(of.0)
        .all(connection)
        .await?;
    rows.iter().map(|row| Ok(import(row)?.0)).collect()
}

/// The imports on which there is work, the longest waiting first, and whose they are.
pub(super) async fn waiting(connection: &mut Connection) -> Result<Vec<(Import, StaffId)>, DbError> {
    let busy = Stage::ALL.into_iter().filter(|stage| stage.work().is_some()).map(Stage::name);
    let rows = query(format!(
        "SELECT {IMPORT} FROM import WHERE stage IN (SELECT busy.stage FROM {{busy}}) ORDER BY changed_at"
    ))
    .set("busy", Rows::new().texts("stage", busy))
    .all(connection)
    .await?;
    rows.iter().map(import).collect()
}

/// How many rows came out how.
pub(super) async fn counts(connection: &mut Connection, id: Uuid) -> Result<Counts, DbError> {
    let rows = query("SELECT outcome, COUNT(*) AS rows FROM import_row WHERE import_id = $1 GROUP BY outcome")
        .bind(id)
        .all(connection)
        .await?;
    let count = |row: &Row| Ok((outcome(row)?, row.get::<i64>("rows")?.unsigned_abs()));
    Ok(Counts(rows.iter().map(count).collect::<Result<_, DbError>>()?))
}

fn outcome(row: &Row) -> Result<Outcome, DbError> {
    Outcome::from_name(row.get("outcome")?).ok_or(DbError::Unreadable("import_row.outcome"))
}

/// A row as it is stored.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) line: u32,
    pub(super) sealed: Vec<u8>,
    pub(super) outcome: Outcome,
    pub(super) holder: Option<HolderId>,
}

/// The first rows with one of these outcomes, in their order.
pub(super) async fn rows(
    connection: &mut Connection,
    id: Uuid,
    outcomes: impl Iterator<Item = Outcome>,
    limit: u32,
) -> Result<Vec<Kept>, DbError> {
    let rows = query(
        "SELECT line, sealed, outcome, holder_id FROM import_row
         WHERE import_id = $1 AND outcome IN (SELECT wanted.outcome FROM {wanted}) ORDER BY line LIMIT $2",
    )
    .bind(id)
    .bind(i64::from(limit))
    .set("wanted", Rows::new().texts("outcome", outcomes.map(Outcome::name)))
    .all(connection)
    .await?;
    let kept = |row: &Row| {
        let line: i64 = row.get("line")?;
        let holder: Option<Vec<u8>> = row.get("holder_id")?;
        let holder = holder.map(|_| columns::bytes(row, "holder_id").map(HolderId::from_bytes)).transpose()?;
        Ok(Kept {
            line: u32::try_from(line).map_err(|_| DbError::Unreadable("import_row.line"))?,
            sealed: row.get("sealed")?,
            outcome: outcome(row)?,
            holder,
        })
    };
    rows.iter().map(kept).collect()
}

/// The first row above another with the same document.
pub(super) async fn above(
    connection: &mut Connection,
    id: Uuid,
    blind: [u8; 32],
    line: u32,
) -> Result<Option<i64>, DbError> {
    query("SELECT line FROM import_row WHERE import_id = $1 AND blind = $2 AND line < $3 ORDER BY line LIMIT 1")
        .bind(id)
        .bind(blind)
        .bind(i64::from(line))
        .scalar(connection)
        .await
}

/// Keeps where the document of rows is found.
pub(super) async fn keep_blinds(tx: &mut Tx, id: Uuid, blinds: &[(u32, [u8; 32])]) -> Result<(), DbError> {
    if blinds.is_empty() {
        return Ok(());
    }
    let rows = Rows::new()
        .ints("line", blinds.iter().map(|(line, _)| i64::from(*line)))
        .bytes("blind", blinds.iter().map(|(_, blind)| *blind));
    query(
        "UPDATE import_row SET blind = found.blind FROM {found}
         WHERE import_row.import_id = $1 AND import_row.line = found.line",
    )
    .bind(id)
    .set("found", rows)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Keeps what became of rows.
pub(super) async fn keep(tx: &mut Tx, id: Uuid, worked: &[Worked]) -> Result<(), DbError> {
    if worked.is_empty() {
        return Ok(());
    }
    let rows = Rows::new()
        .ints("line", worked.iter().map(|row| i64::from(row.line)))
        .texts("outcome", worked.iter().map(|row| row.outcome.name()))
        .optional_bytes("holder_id", worked.iter().map(|row| row.holder.map(|holder| holder.as_bytes().to_vec())));
    query(
        "UPDATE import_row SET outcome = worked.outcome, holder_id = worked.holder_id FROM {worked}
         WHERE import_row.import_id = $1 AND import_row.line = worked.line",
    )
    .bind(id)
    .set("worked", rows)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Moves an import on. False where it stands otherwise than it was thought to.
pub(super) async fn advance(tx: &mut Tx, at: Micros, id: Uuid, from: Stage, to: Stage) -> Result<bool, DbError> {
    let moved = query("UPDATE import SET stage = $1, changed_at = $2 WHERE import_id = $3 AND stage = $4")
        .bind(to.name())
        .bind(at.0)
        .bind(id)
        .bind(from.name())
        .execute(tx.conn())
        .await?;
    Ok(moved == 1)
}

/// Says whether all are to be registered or none.
pub(super) async fn set_whole(tx: &mut Tx, id: Uuid, is_whole: bool) -> Result<(), DbError> {
    query("UPDATE import SET whole = $1 WHERE import_id = $2")
        .bind(i64::from(is_whole))
        .bind(id)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Removes an import of somebody with its rows.
pub(super) async fn remove(tx: &mut Tx, id: Uuid) -> Result<(), DbError> {
    for statement in ["DELETE FROM import_row WHERE import_id = $1", "DELETE FROM import WHERE import_id = $1"] {
        query(statement).bind(id).execute(tx.conn()).await?;
    }
    Ok(())
}

/// Removes imports with which nothing was done since.
pub(super) async fn remove_older(tx: &mut Tx, than: Micros) -> Result<(), DbError> {
    query("DELETE FROM import_row WHERE import_id IN (SELECT import_id FROM import WHERE changed_at < $1)")
        .bind(than.0)
        .execute(tx.conn())
        .await?;
    query("DELETE FROM import WHERE changed_at < $1").bind(than.0).execute(tx.conn()).await?;
    Ok(())
}
