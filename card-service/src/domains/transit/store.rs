//! The table of versions of the fares.

pub mod concession;
pub mod correction;
pub mod riding;

use card_schema::clock::Micros;
use card_schema::ids::Shard;

use super::model::Version;
use crate::db::{Connection, DbError, Row, Tx, columns, query};
use crate::evidence::{ActionKind, Change, tables};
use crate::people::StaffId;

/// A version that is new.
#[derive(Debug)]
pub struct New<'a> {
    /// From when on.
    pub starts_at: Micros,
    /// Who imports it.
    pub by: Option<StaffId>,
    /// SHA-256 of the archive as it came.
    pub source: [u8; 32],
    /// What is kept of it.
    pub feed: &'a [u8],
    /// What stands beside it.
    pub supplement: &'a str,
}

fn version(row: &Row) -> Result<Version, DbError> {
    Ok(Version {
        number: row.get("version")?,
        starts_at: Micros(row.get("starts_at")?),
        imported_at: Micros(row.get("imported_at")?),
        imported_by: row.get("name")?,
        source: columns::bytes(row, "source")?,
    })
}

/// All versions, the newest first.
pub async fn versions(connection: &mut Connection) -> Result<Vec<Version>, DbError> {
    let rows = query(
        "SELECT t.version, t.starts_at, t.imported_at, t.source, s.name
         FROM tariff t LEFT JOIN staff s ON s.staff_id = t.staff_id ORDER BY t.version DESC",
    )
    .all(connection)
    .await?;
    rows.iter().map(version).collect()
}

/// The number of the newest version; zero before the first.
pub async fn newest(connection: &mut Connection) -> Result<i64, DbError> {
    query("SELECT COALESCE(MAX(version), 0) FROM tariff").scalar_one(connection).await
}

/// What a version was made of: the archive and the supplement.
pub async fn source(connection: &mut Connection, number: i64) -> Result<Option<(Vec<u8>, String)>, DbError> {
    let row = query("SELECT feed, supplement FROM tariff WHERE version = $1").bind(number).optional(connection).await?;
    row.map(|row| Ok((row.get("feed")?, row.get("supplement")?))).transpose()
}

/// Adds a version, and gives its number.
pub async fn insert(tx: &mut Tx, at: Micros, new: &New<'_>) -> Result<i64, DbError> {
    let mut change = Change::begin(tx, Shard(0)).await?;
    let number = newest(tx.conn()).await? + 1;
    change.touch(tx, &tables::TARIFF, vec![number.into()]).await?;
    query(
        "INSERT INTO tariff (version, starts_at, imported_at, staff_id, source, feed, supplement, leaf)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(number)
    .bind(new.starts_at.0)
    .bind(at.0)
    .bind(new.by.map(|by| by.0.as_bytes().to_vec()))
    .bind(new.source)
    .bind(new.feed)
    .bind(new.supplement)
    .bind(change.leaf())
    .execute(tx.conn())
    .await?;
    change.record(tx, at, ActionKind::TariffImported).await?;
    Ok(number)
}
