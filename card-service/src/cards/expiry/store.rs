//! Which cards of the table card are to be renewed.

use card_schema::clock::Micros;

use crate::cards::{Card, store};
use crate::db::{Connection, DbError, query};

/// Holders' cards in use that end within these two moments, the second included, the first to end first.
pub async fn between(
    connection: &mut Connection,
    (after, to): (Micros, Micros),
    limit: u32,
) -> Result<Vec<Card>, DbError> {
    let rows = query(format!(
        "{} WHERE holder_id IS NOT NULL AND state IN ('active', 'suspended') AND expires_at > $1 AND expires_at <= $2
         ORDER BY expires_at LIMIT $3",
        store::SELECT
    ))
    .bind(after.0)
    .bind(to.0)
    .bind(i64::from(limit))
    .all(connection)
    .await?;
    rows.iter().map(store::read).collect()
}

/// Holders' cards in use that have ended by a moment, the last to end first.
pub async fn ended(connection: &mut Connection, by: Micros, limit: u32) -> Result<Vec<Card>, DbError> {
    let rows = query(format!(
        "{} WHERE holder_id IS NOT NULL AND state IN ('active', 'suspended') AND expires_at <= $1
         ORDER BY expires_at DESC LIMIT $2",
        store::SELECT
    ))
    .bind(by.0)
    .bind(i64::from(limit))
    .all(connection)
    .await?;
    rows.iter().map(store::read).collect()
}
