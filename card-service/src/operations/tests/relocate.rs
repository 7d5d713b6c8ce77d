//! A city that is moved from `SQLite` to `PostgreSQL`. What needs a server is tried where this run of the tests has one.

use std::future::pending;

use card_schema::card::Slot;
use card_schema::envelope::receipt::{Outcome, TapOutcome};
use card_schema::ids::Shard;
use card_schema::money::Fen;
use card_schema::operation::terminal::{AbandonReason, Abandoned};
use card_schema::operation::{Operation, purse, registration};

use super::super::{Moved, OperationError, Status, relocate, status};
use super::{StopAt, names};
use crate::cards::CardState;
use crate::consent::Text;
use crate::db::relocation::RelocationError;
use crate::db::{Db, DbError, Engine, Value, query};
use crate::evidence::audit::{self, Exported};
use crate::evidence::{Log, LogKey};
use crate::i18n::Locale;
use crate::ledger::{self, AccountKey, AccountKind, Owner, Phase, Reference, Transfer, TransferKind, Unit};
use crate::progress::Part;
use crate::testing::town::{START, Signed, TestTerminal, Town};
use crate::testing::{Lived, Nowhere, Scratch, rows};

const TOP_UP: Operation = Operation::PurseTopUp(purse::TopUp::cash(Fen(500)));
const ABANDONED: Operation = Operation::Abandoned(Abandoned { reason: AbandonReason::CardRemoved });

/// A terminal that would say what it says on its own in other shards if these were counted anew.
async fn terminal_beyond_the_first_shards(town: &Town) -> TestTerminal {
    let shards = Engine::Sqlite.shards();
    loop {
        let terminal = town.terminal().await;
        if terminal.id.as_bytes()[15] % Engine::Postgres.shards() >= shards {
            return terminal;
        }
    }
}

/// Money of somebody that is held.
async fn hold(db: &Db) {
    let account = |owner, kind| AccountKey { shard: Shard(3), owner: Owner([owner; 16]), kind, unit: Unit::CnyFen };
    let (float, purse) = (account(7, AccountKind::CashFloat), account(8, AccountKind::Purse));
    let transfer = |debit, credit, phase, cause| Transfer {
        debit,
        credit,
        amount: 5,
        kind: TransferKind::TopUp,
        reference: Some(Reference([cause; 32])),
        phase,
    };
    let chains = [
        vec![transfer(float, purse, Phase::Posted, 1)],
        vec![transfer(purse, float, Phase::Pending { timeout_micros: 50 }, 2)],
    ];
    let posted = db
        .write_concurrently::<_, DbError, _>(move |tx| Box::pin(async move { ledger::post(tx, START, &chains).await }));
    assert!(posted.await.unwrap().iter().all(Result::is_ok));
}

async fn log_of(town: &Town) -> Log {
    Log::open(town.scratch.db.clone(), town.keys.clone(), "log.test.invalid/town").await.unwrap()
}

/// Exports a database and verifies it. What was exported, and the tree.
async fn verified(db: &Db, key: &LogKey, folder: &std::path::Path) -> (Exported, u64) {
    let exported = audit::export(db, key, START, folder, &mut ()).await.unwrap();
    let report = audit::verify_folder(folder, key.vkey(), &mut ()).unwrap();
    assert!(report.ok, "{report}");
    (exported, report.tree_size)
}

/// Of a value that is missing `SQLite` does not say what it would have been.
fn alike(rows: Vec<Vec<Value>>) -> Vec<Vec<Value>> {
    let value = |value| match value {
        Value::Bytes(None) | Value::Text(None) => Value::Int(None),
        other => other,
    };
    rows.into_iter().map(|row| row.into_iter().map(value).collect()).collect()
}

fn counts(status: &Status) -> (i64, crate::operations::Counts) {
    (status.schema.found, status.counts.unwrap())
}

