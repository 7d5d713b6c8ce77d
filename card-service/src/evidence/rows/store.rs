//! Rows of any exported table, as they are stored: one by its key, or all of them in order.

use futures_util::stream::{BoxStream, StreamExt as _};

use crate::db::{Connection, DbError, Row, Statement, query};
use crate::evidence::tables::{Table, Value};

fn select(table: &Table) -> String {
    let columns: Vec<_> = table.columns.iter().chain(table.withheld).copied().collect();
    format!("SELECT {} FROM {}", columns.join(", "), table.source())
}

/// The row with this key as the export shows it, if there is one.
pub(crate) async fn one(
    connection: &mut Connection,
    table: &Table,
    key: &[Value],
) -> Result<Option<Vec<Value>>, DbError> {
    let row = stored(connection, table, key).await?;
    row.map(|row| exported(table, &row)).transpose()
}

/// The row with this key as it is stored.
pub(crate) async fn stored(connection: &mut Connection, table: &Table, key: &[Value]) -> Result<Option<Row>, DbError> {
    let names = table.columns[..table.key].iter().zip(1..).map(|(name, number)| format!("{name} = ${number}"));
    let sql = format!("{} WHERE {}", select(table), names.collect::<Vec<_>>().join(" AND "));
    key.iter().fold(query(sql), Statement::bind).optional(connection).await
}

/// Every row as the export shows it, in the order of the keys, a few at a time in memory.
///
/// # Errors
/// When the database fails; each row may fail too.
pub(crate) fn all<'c>(
    connection: &'c mut Connection,
    table: &'static Table,
) -> Result<BoxStream<'c, Result<Vec<Value>, DbError>>, DbError> {
    let sql = format!("{} ORDER BY {}", select(table), table.columns[..table.key].join(", "));
    let rows = query(sql).stream(connection)?;
    Ok(rows.map(|row| exported(table, &row?)).boxed())
}

fn exported(table: &Table, row: &Row) -> Result<Vec<Value>, DbError> {
    let stored = (0..table.columns.len() + table.withheld.len()).map(|column| row.stored(column).map(Value::from));
    let mut values = stored.collect::<Result<Vec<_>, _>>()?;
    let withheld = values.split_off(table.columns.len());
    values.extend(table.seal(&withheld));
    Ok(values)
}
