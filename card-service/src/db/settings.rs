//! The settings that durability rests on: what an engine reports, beside what it must be.

use serde::Serialize;
use sqlx::{PgConnection, SqliteConnection};

use super::{Connection, DbError};

/// Older versions can corrupt a WAL database (<https://www.sqlite.org/wal.html#walresetbug>).
const OLDEST_SQLITE: (u32, u32, u32) = (3, 51, 3);
/// `server_version_num` of the oldest `PostgreSQL` this is tested with.
const OLDEST_POSTGRES: i64 = 150_000;

/// A setting as it was read back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// Its name, as the engine has it.
    pub name: &'static str,
    /// What it must be.
    pub wanted: &'static str,
    /// What it is.
    pub found: String,
    /// Whether that will do.
    pub as_wanted: bool,
}

impl Setting {
    fn exactly(name: &'static str, wanted: &'static str, found: String) -> Self {
        Self { name, wanted, as_wanted: found == wanted, found }
    }
}

/// The settings of a connection.
pub(super) async fn of(connection: &mut Connection) -> Result<Vec<Setting>, DbError> {
    match connection {
        Connection::Sqlite(connection) => of_sqlite(connection).await,
        Connection::Postgres(connection) => of_postgres(connection).await,
    }
}

/// Reads what was set: a pragma that is not understood or not possible (WAL on some file systems) is ignored by
/// `SQLite` in silence.
pub(super) async fn of_sqlite(connection: &mut SqliteConnection) -> Result<Vec<Setting>, DbError> {
    let version: String = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(&mut *connection).await?;
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    let as_wanted = (next(), next(), next()) >= OLDEST_SQLITE;
    let journal: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut *connection).await?;
    let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(&mut *connection).await?;
    // <https://www.sqlite.org/pragma.html#pragma_synchronous>
    let synchronous = match synchronous {
        0 => "OFF",
        1 => "NORMAL",
        2 => "FULL",
        _ => "EXTRA",
    };
    let foreign_keys: i64 = sqlx::query_scalar("PRAGMA foreign_keys").fetch_one(&mut *connection).await?;
    Ok(vec![
        Setting { name: "sqlite_version", wanted: "3.51.3 or newer", found: version, as_wanted },
        Setting::exactly("journal_mode", "wal", journal),
        Setting::exactly("synchronous", "FULL", synchronous.to_owned()),
        Setting::exactly("foreign_keys", "1", foreign_keys.to_string()),
    ])
}

/// The settings without which a server loses what it has acknowledged. They are the server's; here they are only read.
pub(super) async fn of_postgres(connection: &mut PgConnection) -> Result<Vec<Setting>, DbError> {
    let setting = async |connection: &mut PgConnection, name: &str| -> Result<String, DbError> {
        Ok(sqlx::query_scalar("SELECT current_setting($1)").bind(name).fetch_one(connection).await?)
    };
    let version = setting(connection, "server_version_num").await?;
    let as_wanted = version.parse().unwrap_or(0) >= OLDEST_POSTGRES;
    let mut settings =
        vec![Setting { name: "server_version_num", wanted: "150000 or more", found: version, as_wanted }];
    for (name, wanted) in [("server_encoding", "UTF8"), ("fsync", "on"), ("full_page_writes", "on")] {
        settings.push(Setting::exactly(name, wanted, setting(connection, name).await?));
    }
    let found = setting(connection, "synchronous_commit").await?;
    let as_wanted = ["on", "remote_apply"].contains(&found.as_str());
    settings.push(Setting { name: "synchronous_commit", wanted: "on", found, as_wanted });
    Ok(settings)
}

/// Refuses the first setting that is not as it must be.
///
/// # Errors
/// [`DbError::Setting`] names it.
pub(super) fn insist(settings: Vec<Setting>) -> Result<(), DbError> {
    match settings.into_iter().find(|setting| !setting.as_wanted) {
        Some(Setting { name, wanted, found, .. }) => Err(DbError::Setting { setting: name, wanted, found }),
        None => Ok(()),
    }
}
