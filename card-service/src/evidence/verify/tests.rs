//! Whatever a superuser changes in the database, the verifier names the row.

use card_schema::card::Slot;
use card_schema::ids::TapId;
use card_schema::money::Fen;
use card_schema::operation::{Operation, gate, purse};
use sqlx::{Connection as _, SqliteConnection};

use super::super::export::{Export, Manifest, TABLES, Value};
use super::super::{Log, LogKey, audit};
use super::{Report, verify};
use crate::testing::town::{START, TestCard, TestTerminal, Town};

struct Audited {
    town: Town,
    log: Log,
    terminal: TestTerminal,
    card: TestCard,
    superuser: SqliteConnection,
}

fn manifest() -> Manifest {
    Manifest { format: 1, log_key: String::new(), exported_at: START.0 }
}

impl Audited {
    /// A top-up, a payment, a gate, each with a checkpoint of its own.
    async fn new() -> Self {
        let town = Town::new().await;
        let log = Log::open(town.scratch.db.clone(), town.keys.clone(), "log.test.invalid/town").await.unwrap();
        let (mut terminal, card) = (town.terminal().await, town.card().await);
        for operation in [
            Operation::PurseTopUp(purse::TopUp { amount: Fen(5_000) }),
            Operation::PursePayment(purse::Payment { amount: Fen(1_250) }),
            Operation::GateCheck(gate::Check),
        ] {
            let tap = terminal.tap(&card, Slot::Tap, operation);
            town.submit(&terminal, &[tap]).await;
            log.integrate(START).await.unwrap().unwrap();
        }
        let mut superuser = SqliteConnection::connect(&town.scratch.url).await.unwrap();
        for pragma in ["PRAGMA foreign_keys = OFF", "PRAGMA ignore_check_constraints = ON", "PRAGMA synchronous = OFF"]
        {
            sqlx::query(pragma).execute(&mut superuser).await.unwrap();
        }
        Self { town, log, terminal, card, superuser }
    }

    async fn export(&mut self) -> Export {
        Export::read(&mut self.superuser, manifest()).await.unwrap()
    }

    async fn report(&mut self) -> Report {
        let key = self.log.key().unwrap();
        verify(&self.export().await, &key)
    }

    async fn sql(&mut self, sql: &'static str) {
        sqlx::query(sql).execute(&mut self.superuser).await.unwrap();
    }

    /// Changes one column of one row. False where the database itself cannot hold the change.
    async fn set(&mut self, table: usize, row: &[Value], column: usize, value: &Value) -> bool {
        let table = &TABLES[table];
        let key: Vec<_> = table.columns[..table.key].iter().map(|name| format!("{name} = ?")).collect();
        let sql = format!("UPDATE {} SET {} = ? WHERE {}", table.name, table.columns[column], key.join(" AND "));
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for value in std::iter::once(value).chain(&row[..table.key]) {
            query = match value {
                Value::Int(number) => query.bind(*number),
                Value::Bytes(bytes) => query.bind(bytes.clone()),
                Value::Text(text) => query.bind(text.clone()),
                Value::Null => query.bind(None::<i64>),
            };
        }
        match query.execute(&mut self.superuser).await {
            Ok(done) => done.rows_affected() == 1,
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => false,
            Err(error) => panic!("{error}"),
        }
    }
}

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
        Value::Text(text) => vec![Value::Text(format!("{text}."))],
        Value::Null => vec![Value::Int(1)],
    }
}

fn name(table: usize, row: &[Value]) -> String {
    super::Row { table: &TABLES[table], values: row }.name()
}

#[tokio::test]
async fn an_untouched_export_verifies_also_after_a_way_over_the_disk() {
    let mut audited = Audited::new().await;
    let report = audited.report().await;
    assert!(report.ok, "{report}");
    assert_eq!((report.taps, report.transfers, report.accounts, report.checkpoints), (3, 2, 3, 3));
    assert_eq!((report.pending_leaves, report.recorded_lane_faults), (0, 0));
    let folder = tempfile::tempdir().unwrap();
    let export = audited.export().await;
    export.write(folder.path()).unwrap();
    let read = Export::load(folder.path()).unwrap();
    assert_eq!(read.rows, export.rows);
    assert!(export.write(folder.path()).is_err(), "an export never writes over another");
}

#[tokio::test]
async fn any_changed_byte_of_a_transfer_account_leaf_or_tap_is_named() {
    let mut audited = Audited::new().await;
    let key = audited.log.key().unwrap();
    let original = audited.export().await;
    let mut tried = 0;
    for (table, rows) in original.rows.iter().enumerate() {
        if !["transfer", "account", "leaf", "tap"].contains(&TABLES[table].name) {
            continue;
        }
        for row in rows {
            for column in 0..row.len() {
                for value in one_byte_changed(&row[column]) {
                    if !audited.set(table, row, column, &value).await {
                        continue;
                    }
                    tried += 1;
                    let mut changed = row.clone();
                    changed[column] = value;
                    let report = verify(&audited.export().await, &key);
                    let (name, at) = (name(table, &changed), TABLES[table].columns[column]);
                    let named = report.findings.iter().any(|finding| finding.row == name);
                    assert!(!report.ok && named, "{at} of {name} was changed:\n{report}");
                    assert!(audited.set(table, &changed, column, &row[column]).await);
                }
            }
        }
    }
    assert!(tried > 2_000, "{tried}");
    assert_eq!(audited.export().await.rows, original.rows, "every change was taken back");
}

