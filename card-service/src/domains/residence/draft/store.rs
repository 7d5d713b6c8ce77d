//! The table registration_draft.

use card_schema::clock::Micros;
use uuid::Uuid;

use crate::db::{Connection, DbError, Tx, columns, query};
use crate::people::StaffId;

/// A draft, without what was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Its id.
    pub draft_id: Uuid,
    /// When something was typed last.
    pub changed_at: Micros,
}

/// Keeps a draft, sealed.
pub async fn insert(tx: &mut Tx, at: Micros, id: Uuid, by: StaffId, sealed: &[u8]) -> Result<(), DbError> {
    query("INSERT INTO registration_draft (draft_id, staff_id, changed_at, sealed) VALUES ($1, $2, $3, $4)")
        .bind(id)
        .bind(by.0)
        .bind(at.0)
        .bind(sealed)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// What was typed, sealed.
pub(super) async fn one(connection: &mut Connection, id: Uuid, by: StaffId) -> Result<Option<Vec<u8>>, DbError> {
    query("SELECT sealed FROM registration_draft WHERE draft_id = $1 AND staff_id = $2")
        .bind(id)
        .bind(by.0)
        .scalar(connection)
        .await
}

/// False where there is no such draft of theirs.
pub(super) async fn update(tx: &mut Tx, at: Micros, id: Uuid, by: StaffId, sealed: &[u8]) -> Result<bool, DbError> {
    let updated =
        query("UPDATE registration_draft SET changed_at = $1, sealed = $2 WHERE draft_id = $3 AND staff_id = $4")
            .bind(at.0)
            .bind(sealed)
            .bind(id)
            .bind(by.0)
            .execute(tx.conn())
            .await?;
    Ok(updated == 1)
}

/// Removes a draft, if it is theirs.
pub async fn remove(tx: &mut Tx, id: Uuid, by: StaffId) -> Result<(), DbError> {
    query("DELETE FROM registration_draft WHERE draft_id = $1 AND staff_id = $2")
        .bind(id)
        .bind(by.0)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Removes drafts that were not changed since.
pub(super) async fn remove_older(tx: &mut Tx, than: Micros) -> Result<(), DbError> {
    query("DELETE FROM registration_draft WHERE changed_at < $1").bind(than.0).execute(tx.conn()).await?;
    Ok(())
}

pub(super) async fn of_staff(connection: &mut Connection, by: StaffId) -> Result<Vec<Pending>, DbError> {
    let rows = query(
        "SELECT draft_id, changed_at FROM registration_draft WHERE staff_id = $1 ORDER BY changed_at DESC LIMIT 20",
    )
    .bind(by.0)
    .all(connection)
    .await?;
    let pending = |row: &crate::db::Row| {
        let draft_id = Uuid::from_bytes(columns::bytes(row, "draft_id")?);
        Ok(Pending { draft_id, changed_at: Micros(row.get("changed_at")?) })
    };
    rows.iter().map(pending).collect()
}
