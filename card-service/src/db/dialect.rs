//! The one place that names the database engine. Everything else writes `$1`-style SQL and these aliases.

/// The engine itself, for `QueryBuilder` and `FromRow`.
pub type Engine = sqlx::Sqlite;
/// One connection.
pub type Connection = sqlx::SqliteConnection;
/// A pool of connections.
pub type Pool = sqlx::SqlitePool;
/// One row of a result.
pub type Row = sqlx::sqlite::SqliteRow;
/// One connection that goes back to its pool.
pub(super) type PoolConnection = sqlx::pool::PoolConnection<Engine>;

/// Takes the write lock at once: a transaction that reads first and writes later could otherwise find itself refused
/// in its middle.
pub(super) const BEGIN_WRITE: &str = "BEGIN IMMEDIATE";

/// Rows one statement writes: more gain nothing measurable, fewer pay sqlx's 45 µs a statement.
pub const ROWS_PER_STATEMENT: usize = 100;

/// What an engine's error code means to us, for those that a caller can act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    DiskFull,
    Busy,
    Other,
}

/// Classes an error of the engine. Codes: <https://www.sqlite.org/rescode.html>; the low byte is the primary code.
pub(super) fn classify(error: &sqlx::Error) -> Failure {
    let code =
        error.as_database_error().and_then(sqlx::error::DatabaseError::code).and_then(|code| code.parse::<u32>().ok());
    match code.map(|code| code & 0xff) {
        Some(13) => Failure::DiskFull,
        Some(5 | 6) => Failure::Busy,
        _ => Failure::Other,
    }
}
