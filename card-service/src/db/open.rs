//! Opening a database: settings that durability rests on are read back, then the schema is brought up to date. Or only
//! looking at one, as it is.

use std::str::FromStr;
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteLockingMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, PgPool, SqliteConnection, SqlitePool};
use tokio::sync::watch;

use super::schema::{self, Migration};
use super::{Db, DbError, Pool, settings};
use crate::progress::Progress;

/// How long a statement waits for another process's write lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// What the writer keeps of the database: 64 MiB, in `SQLite`'s notation. With less, a large group of taps has its pages
/// written to the log before it is complete, and again when they change.
const WRITER_CACHE: &str = "-65536";
/// What each reader keeps: 8 MiB.
const READER_CACHE: &str = "-8192";
/// How often what the write-ahead log has gathered is copied into the database, beside the writer: a page that many taps
/// have changed meanwhile is copied once. No tap waits for the copying, but for the disk, which has little to do at a time.
const CHECKPOINT_EVERY: Duration = Duration::from_millis(500);
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

/// Where a database is, and how it is reached.
#[derive(Clone, Debug)]
pub(super) enum Place {
    Sqlite(SqliteConnectOptions),
    Postgres(PgConnectOptions),
}

impl FromStr for Place {
    type Err = DbError;

    fn from_str(url: &str) -> Result<Self, DbError> {
        if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            PgConnectOptions::from_str(url).map(Self::Postgres)
        } else {
            SqliteConnectOptions::from_str(url).map(Self::Sqlite)
        }
        .map_err(DbError::Url)
    }
}

impl std::fmt::Display for Place {
    /// As a URL, without the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(options) => write!(f, "sqlite:{}", options.get_filename().display()),
            Self::Postgres(options) => {
                let (user, port) = (options.get_username(), options.get_port());
                let name = options.get_database().unwrap_or(user);
                match options.get_socket() {
                    Some(folder) => write!(f, "postgres://{user}@localhost:{port}/{name}?host={}", folder.display()),
                    None => write!(f, "postgres://{user}@{}:{port}/{name}", options.get_host()),
                }
            }
        }
    }
}

/// A database's URL as it may be shown: without the password.
///
/// # Errors
/// [`DbError::Url`] where it is not usable.
pub fn without_password(url: &str) -> Result<String, DbError> {
    url.parse::<Place>().map(|place| place.to_string())
}

impl Db {
    /// Opens an existing database and applies the migrations it lacks.
    ///
    /// # Errors
    /// [`DbError::Missing`] or [`DbError::Empty`] where there is none: a mistyped name must not start an empty town.
    pub async fn open(url: &str) -> Result<Self, DbError> {
        url.parse::<Place>()?.open(false, &mut ()).await.map(|(db, _)| db)
    }

    /// Opens a database, making an empty one where there is none. On `PostgreSQL` the database itself must exist.
    pub async fn create(url: &str) -> Result<Self, DbError> {
        url.parse::<Place>()?.open(true, &mut ()).await.map(|(db, _)| db)
    }

    /// Opens an existing database and applies the migrations it lacks. Which these were.
    ///
    /// # Errors
    /// As [`Db::open`].
    pub async fn migrate(url: &str, progress: &mut (dyn Progress + Send)) -> Result<Vec<Migration>, DbError> {
        let (db, applied) = url.parse::<Place>()?.open(false, progress).await?;
        db.close().await;
        Ok(applied)
    }

    /// Opens an existing database for reading, as it is: no migration is applied and no setting is insisted on.
    ///
    /// # Errors
    /// [`DbError::Missing`] where there is none.
    pub async fn look(url: &str) -> Result<Self, DbError> {
        url.parse::<Place>()?.look().await
    }
}

impl Place {
    /// Opens the database, makes an empty one where there is none and `create` says so, and applies the migrations it
    /// lacks.
    pub(super) async fn open(
        self,
        create: bool,
        progress: &mut (dyn Progress + Send),
    ) -> Result<(Db, Vec<Migration>), DbError> {
        match self {
            Self::Sqlite(options) => sqlite(options, create, progress).await,
            Self::Postgres(options) => postgres(options, create, progress).await,
        }
    }

    /// As [`Db::look`].
    pub(super) async fn look(self) -> Result<Db, DbError> {
        let readers = match self {
            Self::Sqlite(options) => {
                insist_on_file(&options)?;
                // Without asking for a journal mode: that would change the file.
                let options = durable(options).read_only(true);
                Pool::Sqlite(sqlite_readers(options).await?)
            }
            Self::Postgres(options) => Pool::Postgres(postgres_readers(settled(options)).await?),
        };
        Ok(Db { writers: readers.clone(), readers, checkpoints: None })
    }
}

/// Opens an existing `SQLite` database as it is, and for this program alone, on one connection: busy where anybody else has
/// it open, and nobody can open it before this is closed. In WAL mode every connection holds a shared lock on the file,
/// also when it does nothing, so a service that waits for taps is noticed.
pub(super) async fn seize(options: SqliteConnectOptions) -> Result<Db, DbError> {
    insist_on_file(&options)?;
    let options = durable(options).locking_mode(SqliteLockingMode::Exclusive);
    let only = SqlitePoolOptions::new().max_connections(1).test_before_acquire(false);
    let only = Pool::Sqlite(only.connect_with(options.pragma("cache_size", READER_CACHE)).await?);
    Ok(Db { writers: only.clone(), readers: only, checkpoints: None })
}