#[tokio::test]
async fn a_city_goes_on_where_it_was_moved_to() {
    let Some(to) = Nowhere::postgres().await else { return };
    let Lived { town, log, .. } = Lived::on(Scratch::sqlite().await).await;
    let (from, key) = (town.scratch.url.clone(), log.key().unwrap());
    let mut terminal = terminal_beyond_the_first_shards(&town).await;
    let card = town.card_in(CardState::Personalised).await;
    let text = Text::find(1, Locale::ZhCn).unwrap();
    town.ask_consent(&card, text).await;
    hold(&town.scratch.db).await;
    let agreed = Operation::RegistrationConsent(registration::Consent { text: text.hash() });
    let taps = [
        terminal.tap(&card, Slot::Tap, TOP_UP),
        terminal.tap(&card, Slot::Approve, agreed),
        terminal.tap(&card, Slot::Tap, TOP_UP),
        terminal.say(ABANDONED),
    ];
    let first = town.submit(&terminal, &taps[..3]).await;
    log.integrate(START).await.unwrap().unwrap();
    // It waits for its place in the tree, and is to get it in the new database.
    let said = town.submit(&terminal, &taps[3..]).await;
    let first: Vec<TapOutcome> = [first, said].concat();
    let outcomes: Vec<_> = first.iter().map(|tap| tap.outcome).collect();
    assert_eq!(outcomes, [Outcome::CardNotActive, Outcome::Accepted, Outcome::Accepted, Outcome::Accepted]);

    let old = rows(&town.scratch.db).await;
    let folder = tempfile::tempdir().unwrap();
    let (here, there, later) = (folder.path().join("here"), folder.path().join("there"), folder.path().join("later"));
    let exported = verified(&town.scratch.db, &key, &here).await;
    town.scratch.db.close().await;
    let before = status(&from).await.unwrap();
    let Moved { rows: moved, accounts, transfers, checkpoint } =
        relocate(&from, &to.url, &mut (), pending()).await.unwrap();
    let after = status(&to.url).await.unwrap();
    assert_eq!((before.engine, after.engine), (Engine::Sqlite, Engine::Postgres));
    assert_eq!(counts(&before), counts(&after));
    assert_eq!(counts(&before), counts(&status(&from).await.unwrap()), "the file is as it was");
    let found = before.counts.unwrap();
    assert_eq!(
        (i64::try_from(accounts).unwrap(), i64::try_from(transfers).unwrap()),
        (found.accounts, found.transfers)
    );
    assert!(found.waiting_leaves > 0);
    assert_eq!(checkpoint, Some(exported.1));

    let moved_town = town.moved_to(Scratch::at(to).await);
    let db = &moved_town.scratch.db;
    let mut new = rows(db).await;
    let mut total = 0;
    for (table, rows) in old {
        if table.starts_with("sqlite_") {
            continue;
        }
        assert!(!rows.is_empty(), "nothing happened to {table} in this town");
        total += rows.len() as u64;
        let mut found = new.remove(&table).unwrap();
        if table == "shard" {
            let others = found.split_off(rows.len());
            assert_eq!(others.len(), usize::from(Engine::Postgres.shards() - Engine::Sqlite.shards()));
            assert!(others.iter().all(|row| row[1..] == [Value::from(0), Value::from(0), Value::from(0)]));
        }
        assert_eq!(alike(rows), alike(found), "{table}");
    }
    assert_eq!((moved, new.into_keys().collect::<Vec<_>>()), (total, Vec::new()));

    let again = verified(db, &key, &there).await;
    assert_eq!((exported.0.tables, exported.1), (again.0.tables, again.1));
    for file in names(&here) {
        let same = std::fs::read(here.join(&file)).unwrap() == std::fs::read(there.join(&file)).unwrap();
        assert!(same, "{file}");
    }

    let number_of_taps = moved_town.number("SELECT COUNT(*) FROM tap").await;
    assert_eq!(moved_town.submit(&terminal, &taps).await, first, "what was decided stays decided");
    assert_eq!(moved_town.number("SELECT COUNT(*) FROM tap").await, number_of_taps);
    let newcomer = moved_town.card().await;
    let next: Vec<Signed> = [&card, &newcomer].into_iter().map(|card| terminal.tap(card, Slot::Tap, TOP_UP)).collect();
    let outcomes = moved_town.submit(&terminal, &next).await;
    assert!(outcomes.iter().all(|tap| tap.outcome == Outcome::Accepted), "{outcomes:?}");
    assert_eq!(outcomes[0].balance, Some(Fen(1_000)));
    log_of(&moved_town).await.integrate(START).await.unwrap().unwrap();
    assert!(verified(db, &key, &later).await.1 > exported.1);
}

#[tokio::test]
async fn only_sqlite_is_moved_and_only_to_postgres() {
    let there = "postgres://card@db.test.invalid/town";
    let refused = relocate(there, there, &mut (), pending()).await.unwrap_err();
    assert!(matches!(refused, OperationError::Relocation(RelocationError::NotSqlite(_))), "{refused:?}");
    let town = Scratch::sqlite().await;
    let refused = relocate(&town.url, &town.url, &mut (), pending()).await.unwrap_err();
    assert!(matches!(refused, OperationError::Relocation(RelocationError::NotPostgres)), "{refused:?}");
    assert!(refused.to_string().contains("--to postgres://"), "{refused}");
}

