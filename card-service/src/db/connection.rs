//! A connection of either engine, and the rows that come over it.

use sqlx::{Column as _, Decode, Postgres, Row as _, Sqlite, Type, TypeInfo as _, ValueRef as _};

use super::value::Value;
use super::{DbError, Engine};

/// One connection that goes back to its pool.
#[derive(Debug)]
pub enum Connection {
    /// Of `SQLite`.
    Sqlite(sqlx::pool::PoolConnection<Sqlite>),
    /// Of `PostgreSQL`.
    Postgres(sqlx::pool::PoolConnection<Postgres>),
}

impl Connection {
    /// The engine at the other end.
    pub const fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }

    /// Ends the connection instead of giving it back.
    pub(super) fn close_on_drop(&mut self) {
        match self {
            Self::Sqlite(connection) => connection.close_on_drop(),
            Self::Postgres(connection) => connection.close_on_drop(),
        }
    }
}

/// One row of a result.
#[derive(Debug)]
pub enum Row {
    /// Of `SQLite`.
    Sqlite(sqlx::sqlite::SqliteRow),
    /// Of `PostgreSQL`.
    Postgres(sqlx::postgres::PgRow),
}

/// What a column can be read as: `i64`, bytes, text, and each of them as an `Option`.
pub trait FromColumn<'r>: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres> {}

impl<'r, T: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>> FromColumn<'r> for T {}

impl Row {
    /// The value of a column.
    ///
    /// # Errors
    /// [`DbError::Sql`] where there is no such column, or where it holds something else.
    pub fn get<'r, T: FromColumn<'r>>(&'r self, column: &str) -> Result<T, DbError> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    /// The value of a column by its place.
    ///
    /// # Errors
    /// As [`Row::get`].
    pub fn at<'r, T: FromColumn<'r>>(&'r self, index: usize) -> Result<T, DbError> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(index)?,
            Self::Postgres(row) => row.try_get(index)?,
        })
    }

    /// What lies in a column, not what it is declared to hold: on `SQLite` somebody may have put something else in.
    ///
    /// # Errors
    /// [`DbError::Sql`] where there is no such column.
    pub fn stored(&self, index: usize) -> Result<Value, DbError> {
        match self {
            Self::Sqlite(row) => {
                let raw = row.try_get_raw(index)?;
                Ok(match raw.type_info().name() {
                    _ if raw.is_null() => Value::Int(None),
                    "INTEGER" => Value::Int(Some(row.try_get_unchecked(index)?)),
                    "BLOB" => Value::Bytes(Some(row.try_get_unchecked(index)?)),
                    _ => Value::Text(Some(row.try_get_unchecked(index)?)),
                })
            }
            Self::Postgres(row) => Ok(match row.columns()[index].type_info().name() {
                "INT8" => Value::Int(row.try_get(index)?),
                "BYTEA" => Value::Bytes(row.try_get(index)?),
                _ => Value::Text(row.try_get(index)?),
            }),
        }
    }
}
