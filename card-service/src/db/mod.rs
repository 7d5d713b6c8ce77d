//! The service's one database: how it is opened, read and written, on `SQLite` or `PostgreSQL`.
//!
//! Holds [`Db`] (connections for reading and for writing), [`Tx`] (an open write transaction), [`query`] and [`insert`]
//! (one SQL text for both engines), the migrations runner, [`backup`] and [`relocation`]. SQL lives in the `store.rs` files.
//! Not here: tables (`src/migrations/`) and what they mean (each module's own).

pub mod backup;
pub mod columns;
mod connection;
mod copy;
mod destination;
mod engine;
mod error;
mod numbers;
mod open;
#[cfg(test)]
pub(crate) mod recorder;
pub mod relocation;
mod schema;
#[cfg(test)]
mod scratch;
mod settings;
mod statement;
#[cfg(test)]
mod tests;
mod turn;
mod value;

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;

use card_schema::ids::Shard;
use sqlx::{PgPool, SqlitePool};
use tokio::sync::watch;

pub use connection::{Connection, FromColumn, Row};
pub use engine::Engine;
pub use error::DbError;
pub use numbers::Numbers;
pub use open::without_password;
pub use schema::{Migration, Schema};
#[cfg(test)]
pub(crate) use scratch::{Nowhere, Scratch, rows};
pub use settings::Setting;
pub use statement::{Statement, insert, query};
pub use turn::Turn;
pub use value::{Rows, Value};

/// What [`Db::write`] runs: a boxed future that borrows the transaction.
pub type Work<'tx, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'tx>>;

/// An opened database. Cheap to clone; all clones share the same connections.
#[derive(Clone, Debug)]
pub struct Db {
    readers: Pool,
    writers: Pool,
    /// Whoever copies `SQLite`'s write-ahead log into the database: closed once that has ended.
    checkpoints: Option<watch::Receiver<()>>,
}

/// Connections of one engine.
#[derive(Clone, Debug)]
enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Pool {
    async fn acquire(&self) -> Result<Connection, DbError> {
        Ok(match self {
            Self::Sqlite(pool) => Connection::Sqlite(pool.acquire().await?),
            Self::Postgres(pool) => Connection::Postgres(pool.acquire().await?),
        })
    }

    async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }

    const fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }
}

/// An open transaction. It commits when the work given to [`Db::write`] ends well and is undone otherwise.
///
/// sqlx's own transactions are not used: `SQLite` ends a transaction by itself when the disk is full, sqlx's count of
/// open transactions then stays at one, and the only writer's connection is of no use from then on.
#[derive(Debug)]
pub struct Tx {
    connection: Connection,
    held: numbers::Held,
    open: bool,
}

impl Tx {
    /// The engine below.
    pub const fn engine(&self) -> Engine {
        self.connection.engine()
    }

    /// The connection on which statements of this transaction run.
    pub fn conn(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// Locks shards until the end of the transaction and loads their numbers. All that a transaction needs are locked
    /// by its first call, or by later calls in ascending order.
    ///
    /// # Errors
    /// When the database fails.
    ///
    /// # Panics
    /// When a shard is asked for below one that is locked: that is how two transactions come to wait for one another.
    pub async fn lock(&mut self, shards: impl IntoIterator<Item = Shard>) -> Result<(), DbError> {
        let shards: BTreeSet<Shard> = shards.into_iter().collect();
        self.held.lock(&mut self.connection, &shards).await
    }

    /// Waits until it is this transaction's turn to do something, and keeps it to the end.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take_turn(&mut self, turn: Turn) -> Result<(), DbError> {
        turn.take(&mut self.connection).await
    }

    /// The numbers of a shard that is locked. What they are at the end is written when the transaction commits.
    pub fn numbers(&mut self, shard: Shard) -> &mut Numbers {
        self.held.of(shard)
    }

    async fn begin(pool: &Pool, begin: &'static str) -> Result<Self, DbError> {
        let mut tx = Self { connection: pool.acquire().await?, held: numbers::Held::default(), open: true };
        query(begin).execute(tx.conn()).await?;
        Ok(tx)
    }

    async fn commit(mut self) -> Result<(), DbError> {
        self.held.save(&mut self.connection).await?;
        query("COMMIT").execute(self.conn()).await?;
        self.open = false;
        Ok(())
    }

    async fn rollback(mut self) {
        // Fails where the engine has ended the transaction already; the connection is then closed on drop.
        self.open = query("ROLLBACK").execute(self.conn()).await.is_err();
    }
}

