//! Who has read a person's record, as the person is told: in which role, where and why. Reads only.

use card_schema::clock::Micros;
use card_schema::ids::HolderId;
use card_schema::wire::terminal::RecordRead;

use crate::db::{Connection, DbError, Row, query};

/// The newest reads since then; what was read of one record at once is one.
pub(super) async fn reads(
    connection: &mut Connection,
    holder: HolderId,
    since: Micros,
    limit: u32,
) -> Result<Vec<RecordRead>, DbError> {
    let rows = query(
        "SELECT r.at, r.purpose, s.role, o.name AS station FROM person_read r JOIN staff s ON s.staff_id = r.staff_id
         LEFT JOIN staff_post p ON p.staff_id = r.staff_id
         LEFT JOIN organisation o ON o.organisation_id = p.organisation_id
         WHERE r.shard = $1 AND r.holder_id = $2 AND r.at >= $3
         GROUP BY r.at, r.purpose, r.staff_id, s.role, o.name ORDER BY r.at DESC LIMIT $4",
    )
    .bind(holder.shard())
    .bind(holder)
    .bind(since.0)
    .bind(i64::from(limit))
    .all(connection)
    .await?;
    let read = |row: &Row| {
        Ok(RecordRead {
            at: Micros(row.get("at")?),
            role: row.get("role")?,
            station: row.get("station")?,
            purpose: row.get("purpose")?,
        })
    };
    rows.iter().map(read).collect()
}
