//! The whole content of a `SQLite` database, brought into an empty `PostgreSQL` database: all of it or nothing.
//!
//! [`Relocation`] has the file for itself from the first moment to the last, so nothing is written that would be left
//! behind. [`Copied`] is an open transaction: whoever has checked what is in it commits it. Which tables and columns
//! there are is read from the file and written down nowhere; every row is read back and compared.
//! Not here: whether the content is right (`operations`).

mod content;
mod error;
mod tables;
#[cfg(test)]
mod tests;

use std::mem::take;

use futures_util::stream::TryStreamExt as _;

use self::content::Content;
pub use self::error::RelocationError;
use self::tables::Table;
use super::destination::Destination;
use super::open::{Place, seize};
use super::{Connection, Db, DbError, Tx, Value, query, schema};
use crate::progress::{Part, Progress};

/// Rows that one statement takes.
const BATCH_ROWS: usize = 1_000;
/// Bytes from which on a statement takes no further row.
const BATCH_BYTES: usize = 1 << 20;

/// A `SQLite` database that nobody else can open, and the empty database into which it goes. To be kept or discarded.
#[derive(Debug)]
pub struct Relocation {
    source: Db,
    reading: Tx,
    destination: Destination,
}

impl Relocation {
    /// Takes the file, and looks at where its content is to go. Changes nothing.
    ///
    /// # Errors
    /// [`RelocationError`] says what is in the way.
    pub async fn begin(from: &str, to: &str) -> Result<Self, RelocationError> {
        let from = match from.parse()? {
            Place::Sqlite(options) => options,
            there @ Place::Postgres(_) => return Err(RelocationError::NotSqlite(there.to_string())),
        };
        let to = match to.parse()? {
            Place::Postgres(options) => options,
            Place::Sqlite(_) => return Err(RelocationError::NotPostgres),
        };
        let destination = Destination::find(to, RelocationError::NotEmpty).await?;
        let in_use = |error| match error {
            DbError::Busy(_) => RelocationError::InUse(from.get_filename().to_owned()),
            other => other.into(),
        };
        let source = seize(from.clone()).await.map_err(in_use)?;
        let begun = async {
            let mut reading = Tx::begin(&source.writers, "BEGIN EXCLUSIVE").await.map_err(in_use)?;
            let schema = schema::find(reading.conn()).await?.ok_or(DbError::Empty)?;
            schema.insist_known()?;
            if !schema.pending.is_empty() {
                return Err(RelocationError::OlderSchema { found: schema.found, known: schema.known });
            }
            Ok(reading)
        };
        match begun.await {
            Ok(reading) => Ok(Self { source, reading, destination }),
            Err(error) => {
                source.close().await;
                Err(error)
            }
        }
    }

    /// Makes the tables. Not to be stopped in its middle: what a server is doing it may finish after everything else was
    /// taken away.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn make_tables(&self, progress: &mut (dyn Progress + Send)) -> Result<Db, RelocationError> {
        Ok(self.destination.place().open(true, progress).await?.0)
    }

    /// Copies every row into the tables that were made.
    ///
    /// # Errors
    /// When a database fails, or a value is none that its column may hold.
    pub async fn copy(&mut self, db: Db, progress: &mut (dyn Progress + Send)) -> Result<Copied, RelocationError> {
        let mut tx = Tx::begin(&db.writers, db.engine().begin_write()).await?;
        let (from, to) = (self.reading.conn(), tx.conn());
        let tables = tables::in_order(tables::of(from).await?, &tables::references(to).await?);
        let mut copied = Vec::with_capacity(tables.len());
        let mut total = 0;
        for table in tables {
            total += table.count(from).await?;
            let made = table.all(to).await?;
            copied.push(CopiedTable { table, made, content: Content::default() });
        }
        let names: Vec<_> = copied.iter().map(|copied| copied.table.name.as_str()).collect();
        // Also takes the tables, so that nobody sees them or writes to them before the end.
        query(format!("TRUNCATE {}", names.join(", "))).execute(to).await?;
        progress.begin(Part::Move, Some(total));
        let mut done = 0;
        for CopiedTable { table, content, .. } in &mut copied {
            *content = copy_table(table, from, to, progress, &mut done).await?;
        }
        Ok(Copied { db, tx, tables: copied })
    }

    /// Makes what was copied and committed ready for use, and lets go of the file, which is as it was.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep(self) -> Result<(), RelocationError> {
        let settled = self.destination.settle().await;
        self.release().await;
        Ok(settled?)
    }

    /// Leaves the destination as empty as it was, and lets go of the file. What was copied is dropped before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn discard(self) -> Result<(), RelocationError> {
        let cleared = self.destination.clear().await;
        self.release().await;
        Ok(cleared?)
    }

    async fn release(self) {
        self.reading.rollback().await;
        self.source.close().await;
    }
}

async fn copy_table(
    table: &Table,
    from: &mut Connection,
    to: &mut Connection,
    progress: &mut (dyn Progress + Send),
    done: &mut u64,
) -> Result<Content, DbError> {
    let mut content = Content::default();
    let mut rows = table.select().stream(from)?;
    let (mut batch, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.try_next().await? {
        let values = table.values(&row)?;
        bytes += content.add(&values);
        batch.push(values);
        *done += 1;
        if batch.len() == BATCH_ROWS || bytes >= BATCH_BYTES {
            table.insert(to, take(&mut batch), "").await?;
            bytes = 0;
            progress.reach(*done);
        }
    }
    table.insert(to, batch, "").await?;
    progress.reach(*done);
    Ok(content)
}

/// Everything that was in the file, in a transaction that is not committed. Dropped, nothing of it is left.
#[derive(Debug)]
pub struct Copied {
    db: Db,
    tx: Tx,
    tables: Vec<CopiedTable>,
}

#[derive(Debug)]
struct CopiedTable {
    table: Table,
    /// What the migrations had put in.
    made: Vec<Vec<Value>>,
    /// What was read from the file.
    content: Content,
}

impl Copied {
    /// Reads every row back and compares it with what was in the file. Then adds what the migrations make and the file
    /// lacks: shards that it does not have. How many rows were moved.
    ///
    /// # Errors
    /// [`RelocationError::Differs`] names the first table in which something is missing or different.
    pub async fn compare(&mut self, progress: &mut (dyn Progress + Send)) -> Result<u64, RelocationError> {
        let total = self.tables.iter().map(|copied| copied.content.rows).sum();
        progress.begin(Part::Compare, Some(total));
        let mut done = 0;
        for CopiedTable { table, content, .. } in &self.tables {
            let mut found = Content::default();
            let mut rows = table.select().stream(self.tx.conn())?;
            while let Some(row) = rows.try_next().await? {
                found.add(&table.values(&row)?);
                done += 1;
                progress.reach(done);
            }
            if found != *content {
                return Err(RelocationError::Differs {
                    table: table.name.clone(),
                    wanted: content.rows,
                    found: found.rows,
                });
            }
        }
        for CopiedTable { table, made, .. } in &mut self.tables {
            table.insert(self.tx.conn(), take(made), "ON CONFLICT DO NOTHING").await?;
        }
        Ok(total)
    }

    /// The connection on which all of it can be seen.
    pub fn conn(&mut self) -> &mut Connection {
        self.tx.conn()
    }

    /// Makes it durable.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn commit(self) -> Result<(), DbError> {
        let committed = self.tx.commit().await;
        self.db.close().await;
        committed
    }
}
