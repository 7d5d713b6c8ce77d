//! Opening a database: settings that durability rests on are read back, then the schema is brought up to date.

use std::str::FromStr;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::dialect::{Connection, Pool};
use super::{Db, DbError};

static MIGRATIONS: Migrator = sqlx::migrate!("src/migrations/sqlite");

/// How long a statement waits for another process's write lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Pages that a connection keeps: 32 MiB, in `SQLite`'s notation. The default of 2 MiB has the writer read its own
/// pages again for every group of taps.
const CACHE: &str = "-32768";
/// Pages that the write-ahead log gathers, 80 MiB, before they are copied into the database: a page that many taps
/// have changed is copied once.
const CHECKPOINT_PAGES: &str = "20000";
/// Connections for reading.
const READERS: u32 = 4;
/// Older versions can corrupt a WAL database (<https://www.sqlite.org/wal.html#walresetbug>).
const OLDEST_SQLITE: (u32, u32, u32) = (3, 51, 3);

impl Db {
    /// Opens an existing database and applies the migrations it lacks.
    ///
    /// # Errors
    /// [`DbError::Missing`] where there is none: a mistyped path must not start an empty town.
    pub async fn open(url: &str) -> Result<Self, DbError> {
        Self::connect(url, false).await
    }

    /// Opens a database, making an empty one where there is none.
    pub async fn create(url: &str) -> Result<Self, DbError> {
        Self::connect(url, true).await
    }

    async fn connect(url: &str, create: bool) -> Result<Self, DbError> {
        let options = SqliteConnectOptions::from_str(url).map_err(DbError::Url)?;
        if !create && !options.get_filename().exists() {
            return Err(DbError::Missing(options.get_filename().to_owned()));
        }
        let options = options
            .create_if_missing(create)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .pragma("cache_size", CACHE)
            .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
            .busy_timeout(BUSY_TIMEOUT);
        // One connection, kept for good: `SQLite` has one writer, and taking turns here costs less than SQLITE_BUSY.
        let writer = SqlitePoolOptions::new()
            .min_connections(1)
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .after_connect(|connection, _| {
                Box::pin(async move {
                    assert_settings(connection).await.map_err(|refused| sqlx::Error::Configuration(Box::new(refused)))
                })
            })
            .connect_with(options.clone())
            .await?;
        migrate(&writer).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_with(options.create_if_missing(false).read_only(true))
            .await?;
        Ok(Self { readers, writer })
    }
}

/// Reads the settings back: a pragma that is not understood or not possible (WAL on some file systems) is ignored
/// by `SQLite` in silence.
async fn assert_settings(connection: &mut Connection) -> Result<(), DbError> {
    let version: String = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(&mut *connection).await?;
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    if (next(), next(), next()) < OLDEST_SQLITE {
        return Err(DbError::Setting { setting: "sqlite_version", wanted: "3.51.3 or newer", found: version });
    }
    let journal: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut *connection).await?;
    expect("journal_mode", "wal", journal)?;
    let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(&mut *connection).await?;
    // 2 is FULL: <https://www.sqlite.org/pragma.html#pragma_synchronous>
    expect("synchronous", "2", synchronous.to_string())?;
    let foreign_keys: i64 = sqlx::query_scalar("PRAGMA foreign_keys").fetch_one(&mut *connection).await?;
    expect("foreign_keys", "1", foreign_keys.to_string())
}

fn expect(setting: &'static str, wanted: &'static str, found: String) -> Result<(), DbError> {
    if found == wanted { Ok(()) } else { Err(DbError::Setting { setting, wanted, found }) }
}

/// Applies what is missing. A database that a newer program has written is refused before anything is touched.
async fn migrate(writer: &Pool) -> Result<(), DbError> {
    let known = MIGRATIONS.iter().map(|m| m.version).max().unwrap_or(0);
    let has_history: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = '_sqlx_migrations'")
            .fetch_one(writer)
            .await?;
    if has_history > 0 {
        let found: Option<i64> =
            sqlx::query_scalar("SELECT MAX(version) FROM _sqlx_migrations").fetch_one(writer).await?;
        if let Some(found) = found.filter(|found| *found > known) {
            return Err(DbError::NewerSchema { found, known });
        }
    }
    MIGRATIONS.run(writer).await.map_err(DbError::Migration)
}
