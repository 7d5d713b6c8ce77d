//! One SQL text for both engines: values are `$1`, `$2`, …; a set of rows is `{name}`.
//!
//! A set becomes a table expression of that name: `json_each` of one JSON text on `SQLite`, `UNNEST` of arrays on
//! `PostgreSQL`. Rows that a transaction reads in order to write them are locked by `{for update of t}`, which `SQLite`
//! does not need: it has one writer. Join it with `CROSS JOIN … WHERE`: both understand that, and it makes `SQLite` go through the set and
//! look each row up, never the other way round. Many rows are written by [`insert`].
//! Here alone is known how the engines differ in what a statement looks like.

use std::borrow::Cow;

use futures_util::stream::{BoxStream, StreamExt as _};
use serde_json::Value as Json;
use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments as _, AssertSqlSafe};

use super::connection::{Connection, FromColumn, Row};
use super::value::{Column, Rows, Value};
use super::{DbError, sets};

/// Rows that one statement writes on `SQLite`: more gain nothing measurable, fewer pay sqlx's 45 µs a statement.
const SQLITE_ROWS: usize = 100;

/// A statement with what is bound to it.
#[derive(Clone, Debug)]
#[must_use = "a statement does nothing until it is sent"]
pub struct Statement {
    text: Cow<'static, str>,
    values: Vec<Value>,
    sets: Vec<(&'static str, Rows)>,
}

/// Begins a statement.
pub fn query(text: impl Into<Cow<'static, str>>) -> Statement {
    Statement { text: text.into(), values: Vec::new(), sets: Vec::new() }
}

impl Statement {
    /// Binds the next `$n`.
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Puts rows in the place of `{name}`.
    pub fn set(mut self, name: &'static str, rows: Rows) -> Self {
        self.sets.push((name, rows));
        self
    }

    /// Runs it. How many rows it changed.
    pub async fn execute(self, connection: &mut Connection) -> Result<u64, DbError> {
        Ok(match connection {
            Connection::Sqlite(connection) => {
                let (text, arguments) = self.for_sqlite()?;
                sqlx::query_with(AssertSqlSafe(text), arguments).execute(&mut **connection).await?.rows_affected()
            }
            Connection::Postgres(connection) => {
                let (text, arguments) = self.for_postgres()?;
                sqlx::query_with(AssertSqlSafe(text), arguments).execute(&mut **connection).await?.rows_affected()
            }
        })
    }

