//! Opening a database: settings that durability rests on are read back, then the schema is brought up to date.

use std::str::FromStr;
use std::time::Duration;

use sqlx::migrate::{Migrate, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, SqliteConnection, SqlitePool};

use super::{Db, DbError, Pool};

static SQLITE: Migrator = sqlx::migrate!("src/migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("src/migrations/postgres");

/// How long a statement waits for another process's write lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// What the writer keeps of the database: 64 MiB, in `SQLite`'s notation. With less, a large group of taps has its pages
/// written to the log before it is complete, and again when they change.
const WRITER_CACHE: &str = "-65536";
/// What each reader keeps: 8 MiB.
const READER_CACHE: &str = "-8192";
/// How often what the write-ahead log has gathered is copied into the database, beside the writer: a page that many taps
/// have changed meanwhile is copied once, and no tap waits for it.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(2);
/// Pages, 400 MiB, from which on the writer copies them itself: the copying does not keep up.
const CHECKPOINT_PAGES: &str = "100000";
/// Statements that the writer keeps prepared: each text for sets of eight lengths.
const STATEMENTS: usize = 400;
/// How long anybody waits for a connection to a server: as long as a terminal is glad to, and no longer where the server is
/// away.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a transaction waits for a row that another one has locked.
const LOCK_TIMEOUT: &str = "10s";
/// Connections for reading.
const READERS: u32 = 4;
/// Connections for writing on `PostgreSQL`: intake's writers, the log's, and the office.
const POSTGRES_WRITERS: u32 = 8;
/// Older versions can corrupt a WAL database (<https://www.sqlite.org/wal.html#walresetbug>).
const OLDEST_SQLITE: (u32, u32, u32) = (3, 51, 3);
/// `server_version_num` of the oldest `PostgreSQL` this is tested with.
const OLDEST_POSTGRES: i64 = 150_000;

impl Db {
    /// Opens an existing database and applies the migrations it lacks.
    ///
    /// # Errors
    /// [`DbError::Missing`] or [`DbError::Empty`] where there is none: a mistyped name must not start an empty town.
    pub async fn open(url: &str) -> Result<Self, DbError> {
        Self::connect(url, false).await
    }

    /// Opens a database, making an empty one where there is none. On `PostgreSQL` the database itself must exist.
    pub async fn create(url: &str) -> Result<Self, DbError> {
        Self::connect(url, true).await
    }

    async fn connect(url: &str, create: bool) -> Result<Self, DbError> {
        if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            postgres(PgConnectOptions::from_str(url).map_err(DbError::Url)?, create).await
        } else {
            sqlite(SqliteConnectOptions::from_str(url).map_err(DbError::Url)?, create).await
        }
    }
}

async fn sqlite(options: SqliteConnectOptions, create: bool) -> Result<Db, DbError> {
    if !create && !options.get_filename().exists() {
        return Err(DbError::Missing(options.get_filename().to_owned()));
    }
    let options = options
        .create_if_missing(create)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        .busy_timeout(BUSY_TIMEOUT)
        .statement_cache_capacity(STATEMENTS)
        .disable_statement_logging();
    // One connection, kept for good: `SQLite` has one writer, and taking turns here costs less than SQLITE_BUSY.
    let writers = SqlitePoolOptions::new()
        .min_connections(1)
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .after_connect(|connection, _| Box::pin(async move { assert_sqlite(connection).await.map_err(refused) }))
        .connect_with(options.clone().pragma("cache_size", WRITER_CACHE))
        .await?;
    let history = "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '_sqlx_migrations')";
    let history: bool = sqlx::query_scalar(history).fetch_one(&writers).await?;
    migrate(&mut *writers.acquire().await?, &SQLITE, history).await?;
    let readers = SqlitePoolOptions::new()
        .max_connections(READERS)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_with(options.clone().create_if_missing(false).read_only(true).pragma("cache_size", READER_CACHE))
        .await?;
    tokio::spawn(checkpoint(writers.clone(), options.create_if_missing(false)));
    Ok(Db { readers: Pool::Sqlite(readers), writers: Pool::Sqlite(writers) })
}

