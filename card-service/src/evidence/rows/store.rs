//! Rows of any exported table, as they are stored: one by its key, or all of them in order.

use futures_util::stream::{Stream, TryStreamExt as _};
use sqlx::{AssertSqlSafe, Row as _, TypeInfo as _, ValueRef as _};

use crate::db::DbError;
use crate::db::dialect::{Connection, Row};
use crate::evidence::tables::{Table, Value};

fn select(table: &Table) -> String {
    let columns: Vec<_> = table.columns.iter().chain(table.withheld).copied().collect();
    format!("SELECT {} FROM {}", columns.join(", "), table.name)
}

/// The row with this key as the export shows it, if there is one.
pub(crate) async fn one(
    connection: &mut Connection,
    table: &Table,
    key: &[Value],
) -> Result<Option<Vec<Value>>, DbError> {
    let names = table.columns[..table.key].iter().zip(1..).map(|(name, number)| format!("{name} = ${number}"));
    let sql = format!("{} WHERE {}", select(table), names.collect::<Vec<_>>().join(" AND "));
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for value in key {
        query = match value {
            Value::Int(number) => query.bind(*number),
            Value::Bytes(bytes) => query.bind(bytes.clone()),
            Value::Text(text) => query.bind(text.clone()),
            Value::Null => query.bind(None::<i64>),
        };
    }
    query.fetch_optional(connection).await?.map(|row| exported(table, &row)).transpose()
}

/// Every row as the export shows it, in the order of the keys, a few at a time in memory.
pub(crate) fn all<'c>(
    connection: &'c mut Connection,
    table: &'static Table,
) -> impl Stream<Item = Result<Vec<Value>, DbError>> + Unpin + 'c {
    let sql = format!("{} ORDER BY {}", select(table), table.columns[..table.key].join(", "));
    let rows = sqlx::query(AssertSqlSafe(sql)).fetch(connection);
    Box::pin(rows.map_err(DbError::from).and_then(async |row| exported(table, &row)))
}

fn exported(table: &Table, row: &Row) -> Result<Vec<Value>, DbError> {
    let stored = (0..table.columns.len() + table.withheld.len()).map(|column| stored_value(row, column));
    let mut values = stored.collect::<Result<Vec<_>, _>>()?;
    let withheld = values.split_off(table.columns.len());
    values.extend(table.seal(&withheld));
    Ok(values)
}

/// What lies in a column, not what it is declared to hold: somebody may have put something else in.
pub(crate) fn stored_value(row: &Row, column: usize) -> Result<Value, DbError> {
    let raw = row.try_get_raw(column)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    Ok(match raw.type_info().name() {
        "INTEGER" => Value::Int(row.try_get_unchecked(column)?),
        "BLOB" => Value::Bytes(row.try_get_unchecked(column)?),
        _ => Value::Text(row.try_get_unchecked(column)?),
    })
}
