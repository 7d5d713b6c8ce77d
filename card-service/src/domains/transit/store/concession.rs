//! The table transit_concession.

use card_schema::clock::Micros;
use card_schema::ids::HolderId;

use super::riding::day;
use crate::db::{Connection, DbError, Row, Tx, columns, query};
use crate::domains::transit::concession::{ConcessionId, Grant, Held};
use crate::evidence::{ActionKind, Change, tables};
use crate::people::StaffId;

/// What a holder was granted, the newest first.
pub async fn of(connection: &mut Connection, holder: HolderId) -> Result<Vec<Held>, DbError> {
    let rows = query(
        "SELECT c.concession_id, c.concession, c.from_day, c.until_day, c.at, s.name
         FROM transit_concession c JOIN staff s ON s.staff_id = c.staff_id
         WHERE c.shard = $1 AND c.holder_id = $2 ORDER BY c.from_day DESC, c.leaf DESC",
    )
    .bind(holder.shard())
    .bind(holder)
    .all(connection)
    .await?;
    let held = |row: &Row| {
        let grant = Grant {
            id: ConcessionId(columns::bytes(row, "concession_id")?),
            concession: row.get("concession")?,
            from: day(row.get("from_day")?)?,
            until: day(row.get("until_day")?)?,
        };
        Ok(Held { grant, at: Micros(row.get("at")?), staff: row.get("name")? })
    };
    rows.iter().map(held).collect()
}

/// Writes one that is new, or gives the one of this id another last day. `blind` is random.
pub async fn put(
    tx: &mut Tx,
    at: Micros,
    by: StaffId,
    holder: HolderId,
    grant: &Grant,
    blind: [u8; 16],
) -> Result<(), DbError> {
    let mut change = Change::begin(tx, holder.shard()).await?;
    let key = vec![i64::from(holder.shard().0).into(), holder.as_bytes()[..].into(), grant.id.0[..].into()];
    change.touch(tx, &tables::TRANSIT_CONCESSION, key).await?;
    query(
        "INSERT INTO transit_concession (shard, holder_id, concession_id, concession, blind, from_day, until_day, staff_id,
             at, leaf)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (shard, holder_id, concession_id) DO UPDATE SET until_day = excluded.until_day,
             staff_id = excluded.staff_id, at = excluded.at, leaf = excluded.leaf",
    )
    .bind(holder.shard())
    .bind(holder)
    .bind(grant.id.0)
    .bind(&grant.concession)
    .bind(blind)
    .bind(grant.from.days())
    .bind(grant.until.days())
    .bind(by.0)
    .bind(at.0)
    .bind(change.leaf())
    .execute(tx.conn())
    .await?;
    change.record(tx, at, ActionKind::ConcessionChanged).await
}
