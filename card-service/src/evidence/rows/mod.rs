//! Changing rows so that the log speaks for them: a [`Change`] is opened, touches rows, and is recorded in one leaf.
//!
//! Pictures are taken from the database itself, before and after, so no store describes its columns twice. Not here:
//! taps and transfers, which are only ever added and are pictured in memory because there are many (`RowImage`).

pub(crate) mod store;

use card_schema::clock::Micros;
use card_schema::ids::Shard;

use super::leaf::{Action, ActionKind, Replaced};
use super::store::{append, leaf_salt};
use super::tables::{Table, Value};
use crate::db::{DbError, Tx};

/// A change of rows that is under way.
///
/// Between [`Change::begin`] and [`Change::record`] nothing else may append a leaf in the same transaction.
#[must_use = "rows that were changed and not recorded are what the verifier calls altered"]
#[derive(Debug)]
pub struct Change {
    shard: Shard,
    leaf_id: i64,
    touched: Vec<Touched>,
}

/// A row that changes.
#[derive(Debug)]
struct Touched {
    table: &'static Table,
    key: Vec<Value>,
    before: Option<Vec<Value>>,
}

impl Change {
    /// Opens a change of rows whose leaves lie in one shard.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begin(tx: &mut Tx, shard: Shard) -> Result<Self, DbError> {
        tx.lock([shard]).await?;
        Ok(Self { shard, leaf_id: tx.numbers(shard).leaf + 1, touched: Vec::new() })
    }

    /// The number of the leaf that will record this change: what `leaf` is to be in every row that is written.
    pub fn leaf(&self) -> i64 {
        self.leaf_id
    }

    /// Announces a row that is to be added, changed or removed. Call it before writing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn touch(&mut self, tx: &mut Tx, table: &'static Table, key: Vec<Value>) -> Result<(), DbError> {
        let before = store::one(tx.conn(), table, &key).await?;
        self.touched.push(Touched { table, key, before });
        Ok(())
    }

    /// Appends the leaf. Call it after writing.
    ///
    /// # Errors
    /// When the database fails, or the leaf of a row that was changed is not there: somebody altered the database.
    pub async fn record(self, tx: &mut Tx, at: Micros, kind: ActionKind) -> Result<(), DbError> {
        let mut action = Action::new(self.shard, kind, Vec::new());
        for Touched { table, key, before } in self.touched {
            let after = store::one(tx.conn(), table, &key).await?;
            if after == before {
                continue;
            }
            if let Some(before) = before {
                let leaf_id = leaf_of(table, &before).ok_or(DbError::Unreadable("a row's leaf"))?;
                let salt = leaf_salt(tx.conn(), self.shard, leaf_id).await?;
                let hash = table.image(&before).hash(&salt);
                action.replaced.push(Replaced { table: table.name.to_owned(), leaf_id, hash });
            }
            if let Some(after) = after {
                assert_eq!(
                    leaf_of(table, &after),
                    Some(self.leaf_id),
                    "a store sets `leaf` in each {} row",
                    table.name
                );
                action.rows.push(table.image(&after));
            }
        }
        let leaf = append(tx, at, action).await?;
        assert_eq!(leaf.leaf_id, self.leaf_id, "no leaf is appended while a change is open");
        Ok(())
    }
}

fn leaf_of(table: &Table, row: &[Value]) -> Option<i64> {
    match row[table.position(super::tables::LEAF)?] {
        Value::Int(leaf) => Some(leaf),
        _ => None,
    }
}