fn insist_on_file(options: &SqliteConnectOptions) -> Result<(), DbError> {
    let file = options.get_filename();
    if file.exists() { Ok(()) } else { Err(DbError::Missing(file.to_owned())) }
}

/// What every connection to `SQLite` has.
fn durable(options: SqliteConnectOptions) -> SqliteConnectOptions {
    options
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        .busy_timeout(BUSY_TIMEOUT)
        .statement_cache_capacity(STATEMENTS)
        .disable_statement_logging()
}

async fn sqlite(
    options: SqliteConnectOptions,
    create: bool,
    progress: &mut (dyn Progress + Send),
) -> Result<(Db, Vec<Migration>), DbError> {
    if !create {
        insist_on_file(&options)?;
    }
    let options = durable(options).create_if_missing(create).journal_mode(SqliteJournalMode::Wal);
    // One connection, kept for good: `SQLite` has one writer, and taking turns here costs less than SQLITE_BUSY.
    let writers = SqlitePoolOptions::new()
        .min_connections(1)
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .after_connect(|connection, _| {
            Box::pin(async move { settings::of_sqlite(connection).await.and_then(settings::insist).map_err(refused) })
        })
        .connect_with(options.clone().pragma("cache_size", WRITER_CACHE))
        .await?;
    let writers = Pool::Sqlite(writers);
    let mut connection = writers.acquire().await?;
    let schema = schema::find(&mut connection).await?;
    let applied = schema::migrate(&mut connection, schema, progress).await?;
    drop(connection);
    let options = options.create_if_missing(false);
    let readers = sqlite_readers(options.clone().read_only(true)).await?;
    let (ends, ended) = watch::channel(());
    tokio::spawn(checkpoint(readers.clone(), options, ends));
    Ok((Db { readers: Pool::Sqlite(readers), writers, checkpoints: Some(ended) }, applied))
}

async fn sqlite_readers(options: SqliteConnectOptions) -> Result<SqlitePool, DbError> {
    let readers = SqlitePoolOptions::new()
        .max_connections(READERS)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false);
    Ok(readers.connect_with(options.pragma("cache_size", READER_CACHE)).await?)
}

/// Copies what the write-ahead log has gathered into the database, until its readers are closed. A connection of its own:
/// a passive checkpoint holds nobody up. `_ends` is dropped when that connection is closed as well.
async fn checkpoint(readers: SqlitePool, options: SqliteConnectOptions, _ends: watch::Sender<()>) {
    let mut turn = tokio::time::interval(CHECKPOINT_EVERY);
    turn.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut connection: Option<SqliteConnection> = None;
    loop {
        tokio::select! {
            () = readers.close_event() => break,
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

/// What every connection to `PostgreSQL` has.
fn settled(options: PgConnectOptions) -> PgConnectOptions {
    options.application_name("card-service").options([("lock_timeout", LOCK_TIMEOUT)]).disable_statement_logging()
}

async fn postgres(
    options: PgConnectOptions,
    create: bool,
    progress: &mut (dyn Progress + Send),
) -> Result<(Db, Vec<Migration>), DbError> {
    let options = settled(options);
    let writers = PgPoolOptions::new()
        .max_connections(POSTGRES_WRITERS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .after_connect(|connection, _| {
            Box::pin(async move { settings::of_postgres(connection).await.and_then(settings::insist).map_err(refused) })
        })
        .connect_with(options.clone())
        .await?;
    let writers = Pool::Postgres(writers);
    let mut connection = writers.acquire().await?;
    let schema = schema::find(&mut connection).await?;
    if schema.is_none() && !create {
        return Err(DbError::Empty);
    }
    let applied = schema::migrate(&mut connection, schema, progress).await?;
    drop(connection);
    let readers = postgres_readers(options).await?;
    Ok((Db { readers: Pool::Postgres(readers), writers, checkpoints: None }, applied))
}

async fn postgres_readers(options: PgConnectOptions) -> Result<PgPool, DbError> {
    let readers = PgPoolOptions::new().max_connections(READERS).acquire_timeout(ACQUIRE_TIMEOUT);
    Ok(readers.connect_with(options.options([("default_transaction_read_only", "on")])).await?)
}

/// Our own refusal of a connection's settings, as it goes through a pool.
fn refused(error: DbError) -> sqlx::Error {
    sqlx::Error::Configuration(Box::new(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_its_password() {
        for (url, shown) in [
            ("sqlite:/var/lib/card-service/card.db", "sqlite:/var/lib/card-service/card.db"),
            (
                "postgres://card:sesame@db.test.invalid/town?sslmode=require",
                "postgres://card@db.test.invalid:5432/town",
            ),
            (
                "postgres://db.test.invalid:5433/town?user=card&password=sesame",
                "postgres://card@db.test.invalid:5433/town",
            ),
            ("postgres://card:sesame@localhost/town?host=/run/pg", "postgres://card@localhost:5432/town?host=/run/pg"),
        ] {
            assert_eq!(without_password(url).unwrap(), shown);
        }
    }
}
