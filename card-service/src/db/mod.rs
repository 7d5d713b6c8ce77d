//! The service's one database: how it is opened, read and written.
//!
//! Holds [`Db`] (a pool of readers and one writer), [`Tx`] (an open write transaction) and the migrations runner.
//! SQL lives in the `store.rs` files; the names that tie the service to one database engine are in `dialect`.
//! Not here: tables (`src/migrations/`) and what they mean (each module's own).

pub mod dialect;
mod error;
mod open;
pub mod sets;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::pin::Pin;

use dialect::{Connection, Pool, PoolConnection};

pub use error::DbError;

/// What [`Db::write`] runs: a boxed future that borrows the transaction.
pub type Work<'tx, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'tx>>;

/// An opened database. Cheap to clone; all clones share the same connections.
#[derive(Clone, Debug)]
pub struct Db {
    readers: Pool,
    writer: Pool,
}

/// An open write transaction. It commits when the work given to [`Db::write`] ends well and is undone otherwise.
///
/// sqlx's own transactions are not used: `SQLite` ends a transaction by itself when the disk is full, sqlx's count of
/// open transactions then stays at one, and the only writer's connection is of no use from then on.
#[derive(Debug)]
pub struct Tx {
    connection: PoolConnection,
    open: bool,
}

impl Tx {
    /// The connection on which statements of this transaction run.
    pub fn conn(&mut self) -> &mut Connection {
        &mut self.connection
    }

    async fn begin(writer: &Pool) -> Result<Self, DbError> {
        let mut tx = Self { connection: writer.acquire().await?, open: true };
        sqlx::query(dialect::BEGIN_WRITE).execute(tx.conn()).await?;
        Ok(tx)
    }

    async fn commit(mut self) -> Result<(), DbError> {
        sqlx::query("COMMIT").execute(self.conn()).await?;
        self.open = false;
        Ok(())
    }

    async fn rollback(mut self) {
        // Fails where the engine has ended the transaction already; the connection is then closed on drop.
        self.open = sqlx::query("ROLLBACK").execute(self.conn()).await.is_err();
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
    /// Connections for reading. They cannot write: the engine itself refuses.
    pub fn read(&self) -> &Pool {
        &self.readers
    }

    /// Runs `work` in one write transaction: all of it is durable when this returns `Ok`, nothing of it otherwise.
    ///
    /// The transaction lives in a task of its own. When the caller's future is dropped (a client that hung up), the
    /// work still runs to its end: it commits or is undone, and never leaves a transaction open on the writer's
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
        let writer = self.writer.clone();
        let task = tokio::spawn(async move {
            let mut tx = Tx::begin(&writer).await?;
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

    /// Closes every connection; waits for those in use.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}