#[tokio::test]
async fn values_put_to_null_and_rows_taken_out_are_noticed() {
    let mut audited = Audited::new().await;
    let key = audited.log.key().unwrap();
    let original = audited.export().await;
    for (table, rows) in original.rows.iter().enumerate() {
        for at in 0..rows.len() {
            let mut export = original.clone();
            export.rows[table].remove(at);
            let report = verify(&export, &key);
            // An older checkpoint may be forgotten; the newest may not.
            let forgettable = TABLES[table].name == "checkpoint" && at + 1 < rows.len() || TABLES[table].name == "lane";
            assert_eq!(report.ok, forgettable, "without {}:\n{report}", name(table, &rows[at]));
            for column in 0..rows[at].len() {
                let mut export = original.clone();
                export.rows[table][at][column] = Value::Null;
                let same = rows[at][column] == Value::Null;
                let unsigned = TABLES[table].name == "checkpoint" && TABLES[table].columns[column] == "at";
                // Office rows are not in the export: the salt of their leaves may be erased with the person.
                let of_a_tap = rows[at].get(2) == Some(&Value::Int(10));
                let salt_of_others = TABLES[table].columns[column] == "salt" && !of_a_tap;
                let report = verify(&export, &key);
                assert!(!report.ok || same || unsigned || salt_of_others, "{column} of {}", name(table, &rows[at]));
            }
        }
    }
}

#[tokio::test]
async fn a_superuser_who_keeps_the_books_balanced_is_still_noticed() {
    for (case, changes, named) in [
        (
            "an amount and both balances",
            [
                "UPDATE transfer SET amount = amount - 1000 WHERE kind = 1",
                "UPDATE account SET balance = balance + 1000 WHERE kind = 1",
                "UPDATE account SET balance = balance - 1000 WHERE kind = 2",
            ],
            "transfer ",
        ),
        (
            "a transfer taken out",
            [
                "DELETE FROM transfer WHERE kind = 1",
                "UPDATE account SET balance = 5000 WHERE kind = 1",
                "UPDATE account SET balance = 0 WHERE kind = 2",
            ],
            "leaf ",
        ),
        (
            "a tap that was refused after all",
            [
                "UPDATE tap SET outcome = 9 WHERE operation = 257",
                "DELETE FROM transfer WHERE kind = 1",
                "UPDATE account SET balance = CASE kind WHEN 1 THEN 5000 WHEN 2 THEN 0 ELSE balance END",
            ],
            "tap ",
        ),
    ] {
        let mut audited = Audited::new().await;
        for sql in changes {
            audited.sql(sql).await;
        }
        let report = audited.report().await;
        assert!(report.findings.iter().any(|finding| finding.row.starts_with(named)), "{case}:\n{report}");
    }
}

#[tokio::test]
async fn a_gap_that_was_recorded_is_counted_and_one_that_was_hidden_is_named() {
    let mut audited = Audited::new().await;
    let gate = || Operation::GateCheck(gate::Check);
    let _lost = audited.terminal.tap(&audited.card, Slot::Tap, gate());
    let after = audited.terminal.tap(&audited.card, Slot::Tap, gate());
    audited.town.submit(&audited.terminal, &[after]).await;
    audited.log.integrate(START).await.unwrap();
    let report = audited.report().await;
    assert!(report.ok && report.recorded_lane_faults == 1, "{report}");
    audited.sql("DELETE FROM lane_event").await;
    let report = audited.report().await;
    assert!(report.findings.iter().any(|finding| finding.row.starts_with("tap ")), "{report}");
}

#[tokio::test]
async fn leaves_that_wait_are_counted_and_another_logs_key_proves_nothing() {
    let mut audited = Audited::new().await;
    let tap = audited.terminal.tap(&audited.card, Slot::Tap, Operation::GateCheck(gate::Check));
    audited.town.submit(&audited.terminal, &[tap]).await;
    let report = audited.report().await;
    assert!(report.ok && report.pending_leaves == 1 && report.taps == 4, "{report}");

    let stranger = Town::new().await;
    let key = LogKey::of(&*stranger.keys, "log.test.invalid/town").unwrap();
    assert!(!verify(&audited.export().await, &key).ok);
}

#[tokio::test]
async fn an_auditor_takes_an_export_away_and_proves_one_tap() {
    let mut audited = Audited::new().await;
    let (db, key) = (audited.town.scratch.db.clone(), audited.log.key().unwrap());
    let folder = tempfile::tempdir().unwrap();
    audit::export(&db, &key, START, folder.path()).await.unwrap();
    let report = audit::verify_folder(folder.path(), key.vkey()).unwrap();
    assert!(report.ok && report.to_string().contains("nothing was altered"), "{report}");
    let leaves = folder.path().join("leaf.jsonl");
    std::fs::write(&leaves, "[1,2]").unwrap();
    let refused = audit::verify_folder(folder.path(), key.vkey()).unwrap_err();
    assert!(refused.to_string().ends_with("leaf.jsonl:1 is not a row of this export"), "{refused}");

    let tap = audited.terminal.previous;
    let proof = audit::prove(&db, tap).await.unwrap();
    assert_eq!(key.open(&proof.checkpoint).unwrap().0, proof.size);
    let stranger = TapId([1; 32]);
    assert!(matches!(audit::prove(&db, stranger).await, Err(audit::AuditError::NoSuchTap(_))));
    let next = audited.terminal.tap(&audited.card, Slot::Tap, Operation::GateCheck(gate::Check));
    audited.town.submit(&audited.terminal, std::slice::from_ref(&next)).await;
    assert!(matches!(audit::prove(&db, next.id).await, Err(audit::AuditError::NotSignedYet(_))));
    audited.sql("UPDATE tile SET hashes = zeroblob(length(hashes))").await;
    assert!(matches!(audit::prove(&db, tap).await, Err(audit::AuditError::Altered(_))));
}
