//! The tables of clinics: at which level bills are covered (here), and bills.

pub mod claim;

use std::collections::HashMap;

use card_schema::clock::Micros;
use card_schema::coverage::Level;
use card_schema::ids::{OrganisationId, Shard};

use crate::db::{Connection, DbError, Row, Tx, columns, query};
use crate::evidence::{ActionKind, Change, tables};
use crate::people::StaffId;

fn level_of(row: &Row) -> Result<Level, DbError> {
    Level::from_name(row.get("level")?).ok_or(DbError::Unreadable("clinic.level"))
}

/// The level of a clinic; nothing where nobody has said it.
pub async fn level(connection: &mut Connection, clinic: OrganisationId) -> Result<Option<Level>, DbError> {
    let row = query("SELECT level FROM clinic WHERE organisation_id = $1").bind(clinic).optional(connection).await?;
    row.as_ref().map(level_of).transpose()
}

/// The levels of all of which somebody has said it.
pub async fn levels(connection: &mut Connection) -> Result<HashMap<OrganisationId, Level>, DbError> {
    let rows = query("SELECT organisation_id, level FROM clinic").all(connection).await?;
    let of = |row: &Row| Ok((OrganisationId::from_bytes(columns::bytes(row, "organisation_id")?), level_of(row)?));
    rows.iter().map(of).collect()
}

/// Gives a clinic a level, or another.
pub async fn put(tx: &mut Tx, at: Micros, by: StaffId, clinic: OrganisationId, level: Level) -> Result<(), DbError> {
    let mut change = Change::begin(tx, Shard(0)).await?;
    change.touch(tx, &tables::CLINIC, vec![clinic.as_bytes()[..].into()]).await?;
    query(
        "INSERT INTO clinic (organisation_id, level, staff_id, leaf) VALUES ($1, $2, $3, $4)
         ON CONFLICT (organisation_id) DO UPDATE SET level = excluded.level, staff_id = excluded.staff_id,
             leaf = excluded.leaf",
    )
    .bind(clinic)
    .bind(level.name())
    .bind(by.0)
    .bind(change.leaf())
    .execute(tx.conn())
    .await?;
    change.record(tx, at, ActionKind::ClinicChanged).await
}
