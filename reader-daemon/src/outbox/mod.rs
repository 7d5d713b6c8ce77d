//! What must survive the power going at any moment: lanes with their counters and chains, signed taps until the service
//! has receipted them, what became of them, and what the terminal learnt (known cards, status list, profile).
//!
//! Signs nothing, sends nothing and decides nothing about cards. One connection, one writer: SQLite in WAL mode with
//! synchronous=FULL, read back and asserted at opening.

mod error;
mod fate;
mod lane;
mod learnt;
mod pending;
#[cfg(test)]
mod tests;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use card_schema::{ids::TerminalId, money::Fen};
use sqlx::{
    Connection as _, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use tokio::sync::{Mutex, MutexGuard, watch};

use self::error::fail;
pub use self::{
    error::OutboxError,
    fate::{Fate, Held, Ordered, Returned},
    lane::{Lane, StoredTap},
    learnt::{KnownCard, Snapshot},
    pending::{Exposure, PendingTap},
};

/// `PRAGMA synchronous` when it is FULL.
const SYNCHRONOUS_FULL: i64 = 2;
/// Bytes that must be free before a card is asked to sign: a tap's statement with every page that it may touch, many
/// times over.
const ROOM: u64 = 64 * 1024;

/// The file that holds everything above.
#[derive(Debug)]
pub struct Outbox {
    connection: Mutex<SqliteConnection>,
    clock: CommitClock,
    folder: PathBuf,
    waiting: watch::Sender<Waiting>,
}

/// What waits for the service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// How many taps.
    pub taps: u64,
    /// What the payments among them come to.
    pub payments: Fen,
    /// How many of them are validations.
    pub validations: u64,
}

/// When the running statement had done its work and only writing to the disk was left.
#[derive(Clone, Debug)]
struct CommitClock {
    start: Instant,
    nanos: Arc<AtomicU64>,
}

impl CommitClock {
    fn new() -> Self {
        Self { start: Instant::now(), nanos: Arc::default() }
    }

    fn mark(&self) {
        self.nanos.store(u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// From the last mark until now: writing the log and waiting for the disk.
    fn since_mark(&self) -> Duration {
        self.start.elapsed().saturating_sub(Duration::from_nanos(self.nanos.load(Ordering::Relaxed)))
    }
}

impl Outbox {
    /// Opens the outbox of this terminal, making it if there is none.
    ///
    /// # Errors
    /// [`OutboxError::OtherTerminal`] when the file is another terminal's: its counters would be continued wrongly.
    pub async fn open(path: &Path, terminal: TerminalId) -> Result<Self, OutboxError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(2))
            .statement_cache_capacity(24)
            // Memory: a quarter of a MiB of pages is all that a queue needs.
            .pragma("cache_size", "-256")
            // The submitter checkpoints while nobody waits for a card.
            .pragma("wal_autocheckpoint", "4000");
        let mut connection = SqliteConnection::connect_with(&options).await.map_err(fail("opening the outbox"))?;
        let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous")
            .fetch_one(&mut connection)
            .await
            .map_err(fail("reading back a setting"))?;
        let journal: String = sqlx::query_scalar("PRAGMA journal_mode")
            .fetch_one(&mut connection)
            .await
            .map_err(fail("reading back a setting"))?;
        if synchronous != SYNCHRONOUS_FULL || journal != "wal" {
            return Err(OutboxError::NotDurable { journal, synchronous });
        }
        sqlx::raw_sql(include_str!("schema.sql")).execute(&mut connection).await.map_err(fail("making the tables"))?;
        sqlx::query("INSERT INTO owner (one, terminal) VALUES (1, $1) ON CONFLICT DO NOTHING")
            .bind(terminal.as_bytes().as_slice())
            .execute(&mut connection)
            .await
            .map_err(fail("naming the owner"))?;
        let owner: Vec<u8> = sqlx::query_scalar("SELECT terminal FROM owner WHERE one = 1")
            .fetch_one(&mut connection)
            .await
            .map_err(fail("reading the owner"))?;
        if owner != terminal.as_bytes() {
            return Err(OutboxError::OtherTerminal);
        }
        let clock = CommitClock::new();
        let hook = clock.clone();
        connection.lock_handle().await.map_err(fail("setting the commit hook"))?.set_commit_hook(move || {
            hook.mark();
            true
        });
        let waiting = watch::Sender::new(pending::count(&mut connection).await?);
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Ok(Self { connection: Mutex::new(connection), clock, folder: folder.to_owned(), waiting })
    }

    /// Whether the disk has room for one more tap. A number that was reserved earlier does not show that: the log may
    /// have to grow for what the card signs.
    ///
    /// # Errors
    /// [`OutboxError::NoRoom`].
    pub fn room(&self) -> Result<(), OutboxError> {
        // A file system that does not say how full it is will say so when it is written to.
        let Ok(disk) = nix::sys::statvfs::statvfs(&self.folder) else { return Ok(()) };
        let free = disk.blocks_available().saturating_mul(disk.fragment_size());
        if free < ROOM { Err(OutboxError::NoRoom) } else { Ok(()) }
    }

    async fn lock(&self) -> MutexGuard<'_, SqliteConnection> {
        self.connection.lock().await
    }

    /// Moves the log into the database file. Called while no card waits.
    pub async fn checkpoint(&self) -> Result<(), OutboxError> {
        let mut connection = self.lock().await;
        sqlx::raw_sql("PRAGMA wal_checkpoint(PASSIVE)")
            .execute(&mut *connection)
            .await
            .map(|_| ())
            .map_err(fail("checkpointing"))
    }
}