impl Drop for Tx {
    /// A transaction that was neither committed nor undone (a panic, a failed statement) ends with its connection;
    /// the pool opens another.
    fn drop(&mut self) {
        if self.open {
            self.connection.close_on_drop();
        }
    }
}

impl Db {
    /// The engine below.
    pub const fn engine(&self) -> Engine {
        self.readers.engine()
    }

    /// A connection for reading. It cannot write: the engine itself refuses.
    pub async fn read(&self) -> Result<Connection, DbError> {
        self.readers.acquire().await
    }

    /// Runs `work` in one transaction for reading, in which every statement sees the same state.
    pub async fn snapshot<T, E, F>(&self, work: F) -> Result<T, E>
    where
        E: From<DbError>,
        F: AsyncFnOnce(&mut Connection) -> Result<T, E>,
    {
        let mut tx = Tx::begin(&self.readers, self.engine().begin_snapshot()).await?;
        let result = work(tx.conn()).await;
        tx.rollback().await;
        result
    }

    /// Does the office's work in one write transaction: all of it is durable when this returns `Ok`, nothing of it
    /// otherwise. Nobody else does the office's work meanwhile, so what it reads of its own stays as it is; what taps
    /// change as well is read after its shard is locked.
    ///
    /// The transaction lives in a task of its own. When the caller's future is dropped (a client that hung up), the
    /// work still runs to its end: it commits or is undone, and never leaves a transaction open on a writer's
    /// connection, which is what sqlx 0.9.0 does when a future is dropped in the middle of `begin()`.
    ///
    /// ```ignore
    /// db.write(|tx| Box::pin(async move { store::insert(tx, row).await })).await?;
    /// ```
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: for<'tx> FnOnce(&'tx mut Tx) -> Work<'tx, T, E> + Send + 'static,
    {
        self.write_concurrently(|tx| {
            Box::pin(async move {
                tx.take_turn(Turn::Office).await?;
                work(tx).await
            })
        })
        .await
    }

    /// The same beside the office and beside others: whoever calls locks what it reads in order to change it.
    pub async fn write_concurrently<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: for<'tx> FnOnce(&'tx mut Tx) -> Work<'tx, T, E> + Send + 'static,
    {
        let writers = self.writers.clone();
        let task = tokio::spawn(async move {
            let mut tx = Tx::begin(&writers, writers.engine().begin_write()).await?;
            match work(&mut tx).await {
                Ok(value) => {
                    tx.commit().await?;
                    Ok(value)
                }
                Err(error) => {
                    tx.rollback().await;
                    Err(error)
                }
            }
        });
        match task.await {
            Ok(result) => result,
            Err(stopped) if stopped.is_panic() => std::panic::resume_unwind(stopped.into_panic()),
            Err(_) => Err(DbError::Stopping.into()),
        }
    }

    /// The version of its tables.
    ///
    /// # Errors
    /// [`DbError::Empty`] where it has none.
    pub async fn schema(&self) -> Result<Schema, DbError> {
        schema::find(&mut self.read().await?).await?.ok_or(DbError::Empty)
    }

    /// The settings that durability rests on, as a reading connection finds them.
    pub async fn settings(&self) -> Result<Vec<Setting>, DbError> {
        settings::of(&mut self.read().await?).await
    }

    /// How many bytes its tables and indexes take.
    pub async fn size_bytes(&self) -> Result<u64, DbError> {
        let bytes: i64 = query(match self.engine() {
            Engine::Sqlite => "SELECT p.page_count * s.page_size FROM pragma_page_count() p, pragma_page_size() s",
            Engine::Postgres => {
                "SELECT CAST(COALESCE(SUM(pg_total_relation_size(c.oid)), 0) AS BIGINT) FROM pg_class c
                 JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'm')"
            }
        })
        .scalar_one(&mut self.read().await?)
        .await?;
        u64::try_from(bytes).map_err(|_| DbError::Unreadable("a size below zero"))
    }

    /// Closes every connection; waits for those in use. `SQLite` then has everything in one file: the writer goes last,
    /// because of several connections that go at once none sees that it is the last.
    pub async fn close(&self) {
        self.readers.close().await;
        if let Some(mut checkpoints) = self.checkpoints.clone() {
            // Nothing is ever sent: it ends with the sender.
            let _ended = checkpoints.changed().await;
        }
        self.writers.close().await;
    }
}
