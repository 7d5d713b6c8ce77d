//! One SQL text for both engines: values are `$1`, `$2`, …; a set of rows is `{name}`.
//!
//! A set becomes a table expression of that name: `VALUES` on `SQLite`, which runs the statement for a part of the set at a
//! time, `UNNEST` of arrays on `PostgreSQL`. Join it with `CROSS JOIN … WHERE`: both understand that, and it makes `SQLite`
//! go through the set and look each row up, never the other way round. Rows that a transaction reads in order to write
//! them are locked by `{for update of t}`, which `SQLite` does not need: it has one writer. Many rows are written by
//! [`insert`].
//! A transaction in which a statement has failed is undone by whoever began it: PostgreSQL insists on it. So statements that
//! write many rows are told to `FAIL`, where `SQLite` would otherwise keep a copy of every page to undo the statement alone
//! (<https://www.sqlite.org/lang_conflict.html>).
//! Here alone is known how the engines differ in what a statement looks like.

use std::borrow::Cow;
use std::fmt::Write as _;

use futures_util::stream::{BoxStream, StreamExt as _};
use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments as _, AssertSqlSafe};

use super::connection::{Connection, FromColumn, Row};
use super::value::{Column, Rows, Value};
use super::{DbError, copy};

/// A statement with what is bound to it.
#[derive(Clone, Debug)]
#[must_use = "a statement does nothing until it is sent"]
pub struct Statement {
    text: Cow<'static, str>,
    values: Vec<Value>,
    set: Option<(&'static str, Rows)>,
}

/// Begins a statement.
pub fn query(text: impl Into<Cow<'static, str>>) -> Statement {
    Statement { text: text.into(), values: Vec::new(), set: None }
}

impl Statement {
    /// Binds the next `$n`.
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Puts rows in every place of `{name}`; a statement has one set at most.
    pub fn set(mut self, name: &'static str, rows: Rows) -> Self {
        assert!(self.set.is_none(), "two sets in one statement");
        self.set = Some((name, rows));
        self
    }

    /// Runs it. How many rows it changed.
    pub async fn execute(self, connection: &mut Connection) -> Result<u64, DbError> {
        match connection {
            Connection::Sqlite(connection) => {
                let mut changed = 0;
                for part in self.parts() {
                    let (text, arguments) = part.for_sqlite()?;
                    let done = sqlx::query_with(AssertSqlSafe(text), arguments).execute(&mut **connection).await?;
                    changed += done.rows_affected();
                }
                Ok(changed)
            }
            Connection::Postgres(connection) => {
                let (text, arguments) = self.for_postgres()?;
                let done = sqlx::query_with(AssertSqlSafe(text), arguments).execute(&mut **connection).await?;
                Ok(done.rows_affected())
            }
        }
    }

    /// Every row of the result.
    pub async fn all(self, connection: &mut Connection) -> Result<Vec<Row>, DbError> {
        match connection {
            Connection::Sqlite(connection) => {
                let mut rows = Vec::new();
                for part in self.parts() {
                    let (text, arguments) = part.for_sqlite()?;
                    let part = sqlx::query_with(AssertSqlSafe(text), arguments).fetch_all(&mut **connection).await?;
                    rows.extend(part.into_iter().map(Row::Sqlite));
                }
                Ok(rows)
            }
            Connection::Postgres(connection) => {
                let (text, arguments) = self.for_postgres()?;
                let rows = sqlx::query_with(AssertSqlSafe(text), arguments).fetch_all(&mut **connection).await?;
                Ok(rows.into_iter().map(Row::Postgres).collect())
            }
        }
    }

    /// How `SQLite` would go about it, a step a line.
    #[cfg(test)]
    pub(crate) async fn plan(mut self, connection: &mut Connection) -> Result<Vec<String>, DbError> {
        self.text = format!("EXPLAIN QUERY PLAN {}", self.text).into();
        self.all(connection).await?.iter().map(|row| row.get("detail")).collect()
    }

