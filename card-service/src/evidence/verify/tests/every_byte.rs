//! Any byte of any exported row that a superuser changes in the database: the verifier names the row.

use std::collections::BTreeSet;

use super::super::super::tables::{self, TABLES, Table, Value};
use super::{Audited, DbError, name, query, store, verify};
use crate::db::Statement;

/// The value with each of its bytes changed in turn.
fn one_byte_changed(value: &Value) -> Vec<Value> {
    match value {
        Value::Int(number) => (0..8).map(|byte| Value::Int(number ^ (1 << (8 * byte)))).collect(),
        Value::Bytes(bytes) => (0..bytes.len())
            .map(|at| {
                let mut changed = bytes.clone();
                changed[at] ^= 1;
                Value::Bytes(changed)
            })
            .collect(),
        Value::Text(text) => (0..=text.len())
            .filter(|at| text.is_char_boundary(*at))
            .map(|at| Value::Text(format!("{}.{}", &text[..at], &text[at..])))
            .collect(),
        Value::Null => vec![Value::Int(1)],
    }
}

impl Audited {
    /// Every column of a row as it is stored, also what is withheld from the export.
    async fn stored(&mut self, table: &'static Table, row: &[Value]) -> Vec<Value> {
        let found = store::stored(&mut self.superuser, table, &row[..table.key]).await.unwrap().unwrap();
        let columns = 0..table.columns.len() + table.withheld.len();
        columns.map(|column| found.stored(column).unwrap().into()).collect()
    }

    /// Changes one column of one row. False where the database itself cannot hold the change.
    async fn set(&mut self, table: &'static Table, row: &[Value], column: &str, value: &Value) -> bool {
        let names = table.columns[..table.key].iter().zip(2..).map(|(name, number)| format!("{name} = ${number}"));
        let names: Vec<_> = names.collect();
        let sql = format!("UPDATE {} SET {column} = $1 WHERE {}", table.name, names.join(" AND "));
        let change = row[..table.key].iter().fold(query(sql).bind(value), Statement::bind);
        match change.execute(&mut self.superuser).await {
            Ok(changed) => changed == 1,
            Err(DbError::Sql(sqlx::Error::Database(error))) if error.is_unique_violation() => false,
            Err(error) => panic!("{error}"),
        }
    }
}

/// What nothing proves: the time at which a checkpoint was stored is not in its signed note.
fn is_proven(table: &Table, column: &str) -> bool {
    (table.name, column) != ("checkpoint", "at")
}

/// What lies in another table: where a leaf stands in the tree.
fn is_shown(table: &Table, column: &str) -> bool {
    (table.name, column) == ("leaf", "tree_index")
}

/// Changes every byte of every row of a table, one at a time. How many changes were tried.
async fn change_every_byte(audited: &mut Audited, table: &'static Table) -> usize {
    let (key, mut export, mut tried) = (audited.key(), audited.export().await, 0);
    let original = export.rows(table).clone();
    let mut kinds = BTreeSet::new();
    // Leaves of one kind have one shape: one of each is tried.
    let alike = |row: &&Vec<Value>| *table != tables::LEAVES || kinds.insert(format!("{:?}", row[2]));
    for row in original.iter().filter(alike) {
        let stored = audited.stored(table, row).await;
        for (column, before) in table.columns.iter().chain(table.withheld).zip(&stored) {
            for value in one_byte_changed(before) {
                if !is_proven(table, column)
                    || is_shown(table, column)
                    || !audited.set(table, row, column, &value).await
                {
                    continue;
                }
                tried += 1;
                let mut changed = row.clone();
                if let Some(position) = table.position(column) {
                    changed[position] = value;
                }
                *export.rows_mut(table) = audited.rows(table).await;
                let report = verify(&export, &key, &mut ()).unwrap();
                let name = name(table, &changed);
                let named = report.findings.iter().any(|finding| finding.row == name);
                assert!(!report.ok && named, "{column} of {name} was changed:\n{report}");
                assert!(audited.set(table, &changed, column, before).await);
            }
        }
    }
    assert_eq!(audited.rows(table).await, original, "every change was taken back");
    tried
}

const LOG: [&Table; 3] = [&tables::LEAVES, &tables::CHECKPOINT, &tables::TILE];
const LEDGER: [&Table; 2] = [&tables::ACCOUNT, &tables::TRANSFER];
const TAPS: [&Table; 3] = [&tables::TAP, &tables::LANE, &tables::LANE_EVENT];

async fn change(tables: impl IntoIterator<Item = &'static Table>) {
    let mut audited = Audited::new().await;
    for table in tables {
        let tried = change_every_byte(&mut audited, table).await;
        assert!(tried > 20, "only {tried} changes of {}", table.name);
    }
}

#[tokio::test]
async fn any_changed_byte_of_the_log_is_named() {
    change(LOG).await;
}

#[tokio::test]
async fn any_changed_byte_of_a_transfer_or_account_is_named() {
    change(LEDGER).await;
}

#[tokio::test]
async fn any_changed_byte_of_a_tap_is_named() {
    change(TAPS).await;
}

#[tokio::test]
async fn any_changed_byte_of_an_office_row_is_named() {
    let others = |table: &&Table| ![&LOG[..], &LEDGER, &TAPS].concat().contains(table);
    change(TABLES.into_iter().filter(others)).await;
}
