//! What must survive the power going at any moment: lanes with their counters and chains, signed taps until the service
//! has receipted them, what became of them, and what the terminal learnt (known cards, status list, profile).
//!
//! Signs nothing, sends nothing and decides nothing about cards. SQLite in WAL mode with synchronous=FULL, read back and
//! asserted at opening. One writes at a time; who reads has another connection, and does not wait for the disk.

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
use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard, watch};

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
/// So long what need not be on the disk at once lets those go first who hold a card.
const GIVE_WAY: Duration = Duration::from_millis(5);

/// The file that holds everything above.
#[derive(Debug)]
pub struct Outbox {
    writing: Mutex<Writing>,
    reading: Mutex<SqliteConnection>,
    queued: std::sync::Mutex<Vec<lane::Queued>>,
    cards: std::sync::Mutex<pending::OfCards>,
    clock: CommitClock,
    folder: PathBuf,
    waiting: watch::Sender<Waiting>,
    at_cards: watch::Sender<u32>,
}

/// Somebody works with a card, and what it signs is kept next: until this is dropped.
#[derive(Debug)]
pub struct AtCard<'a>(&'a watch::Sender<u32>);

impl Drop for AtCard<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

/// The connections that write.
#[derive(Debug)]
struct Writing {
    /// What was written is on the disk when a transaction has ended.
    durable: SqliteConnection,
    /// It is there as soon as the other has written something. Until then a loss of power takes it back, whole.
    soon: SqliteConnection,
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
        let open = async |options: &SqliteConnectOptions| {
            SqliteConnection::connect_with(options).await.map_err(fail("opening the outbox"))
        };
        let mut connection = open(&options).await?;
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
        let soon = open(&options.clone().synchronous(SqliteSynchronous::Normal)).await?;
        let mut reading = open(&options.pragma("query_only", "ON")).await?;
        let (waiting, cards) = pending::load(&mut reading).await?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Ok(Self {
            writing: Mutex::new(Writing { durable: connection, soon }),
            reading: Mutex::new(reading),
            queued: std::sync::Mutex::default(),
            cards: std::sync::Mutex::new(cards),
            clock,
            folder: folder.to_owned(),
            waiting: watch::Sender::new(waiting),
            at_cards: watch::Sender::new(0),
        })
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

    /// To write what has to be on the disk, one after the other.
    async fn lock(&self) -> MappedMutexGuard<'_, SqliteConnection> {
        MutexGuard::map(self.writing.lock().await, |writing| &mut writing.durable)
    }

    /// A reader begins with a card.
    pub fn at_card(&self) -> AtCard<'_> {
        self.at_cards.send_modify(|count| *count += 1);
        AtCard(&self.at_cards)
    }

    /// To write what need not be on the disk at once: while no card is at work, or after [`GIVE_WAY`].
    async fn lock_soon(&self) -> MappedMutexGuard<'_, SqliteConnection> {
        let _ = tokio::time::timeout(GIVE_WAY, self.at_cards.subscribe().wait_for(|count| *count == 0)).await;
        MutexGuard::map(self.writing.lock().await, |writing| &mut writing.soon)
    }

    /// To read all that is on the disk by now.
    async fn read(&self) -> MutexGuard<'_, SqliteConnection> {
        self.reading.lock().await
    }

    /// Moves the log into the database file. Whoever writes meanwhile does not wait.
    pub async fn checkpoint(&self) -> Result<(), OutboxError> {
        let mut connection = self.read().await;
        sqlx::raw_sql("PRAGMA wal_checkpoint(PASSIVE)")
            .execute(&mut *connection)
            .await
            .map(|_| ())
            .map_err(fail("checkpointing"))
    }
}