    /// The first row, if there is one. Of statements without sets.
    pub async fn optional(self, connection: &mut Connection) -> Result<Option<Row>, DbError> {
        assert!(self.set.is_none(), "a statement with a set has many rows");
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

    /// For `SQLite`: the same statement for parts of the set, so that few texts of few lengths do for sets of any size.
    fn parts(self) -> Vec<Self> {
        let Self { text, values, set } = self;
        let part = |set| Self { text: text.clone(), values: values.clone(), set };
        match set {
            None => vec![part(None)],
            Some((name, rows)) => rows.parts().into_iter().map(|rows| part(Some((name, rows)))).collect(),
        }
    }

    fn for_sqlite(self) -> Result<(String, SqliteArguments), DbError> {
        #[cfg(test)]
        super::recorder::record(&self.text, self.set.iter().map(|(_, rows)| rows), Some(&self));
        let mut arguments = SqliteArguments::default();
        let mut text = locking(self.text, |_| String::new());
        if let Some(rest) = text.strip_prefix("UPDATE ") {
            text = format!("UPDATE OR FAIL {rest}");
        }
        if let Some((name, rows)) = self.set {
            let place = format!("{{{name}}}");
            let columns: Vec<String> =
                rows.columns().iter().zip(1..).map(|((column, _), at)| format!("column{at} AS {column}")).collect();
            let values = placeholders(rows.columns().len(), rows.len());
            for _ in 1..text.matches(&place).count() {
                rows.clone().bind(&mut arguments)?;
            }
            rows.bind(&mut arguments)?;
            let table = format!("(SELECT {} FROM (VALUES {values})) AS {name}", columns.join(", "));
            text = renumbered(&text, arguments.len()).replace(&place, &table);
        }
        for value in self.values {
            value.bind(&mut arguments)?;
        }
        Ok((text, arguments))
    }

    fn for_postgres(self) -> Result<(String, PgArguments), DbError> {
        #[cfg(test)]
        super::recorder::record(&self.text, self.set.iter().map(|(_, rows)| rows), Some(&self));
        let mut arguments = PgArguments::default();
        for value in self.values {
            value.bind(&mut arguments)?;
        }
        let mut text = locking(self.text, |table| format!("FOR UPDATE OF {table}"));
        if let Some((name, rows)) = self.set {
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

/// `(?, ?), (?, ?)`: places for rows. Without names: `SQLite` looks for each name among all others.
fn placeholders(columns: usize, rows: usize) -> String {
    let row = format!("({})", vec!["?"; columns].join(", "));
    vec![row.as_str(); rows].join(", ")
}

/// `$1` becomes `$4` behind three values without names.
fn renumbered(text: &str, before: usize) -> String {
    let mut parts = text.split('$');
    let mut renumbered = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, rest) = part.split_at(digits);
        let number = number.parse::<usize>().expect("a dollar sign is followed by a number") + before;
        // Writing to memory does not fail.
        let _ = write!(renumbered, "${number}{rest}");
    }
    renumbered
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
            Column::OptionalTexts(values) => arguments.add(values).map(|()| "text[]"),
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
    table: &str,
    rows: Rows,
    conflict: &'static str,
) -> Result<(), DbError> {
    if rows.is_empty() {
        return Ok(());
    }
    #[cfg(test)]
    super::recorder::record(&format!("INSERT INTO {table}"), [&rows].into_iter(), None);
    let names = rows.names();
    match connection {
        Connection::Sqlite(connection) => {
            for part in rows.parts() {
                let values = placeholders(part.columns().len(), part.len());
                let text = format!("INSERT OR FAIL INTO {table} ({names}) VALUES {values} {conflict}");
                let mut arguments = SqliteArguments::default();
                part.bind(&mut arguments)?;
                sqlx::query_with(AssertSqlSafe(text), arguments).execute(&mut **connection).await?;
            }
        }
        Connection::Postgres(connection) if conflict.is_empty() && rows.len() >= copy::FEWEST_ROWS => {
            copy::copy_in(connection, table, rows).await?;
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