/// Tries to move what is in a file; it must be refused and leave nothing.
async fn refused(from: &str, to: &Nowhere) -> OperationError {
    let refused = relocate(from, &to.url, &mut (), pending()).await.unwrap_err();
    assert!(to.is_empty().await, "{refused}: something was left behind");
    refused
}

#[tokio::test]
async fn what_is_no_file_of_this_programs_schema_is_not_moved() {
    let Some(to) = Nowhere::postgres().await else { return };
    let from = Nowhere::sqlite();
    match refused(&from.url, &to).await {
        OperationError::Relocation(RelocationError::Db(DbError::Missing(_))) => assert!(from.is_empty().await),
        other => panic!("{other:?}"),
    }
    from.at_version(3).await;
    match refused(&from.url, &to).await {
        OperationError::Relocation(error @ RelocationError::OlderSchema { found: 3, .. }) => {
            assert!(error.to_string().contains("card-service db migrate"), "{error}");
        }
        other => panic!("{other:?}"),
    }
    Db::migrate(&from.url, &mut ()).await.unwrap();
    for (sql, newer) in [
        ("UPDATE _sqlx_migrations SET version = 9001 WHERE version = 3", true),
        ("UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 1", false),
    ] {
        let town = Scratch::at(Nowhere::sqlite()).await;
        query(sql).execute(&mut town.superuser().await).await.unwrap();
        town.db.close().await;
        match (refused(&town.url, &to).await, newer) {
            (OperationError::Relocation(RelocationError::Db(DbError::NewerSchema { found: 9001, .. })), true)
            | (OperationError::Relocation(RelocationError::Db(DbError::ForeignSchema(1))), false) => {}
            other => panic!("{other:?}"),
        }
    }
    relocate(&from.url, &to.url, &mut (), pending()).await.unwrap();
}

#[tokio::test]
async fn a_city_is_not_moved_over_another() {
    let Some(to) = Nowhere::postgres().await else { return };
    to.at_version(1).await;
    let from = Nowhere::sqlite();
    Db::create(&from.url).await.unwrap().close().await;
    let found = relocate(&from.url, &to.url, &mut (), pending()).await.unwrap_err();
    assert!(matches!(found, OperationError::Relocation(RelocationError::NotEmpty(_))), "{found:?}");
    assert_eq!(status(&to.url).await.unwrap().schema.found, 1, "what was there is as it was");
}

#[tokio::test]
async fn a_file_that_a_service_has_open_is_not_moved() {
    let Some(to) = Nowhere::postgres().await else { return };
    let town = Scratch::sqlite().await;
    let found = refused(&town.url, &to).await;
    assert!(matches!(found, OperationError::Relocation(RelocationError::InUse(_))), "{found:?}");
    assert!(found.to_string().contains("stop the service"), "{found}");
    town.db.close().await;
    relocate(&town.url, &to.url, &mut (), pending()).await.unwrap();
}

#[tokio::test]
async fn a_file_with_a_wrong_ledger_or_a_value_of_another_kind_leaves_nothing() {
    let Some(to) = Nowhere::postgres().await else { return };
    let Lived { town, .. } = Lived::on(Scratch::sqlite().await).await;
    let mut superuser = town.scratch.superuser().await;
    town.scratch.db.close().await;
    query("UPDATE account SET balance = balance + 1 WHERE balance > 0").execute(&mut superuser).await.unwrap();
    drop(superuser);
    match refused(&town.scratch.url, &to).await {
        OperationError::Unbalanced { origin: "SQLite database", count, .. } => assert!(count >= 2),
        other => panic!("{other:?}"),
    }
    query("UPDATE leaf SET body = 5").execute(&mut town.scratch.superuser().await).await.unwrap();
    match refused(&town.scratch.url, &to).await {
        OperationError::Relocation(RelocationError::Db(DbError::Unreadable(_))) => {}
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_move_that_is_stopped_leaves_nothing() {
    let Some(to) = Nowhere::postgres().await else { return };
    let Lived { town, .. } = Lived::on(Scratch::sqlite().await).await;
    town.scratch.db.close().await;
    for part in [Part::Migrate, Part::Move, Part::Compare, Part::Read] {
        let stop = std::sync::Arc::new(tokio::sync::Notify::new());
        let mut watch = StopAt(part, std::sync::Arc::clone(&stop));
        let stopped = relocate(&town.scratch.url, &to.url, &mut watch, stop.notified()).await;
        assert!(matches!(stopped, Err(OperationError::Stopped)), "{part:?}: {stopped:?}");
        assert!(to.is_empty().await, "{part:?}");
    }
    relocate(&town.scratch.url, &to.url, &mut (), pending()).await.unwrap();
}
