//! Which tables and columns there are, read from the databases themselves.

use super::super::statement::{Statement, insert, query};
use super::super::value::{Kind, Rows};
use super::super::{Connection, DbError, Row, Value};

/// A table of ours.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: String,
    columns: Vec<(String, Kind)>,
}

/// The tables of a `SQLite` database. Left out are what `SQLite` keeps for itself, and which migrations there were: the
/// other engine has its own.
pub(super) async fn of(connection: &mut Connection) -> Result<Vec<Table>, DbError> {
    let columns = query(
        "SELECT m.name AS table_name, c.name AS column_name, c.type AS declared
         FROM sqlite_schema m CROSS JOIN pragma_table_info(m.name) c
         WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite!_%' ESCAPE '!' AND m.name <> '_sqlx_migrations'
         ORDER BY m.name, c.cid",
    );
    let mut tables: Vec<Table> = Vec::new();
    for row in columns.all(connection).await? {
        let (name, declared): (String, String) = (row.get("table_name")?, row.get("declared")?);
        let kind = match declared.as_str() {
            "BIGINT" => Kind::Ints,
            "BLOB" => Kind::Bytes,
            "TEXT" => Kind::Texts,
            _ => return Err(DbError::Unreadable("a column of an unknown type")),
        };
        let column = (row.get("column_name")?, kind);
        match tables.last_mut().filter(|table| table.name == name) {
            Some(table) => table.columns.push(column),
            None => tables.push(Table { name, columns: vec![column] }),
        }
    }
    Ok(tables)
}

/// Which table's rows point to rows of which other, in a `PostgreSQL` database.
pub(super) async fn references(connection: &mut Connection) -> Result<Vec<(String, String)>, DbError> {
    query(
        "SELECT c.relname::text AS from_table, p.relname::text AS to_table
         FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class p ON p.oid = k.confrelid
         WHERE k.contype = 'f' AND c.relnamespace = current_schema()::regnamespace AND c.oid <> p.oid",
    )
    .all(connection)
    .await?
    .iter()
    .map(|row| Ok((row.get("from_table")?, row.get("to_table")?)))
    .collect()
}

/// The tables, each behind those that it points to.
pub(super) fn in_order(tables: Vec<Table>, references: &[(String, String)]) -> Vec<Table> {
    let (mut ordered, mut waiting) = (Vec::with_capacity(tables.len()), tables);
    while !waiting.is_empty() {
        let names: Vec<_> = waiting.iter().map(|table| table.name.clone()).collect();
        let waits = |table: &Table| references.iter().any(|(from, to)| *from == table.name && names.contains(to));
        let (rest, ready): (Vec<_>, Vec<_>) = waiting.into_iter().partition(waits);
        // A ring has no order; the engine will refuse its first row.
        let (next, rest) = if ready.is_empty() { (rest, Vec::new()) } else { (ready, rest) };
        ordered.extend(next);
        waiting = rest;
    }
    ordered
}

impl Table {
    /// Every row.
    pub(super) fn select(&self) -> Statement {
        let columns: Vec<_> = self.columns.iter().map(|(name, _)| name.as_str()).collect();
        query(format!("SELECT {} FROM {}", columns.join(", "), self.name))
    }

    /// What a row of [`Table::select`] holds.
    pub(super) fn values(&self, row: &Row) -> Result<Vec<Value>, DbError> {
        (0..self.columns.len()).map(|column| row.stored(column)).collect()
    }

    /// Every row, in memory.
    pub(super) async fn all(&self, connection: &mut Connection) -> Result<Vec<Vec<Value>>, DbError> {
        self.select().all(connection).await?.iter().map(|row| self.values(row)).collect()
    }

    pub(super) async fn count(&self, connection: &mut Connection) -> Result<u64, DbError> {
        let count: i64 = query(format!("SELECT COUNT(*) FROM {}", self.name)).scalar_one(connection).await?;
        u64::try_from(count).map_err(|_| DbError::Unreadable("a number of rows below zero"))
    }

    pub(super) async fn insert(
        &self,
        connection: &mut Connection,
        rows: Vec<Vec<Value>>,
        conflict: &'static str,
    ) -> Result<(), DbError> {
        insert(connection, &self.name, Rows::of_table(&self.columns, rows)?, conflict).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(tables: &[&str], references: &[(&str, &str)]) -> Vec<String> {
        let table = |name: &&str| Table { name: (*name).to_owned(), columns: Vec::new() };
        let references: Vec<_> = references.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect();
        let ordered = in_order(tables.iter().map(table).collect(), &references);
        ordered.into_iter().map(|table| table.name).collect()
    }

    #[test]
    fn what_is_pointed_to_comes_first_and_a_ring_ends() {
        assert_eq!(order(&["a", "b", "c"], &[]), ["a", "b", "c"]);
        assert_eq!(order(&["a", "b", "c"], &[("a", "c"), ("c", "b")]), ["b", "c", "a"]);
        assert_eq!(order(&["a", "b", "c"], &[("a", "b"), ("b", "a")]), ["c", "a", "b"]);
        assert_eq!(order(&["a"], &[("a", "elsewhere")]), ["a"]);
    }
}
