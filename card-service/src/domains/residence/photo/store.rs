//! The table person_photo.

use card_schema::clock::Micros;
use card_schema::ids::HolderId;

use crate::db::{Connection, DbError, Tx, query};
use crate::evidence::{ActionKind, Change, tables};
use crate::people::StaffId;

/// When the photo of a holder was taken, and by whom (the name to sign in with), if there is one.
pub async fn taken(connection: &mut Connection, holder: HolderId) -> Result<Option<(Micros, String)>, DbError> {
    let row = query(
        "SELECT p.taken_at, COALESCE(s.name, '') AS name FROM person_photo p LEFT JOIN staff s ON s.staff_id = p.taken_by
         WHERE p.shard = $1 AND p.holder_id = $2",
    )
    .bind(holder.shard())
    .bind(holder)
    .optional(connection)
    .await?;
    row.map(|row| Ok((Micros(row.get("taken_at")?), row.get("name")?))).transpose()
}

/// The photo of a holder, sealed.
pub(super) async fn load(connection: &mut Connection, holder: HolderId) -> Result<Option<Vec<u8>>, DbError> {
    query("SELECT sealed FROM person_photo WHERE shard = $1 AND holder_id = $2")
        .bind(holder.shard())
        .bind(holder)
        .scalar(connection)
        .await
}

/// Keeps a photo in place of the one before, which is gone; without one, only that.
pub async fn put(
    tx: &mut Tx,
    at: Micros,
    by: StaffId,
    holder: HolderId,
    sealed: Option<Vec<u8>>,
) -> Result<(), DbError> {
    let mut change = Change::begin(tx, holder.shard()).await?;
    let key = vec![i64::from(holder.shard().0).into(), holder.as_bytes()[..].into()];
    change.touch(tx, &tables::PERSON_PHOTO, key).await?;
    match sealed {
        Some(sealed) => {
            query(
                "INSERT INTO person_photo (shard, holder_id, taken_at, taken_by, sealed, leaf)
                 VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (shard, holder_id) DO UPDATE SET
                 taken_at = excluded.taken_at, taken_by = excluded.taken_by, sealed = excluded.sealed,
                 leaf = excluded.leaf",
            )
            .bind(holder.shard())
            .bind(holder)
            .bind(at.0)
            .bind(by.0)
            .bind(sealed)
            .bind(change.leaf())
            .execute(tx.conn())
            .await?;
        }
        None => {
            query("DELETE FROM person_photo WHERE shard = $1 AND holder_id = $2")
                .bind(holder.shard())
                .bind(holder)
                .execute(tx.conn())
                .await?;
        }
    }
    change.record(tx, at, ActionKind::PhotoChanged).await
}