/// Copies what the write-ahead log has gathered into the database, until the database is closed. A connection of its own:
/// a passive checkpoint holds nobody up.
async fn checkpoint(writers: SqlitePool, options: SqliteConnectOptions) {
    let mut turn = tokio::time::interval(CHECKPOINT_EVERY);
    turn.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut connection: Option<SqliteConnection> = None;
    loop {
        tokio::select! {
            () = writers.close_event() => break,
            _ = turn.tick() => {}
        }
        let copied = async {
            if connection.is_none() {
                connection = Some(SqliteConnection::connect_with(&options).await?);
            }
            let Some(connection) = connection.as_mut() else { return Ok(()) };
            sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(connection).await.map(drop)
        };
        if let Err(error) = copied.await {
            // The disk is full, or the file is gone: whoever writes next says so to whom it concerns.
            tracing::warn!(%error, "the write-ahead log was not copied into the database");
            connection = None;
        }
    }
    if let Some(connection) = connection {
        // Nothing is lost with it.
        let _ = connection.close().await;
    }
}

async fn postgres(options: PgConnectOptions, create: bool) -> Result<Db, DbError> {
    let options =
        options.application_name("card-service").options([("lock_timeout", LOCK_TIMEOUT)]).disable_statement_logging();
    let pool = |connections| PgPoolOptions::new().max_connections(connections).acquire_timeout(ACQUIRE_TIMEOUT);
    let writers = pool(POSTGRES_WRITERS)
        .after_connect(|connection, _| Box::pin(async move { assert_postgres(connection).await.map_err(refused) }))
        .connect_with(options.clone())
        .await?;
    let history: bool =
        sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL").fetch_one(&writers).await?;
    if !history && !create {
        return Err(DbError::Empty);
    }
    migrate(&mut *writers.acquire().await?, &POSTGRES, history).await?;
    let readers = pool(READERS).connect_with(options.options([("default_transaction_read_only", "on")])).await?;
    Ok(Db { readers: Pool::Postgres(readers), writers: Pool::Postgres(writers) })
}

/// Our own refusal of a connection's settings, as it goes through a pool.
fn refused(error: DbError) -> sqlx::Error {
    sqlx::Error::Configuration(Box::new(error))
}

/// Reads the settings back: a pragma that is not understood or not possible (WAL on some file systems) is ignored
/// by `SQLite` in silence.
async fn assert_sqlite(connection: &mut SqliteConnection) -> Result<(), DbError> {
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

/// The settings without which a server loses what it has acknowledged. They are the server's; here they are only read.
async fn assert_postgres(connection: &mut PgConnection) -> Result<(), DbError> {
    let setting = async |connection: &mut PgConnection, name: &str| -> Result<String, DbError> {
        Ok(sqlx::query_scalar("SELECT current_setting($1)").bind(name).fetch_one(connection).await?)
    };
    let version = setting(connection, "server_version_num").await?;
    if version.parse::<i64>().unwrap_or(0) < OLDEST_POSTGRES {
        return Err(DbError::Setting { setting: "server_version_num", wanted: "15 or newer", found: version });
    }
    expect("server_encoding", "UTF8", setting(connection, "server_encoding").await?)?;
    expect("fsync", "on", setting(connection, "fsync").await?)?;
    expect("full_page_writes", "on", setting(connection, "full_page_writes").await?)?;
    match setting(connection, "synchronous_commit").await?.as_str() {
        "on" | "remote_apply" => Ok(()),
        found => Err(DbError::Setting { setting: "synchronous_commit", wanted: "on", found: found.to_owned() }),
    }
}

fn expect(setting: &'static str, wanted: &'static str, found: String) -> Result<(), DbError> {
    if found == wanted { Ok(()) } else { Err(DbError::Setting { setting, wanted, found }) }
}

/// Applies what is missing. A database that a newer program has written is refused before anything is touched.
async fn migrate<C: Migrate>(connection: &mut C, migrations: &Migrator, history: bool) -> Result<(), DbError> {
    if history {
        let known = migrations.iter().map(|m| m.version).max().unwrap_or(0);
        let applied = connection.list_applied_migrations(&migrations.table_name).await.map_err(DbError::Migration)?;
        if let Some(found) = applied.iter().map(|m| m.version).max().filter(|found| *found > known) {
            return Err(DbError::NewerSchema { found, known });
        }
    }
    migrations.run_direct(None, connection, false).await.map_err(DbError::Migration)
}