    /// Every row of the result.
    pub async fn all(self, connection: &mut Connection) -> Result<Vec<Row>, DbError> {
        Ok(match connection {
            Connection::Sqlite(connection) => {
                let (text, arguments) = self.for_sqlite()?;
                let rows = sqlx::query_with(AssertSqlSafe(text), arguments).fetch_all(&mut **connection).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Connection::Postgres(connection) => {
                let (text, arguments) = self.for_postgres()?;
                let rows = sqlx::query_with(AssertSqlSafe(text), arguments).fetch_all(&mut **connection).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// The first row, if there is one.
    pub async fn optional(self, connection: &mut Connection) -> Result<Option<Row>, DbError> {
        Ok(match connection {
            Connection::Sqlite(connection) => {
                let (text, arguments) = self.for_sqlite()?;
                let row = sqlx::query_with(AssertSqlSafe(text), arguments).fetch_optional(&mut **connection).await?;
                row.map(Row::Sqlite)
            }
            Connection::Postgres(connection) => {
                let (text, arguments) = self.for_postgres()?;
                let row = sqlx::query_with(AssertSqlSafe(text), arguments).fetch_optional(&mut **connection).await?;
                row.map(Row::Postgres)
            }
        })
    }

    /// The first row.
    ///
    /// # Errors
    /// When there is none.
    pub async fn one(self, connection: &mut Connection) -> Result<Row, DbError> {
        self.optional(connection).await?.ok_or_else(|| sqlx::Error::RowNotFound.into())
    }

    /// The first column of the first row.
    ///
    /// # Errors
    /// When there is no row.
    pub async fn scalar_one<T>(self, connection: &mut Connection) -> Result<T, DbError>
    where
        T: for<'r> FromColumn<'r>,
    {
        self.one(connection).await?.at(0)
    }

    /// The first column of the first row, if there is one.
    pub async fn scalar<T>(self, connection: &mut Connection) -> Result<Option<T>, DbError>
    where
        T: for<'r> FromColumn<'r>,
    {
        self.optional(connection).await?.map(|row| row.at(0)).transpose()
    }

    /// The first column of every row.
    pub async fn scalars<T>(self, connection: &mut Connection) -> Result<Vec<T>, DbError>
    where
        T: for<'r> FromColumn<'r>,
    {
        self.all(connection).await?.iter().map(|row| row.at(0)).collect()
    }

    /// Every row of the result, as they come.
    ///
    /// # Errors
    /// When a value cannot be sent; each row may fail too.
    pub fn stream(self, connection: &mut Connection) -> Result<BoxStream<'_, Result<Row, DbError>>, DbError> {
        Ok(match connection {
            Connection::Sqlite(connection) => {
                let (text, arguments) = self.for_sqlite()?;
                let rows = sqlx::query_with(AssertSqlSafe(text), arguments).fetch(&mut **connection);
                rows.map(|row| Ok(Row::Sqlite(row?))).boxed()
            }
            Connection::Postgres(connection) => {
                let (text, arguments) = self.for_postgres()?;
                let rows = sqlx::query_with(AssertSqlSafe(text), arguments).fetch(&mut **connection);
                rows.map(|row| Ok(Row::Postgres(row?))).boxed()
            }
        })
    }

    fn for_sqlite(self) -> Result<(String, SqliteArguments), DbError> {
        #[cfg(test)]
        super::recorder::record(&self.text, self.sets.iter().map(|(_, rows)| rows));
        let mut arguments = SqliteArguments::default();
        for value in self.values {
            match value {
                Value::Int(number) => arguments.add(number),
                Value::Bytes(bytes) => arguments.add(bytes),
                Value::Text(text) => arguments.add(text),
            }
            .map_err(sqlx::Error::Encode)?;
        }
        let mut text = locking(self.text, |_| String::new());
        for (name, rows) in self.sets {
            arguments.add(json(&rows)).map_err(sqlx::Error::Encode)?;
            let columns: Vec<String> = rows
                .columns()
                .iter()
                .enumerate()
                .map(|(at, (column, values))| match values {
                    Column::Bytes(_) | Column::OptionalBytes(_) => format!("unhex(value ->> {at}) AS {column}"),
                    _ => format!("value ->> {at} AS {column}"),
                })
                .collect();
            let table = format!("(SELECT {} FROM json_each(${})) AS {name}", columns.join(", "), arguments.len());
            text = text.replace(&format!("{{{name}}}"), &table);
        }
        Ok((text, arguments))
    }

    fn for_postgres(self) -> Result<(String, PgArguments), DbError> {
        #[cfg(test)]
        super::recorder::record(&self.text, self.sets.iter().map(|(_, rows)| rows));
        let mut arguments = PgArguments::default();
        for value in self.values {
            match value {
                Value::Int(number) => arguments.add(number),
                Value::Bytes(bytes) => arguments.add(bytes),
                Value::Text(text) => arguments.add(text),
            }
            .map_err(sqlx::Error::Encode)?;
        }
        let mut text = locking(self.text, |table| format!("FOR UPDATE OF {table}"));
        for (name, rows) in self.sets {
            let names = rows.names();
            let table = format!("{} AS {name} ({names})", unnest(rows, &mut arguments)?);
            text = text.replace(&format!("{{{name}}}"), &table);
        }
        Ok((text, arguments))
    }
}

/// Puts what locks rows of a table in the place of `{for update of table}`, at the end of a statement.
fn locking(text: Cow<'static, str>, clause: impl FnOnce(&str) -> String) -> String {
    match text.split_once("{for update of ") {
        Some((before, table)) => {
            let table = table.trim_end().strip_suffix('}').expect("the clause is the last of its statement");
            format!("{before}{}", clause(table))
        }
        None => text.into_owned(),
    }
}

/// An array of arrays, a row each; bytes as hexadecimal text.
fn json(rows: &Rows) -> String {
    let value = |column: &Column, at: usize| match column {
        Column::Ints(values) => values[at].into(),
        Column::OptionalInts(values) => values[at].into(),
        Column::Bytes(values) => sets::hex(&values[at]).into(),
        Column::OptionalBytes(values) => values[at].as_deref().map(sets::hex).into(),
        Column::Texts(values) => values[at].as_str().into(),
    };
    let row = |at| Json::Array(rows.columns().iter().map(|(_, column)| value(column, at)).collect());
    Json::Array((0..rows.len()).map(row).collect()).to_string()
}

fn unnest(rows: Rows, arguments: &mut PgArguments) -> Result<String, DbError> {
    let mut arrays = Vec::new();
    for (_, column) in rows.into_columns() {
        let kind = match column {
            Column::Ints(values) => arguments.add(values).map(|()| "bigint[]"),
            Column::OptionalInts(values) => arguments.add(values).map(|()| "bigint[]"),
            Column::Bytes(values) => arguments.add(values).map(|()| "bytea[]"),
            Column::OptionalBytes(values) => arguments.add(values).map(|()| "bytea[]"),
            Column::Texts(values) => arguments.add(values).map(|()| "text[]"),
        }
        .map_err(sqlx::Error::Encode)?;
        arrays.push(format!("${}::{kind}", arguments.len()));
    }
    Ok(format!("UNNEST({})", arrays.join(", ")))
}

/// Writes many rows: as few statements as the engine likes best.
///
/// `conflict` is empty, or an `ON CONFLICT …` clause.
///
/// # Errors
/// Those of the engine; what was written before in the transaction is undone with it.
pub async fn insert(
    connection: &mut Connection,
    table: &'static str,
    rows: Rows,
    conflict: &'static str,
) -> Result<(), DbError> {
    if rows.is_empty() {
        return Ok(());
    }
    #[cfg(test)]
    super::recorder::record(&format!("INSERT INTO {table}"), [&rows].into_iter());
    let names = rows.names();
    match connection {
        Connection::Sqlite(connection) => {
            let columns = rows.into_columns();
            let count = columns.first().map_or(0, |(_, column)| column.len());
            let mut columns: Vec<_> = columns.into_iter().map(|(_, column)| Cursor::of(column)).collect();
            let mut done = 0;
            while done < count {
                let rows = SQLITE_ROWS.min(count - done);
                let mut arguments = SqliteArguments::default();
                arguments.reserve(rows * columns.len(), 0);
                for _ in 0..rows {
                    for column in &mut columns {
                        column.bind_next(&mut arguments)?;
                    }
                }
                let row = format!("({})", vec!["?"; columns.len()].join(", "));
                let text =
                    format!("INSERT INTO {table} ({names}) VALUES {} {conflict}", vec![row.as_str(); rows].join(", "));
                sqlx::query_with(AssertSqlSafe(text), arguments).execute(&mut **connection).await?;
                done += rows;
            }
        }
        Connection::Postgres(connection) => {
            let mut arguments = PgArguments::default();
            let source = unnest(rows, &mut arguments)?;
            let text = format!("INSERT INTO {table} ({names}) SELECT * FROM {source} {conflict}");
            sqlx::query_with(AssertSqlSafe(text), arguments).execute(&mut **connection).await?;
        }
    }
    Ok(())
}

/// Takes a column's values out one by one.
enum Cursor {
    Ints(std::vec::IntoIter<i64>),
    OptionalInts(std::vec::IntoIter<Option<i64>>),
    Bytes(std::vec::IntoIter<Vec<u8>>),
    OptionalBytes(std::vec::IntoIter<Option<Vec<u8>>>),
    Texts(std::vec::IntoIter<String>),
}

impl Cursor {
    fn of(column: Column) -> Self {
        match column {
            Column::Ints(values) => Self::Ints(values.into_iter()),
            Column::OptionalInts(values) => Self::OptionalInts(values.into_iter()),
            Column::Bytes(values) => Self::Bytes(values.into_iter()),
            Column::OptionalBytes(values) => Self::OptionalBytes(values.into_iter()),
            Column::Texts(values) => Self::Texts(values.into_iter()),
        }
    }

    fn bind_next(&mut self, arguments: &mut SqliteArguments) -> Result<(), DbError> {
        match self {
            Self::Ints(values) => arguments.add(values.next()),
            Self::OptionalInts(values) => arguments.add(values.next().flatten()),
            Self::Bytes(values) => arguments.add(values.next()),
            Self::OptionalBytes(values) => arguments.add(values.next().flatten()),
            Self::Texts(values) => arguments.add(values.next()),
        }
        .map_err(|error| sqlx::Error::Encode(error).into())
    }
}
