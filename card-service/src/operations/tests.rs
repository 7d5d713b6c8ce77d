//! What operators do, tried on real databases in which taps were posted.

mod relocate;

use std::cell::Cell;
use std::fs;
use std::future::pending;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use card_schema::card::Slot;
use card_schema::money::Fen;
use card_schema::operation::{Operation, purse};
use tokio::sync::Notify;

use super::{Counts, OperationError, back_up, restore, status};
use crate::db::backup::{BackupError, write_unchecked};
use crate::db::{Db, DbError, Engine, query};
use crate::evidence::Log;
use crate::progress::{Part, Progress};
use crate::testing::town::{START, TestCard, TestTerminal, Town};
use crate::testing::{Nowhere, Scratch, rows};

/// A town with a card, a terminal and a folder for backups.
struct Scene {
    town: Town,
    terminal: TestTerminal,
    card: TestCard,
    folder: tempfile::TempDir,
}

impl Scene {
    /// In which a card was topped up and paid.
    async fn new() -> Self {
        let town = Town::on(Scratch::new().await);
        let (terminal, card) = (town.terminal().await, town.card().await);
        let mut scene = Self { town, terminal, card, folder: tempfile::tempdir().unwrap() };
        scene.post(Operation::PurseTopUp(purse::TopUp::cash(Fen(5_000)))).await;
        scene.post(Operation::PursePayment(purse::Payment::online(Fen(1_250)))).await;
        scene
    }

    async fn post(&mut self, operation: Operation) {
        let tap = self.terminal.tap(&self.card, Slot::Tap, operation);
        self.town.submit(&self.terminal, &[tap]).await;
    }

    fn url(&self) -> &str {
        &self.town.scratch.url
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("backup")
    }

    async fn back_up(&self) -> PathBuf {
        back_up(self.url(), &self.file(), START, &mut ()).await.unwrap().file
    }

    async fn elsewhere(&self) -> Nowhere {
        self.town.scratch.elsewhere().await
    }

    async fn sql(&self, sql: &'static str) {
        let db = &self.town.scratch.db;
        db.write::<_, DbError, _>(move |tx| Box::pin(async move { query(sql).execute(tx.conn()).await.map(drop) }))
            .await
            .unwrap();
    }

    /// A database that a later program has written.
    async fn becomes_newer(&self) {
        self.sql(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (9001, 'from the future', TRUE, '', 0)",
        )
        .await;
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}

/// Puts a file back where there is nothing; it must be refused and leave nothing.
async fn refused(scene: &Scene, file: &Path) -> OperationError {
    let nowhere = scene.elsewhere().await;
    let refused = restore(&nowhere.url, file, &mut (), pending()).await.unwrap_err();
    assert!(nowhere.is_empty().await, "{refused}: something was left behind");
    refused
}

#[tokio::test]
async fn status_says_what_is_there_and_what_waits_for_the_tree() {
    let scene = Scene::new().await;
    let before = status(scene.url()).await.unwrap();
    assert_eq!(before.engine, scene.town.scratch.db.engine());
    assert_eq!((before.schema.found, before.schema.pending.len()), (before.schema.known, 0));
    assert!(before.settings.iter().all(|setting| setting.as_wanted), "{:?}", before.settings);
    before.insist_on_settings().unwrap();
    assert!(before.size_bytes > 0);
    let counts = before.counts.unwrap();
    let leaves = scene.town.number("SELECT COUNT(*) FROM leaf").await;
    let transfers = scene.town.number("SELECT COUNT(*) FROM transfer").await;
    let accounts = scene.town.number("SELECT COUNT(*) FROM account").await;
    assert_eq!(counts, Counts { leaves, waiting_leaves: leaves, accounts, transfers });
    assert!(transfers >= 2);
    let log = Log::open(scene.town.scratch.db.clone(), scene.town.keys.clone(), "log.test.invalid/town").await.unwrap();
    log.integrate(START).await.unwrap().unwrap();
    let after = status(scene.url()).await.unwrap().counts.unwrap();
    assert_eq!(after, Counts { waiting_leaves: 0, ..counts });
}

#[tokio::test]
async fn status_names_a_setting_that_endangers_what_is_stored() {
    let scene = Scene::new().await;
    let (url, name) = match scene.town.scratch.db.engine() {
        // What VACUUM INTO writes has no write-ahead log until the service opens it.
        Engine::Sqlite => (format!("sqlite:{}", scene.back_up().await.display()), "journal_mode"),
        Engine::Postgres => (format!("{}&options[synchronous_commit]=off", scene.url()), "synchronous_commit"),
    };
    let endangered = status(&url).await.unwrap();
    let wrong: Vec<_> =
        endangered.settings.iter().filter(|setting| !setting.as_wanted).map(|setting| setting.name).collect();
    assert_eq!(wrong, [name]);
    assert!(endangered.insist_on_settings().unwrap_err().to_string().starts_with(name));
}

#[tokio::test]
async fn status_of_an_older_database_changes_nothing_and_migrating_says_what_it_did() {
    let nowhere = Nowhere::new().await;
    nowhere.at_version(1).await;
    for _ in 0..2 {
        let old = status(&nowhere.url).await.unwrap();
        let last = old.schema.pending.last().map(|migration| migration.version);
        assert_eq!((old.schema.found, last), (1, Some(old.schema.known)));
        assert_eq!(old.counts, Some(Counts { leaves: 0, waiting_leaves: 0, accounts: 0, transfers: 0 }));
    }
    let pending = status(&nowhere.url).await.unwrap().schema.pending;
    assert_eq!(Db::migrate(&nowhere.url, &mut ()).await.unwrap(), pending);
    assert_eq!(Db::migrate(&nowhere.url, &mut ()).await.unwrap(), []);
    let new = status(&nowhere.url).await.unwrap().schema;
    assert_eq!((new.found, new.pending.as_slice()), (new.known, [].as_slice()));
}

#[tokio::test]
async fn where_there_is_no_database_nothing_is_made() {
    let nowhere = Nowhere::new().await;
    let missing = |error: DbError| assert!(matches!(error, DbError::Missing(_) | DbError::Empty), "{error:?}");
    missing(status(&nowhere.url).await.unwrap_err());
    missing(Db::migrate(&nowhere.url, &mut ()).await.unwrap_err());
    let folder = tempfile::tempdir().unwrap();
    match back_up(&nowhere.url, folder.path(), START, &mut ()).await.unwrap_err() {
        OperationError::Backup(BackupError::Db(error)) => missing(error),
        other => panic!("{other:?}"),
    }
    assert!(nowhere.is_empty().await && names(folder.path()).is_empty());
}

#[tokio::test]
async fn a_database_of_a_newer_schema_is_looked_at_and_otherwise_refused_with_words() {
    let scene = Scene::new().await;
    scene.becomes_newer().await;
    let newer = status(scene.url()).await.unwrap();
    assert_eq!((newer.schema.found, newer.counts), (9001, None));
    assert!(newer.schema.insist_known().unwrap_err().to_string().contains("install the newer program"));
    let migrated = Db::migrate(scene.url(), &mut ()).await.unwrap_err();
    assert!(matches!(migrated, DbError::NewerSchema { found: 9001, .. }), "{migrated:?}");
    let saved = back_up(scene.url(), &scene.file(), START, &mut ()).await.unwrap_err();
    assert!(matches!(saved, OperationError::Backup(BackupError::Db(DbError::NewerSchema { .. }))), "{saved:?}");
    assert!(names(scene.folder.path()).is_empty());

    write_unchecked(scene.url(), &scene.file()).await;
    let refused = refused(&scene, &scene.file()).await;
    assert!(matches!(refused, OperationError::Backup(BackupError::Db(DbError::NewerSchema { .. }))), "{refused:?}");
}

#[tokio::test]
async fn a_backup_comes_back_with_every_row_and_only_its_owner_may_read_it() {
    let scene = Scene::new().await;
    let written = back_up(scene.url(), scene.folder.path(), START, &mut ()).await.unwrap();
    let name = written.file.file_name().unwrap().to_str().unwrap();
    let suffix = if scene.town.scratch.db.engine() == Engine::Sqlite { "db" } else { "dump" };
    assert_eq!(name, format!("card-service-20260921T141320Z.{suffix}"));
    assert_eq!(names(scene.folder.path()), [name], "nothing else is left in the folder");
    let file = fs::metadata(&written.file).unwrap();
    assert_eq!((file.permissions().mode() & 0o777, file.len()), (0o600, written.bytes));

    let nowhere = scene.elsewhere().await;
    let restored = restore(&nowhere.url, &written.file, &mut (), pending()).await.unwrap();
    assert_eq!(restored.schema_version, written.schema_version);
    let (original, copy) = (&scene.town.scratch.db, Db::open(&nowhere.url).await.unwrap());
    let (original, copied) = (rows(original).await, rows(&copy).await);
    assert_eq!(original.len(), copied.len());
    assert!(original["transfer"].len() >= 2);
    for (table, rows) in original {
        assert_eq!(rows, copied[&table], "{table}");
    }
    copy.close().await;
    if let Some(path) = nowhere.url.strip_prefix("sqlite:") {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_backup_of_an_older_schema_is_brought_up_to_date() {
    let old = Nowhere::new().await;
    old.at_version(2).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("old");
    assert_eq!(back_up(&old.url, &file, START, &mut ()).await.unwrap().schema_version, 2);
    let nowhere = old.elsewhere().await;
    let restored = restore(&nowhere.url, &file, &mut (), pending()).await.unwrap();
    assert_eq!(restored.schema_version, status(&nowhere.url).await.unwrap().schema.known);
}

#[tokio::test]
async fn a_backup_that_is_taken_while_taps_come_in_holds_one_state() {
    let mut scene = Scene::new().await;
    let (url, file) = (scene.url().to_owned(), scene.file());
    let before = status(&url).await.unwrap().counts.unwrap();
    let saved = Cell::new(false);
    let taps = async {
        while !saved.get() {
            scene.post(Operation::PurseTopUp(purse::TopUp::cash(Fen(100)))).await;
        }
        // At least one after it, so that the two differ.
        scene.post(Operation::PursePayment(purse::Payment::online(Fen(100)))).await;
    };
    let backup = async {
        let written = back_up(&url, &file, START, &mut ()).await;
        saved.set(true);
        written.unwrap();
    };
    tokio::join!(taps, backup);
    let after = status(&url).await.unwrap().counts.unwrap();
    // Its ledger is checked: transfers of one moment and balances of another would be found.
    let nowhere = scene.elsewhere().await;
    let restored = restore(&nowhere.url, &file, &mut (), pending()).await.unwrap();
    let counts = status(&nowhere.url).await.unwrap().counts.unwrap();
    assert_eq!(i64::try_from(restored.transfers).unwrap(), counts.transfers);
    assert!((before.transfers..after.transfers).contains(&counts.transfers), "{before:?} {counts:?} {after:?}");
    let copy = Db::open(&nowhere.url).await.unwrap();
    let leaves: i64 = query("SELECT COUNT(*) FROM leaf").scalar_one(&mut copy.read().await.unwrap()).await.unwrap();
    assert_eq!(leaves, counts.leaves, "the numbers of the shards and the leaves are of one moment");
}

#[tokio::test]
async fn a_backup_never_overwrites() {
    let scene = Scene::new().await;
    fs::write(scene.file(), "an earlier one").unwrap();
    let refused = back_up(scene.url(), &scene.file(), START, &mut ()).await.unwrap_err();
    assert!(matches!(refused, OperationError::Backup(BackupError::Exists(_))), "{refused:?}");
    assert_eq!(fs::read(scene.file()).unwrap(), b"an earlier one");
    assert_eq!(names(scene.folder.path()), ["backup"]);
}

#[tokio::test]
async fn a_backup_is_not_put_over_a_database() {
    let scene = Scene::new().await;
    let file = scene.back_up().await;
    let before = rows(&scene.town.scratch.db).await;
    let refused = restore(scene.url(), &file, &mut (), pending()).await.unwrap_err();
    assert!(matches!(refused, OperationError::Backup(BackupError::NotEmpty(_))), "{refused:?}");
    assert!(refused.to_string().contains("move it away"), "{refused}");
    assert!(before == rows(&scene.town.scratch.db).await);
}

#[tokio::test]
async fn what_is_no_backup_or_is_not_whole_is_refused_and_leaves_nothing() {
    let scene = Scene::new().await;
    let whole = fs::read(scene.back_up().await).unwrap();
    let file = scene.folder.path().join("other");
    let other_engine: &[u8] = match scene.town.scratch.db.engine() {
        Engine::Sqlite => b"PGDMP of another engine",
        Engine::Postgres => b"SQLite format 3\0 of another engine",
    };
    fs::write(&file, other_engine).unwrap();
    let found = refused(&scene, &file).await;
    assert!(matches!(found, OperationError::Backup(BackupError::OtherEngine { .. })), "{found:?}");
    for none in [b"a letter".as_slice(), b""] {
        fs::write(&file, none).unwrap();
        let found = refused(&scene, &file).await;
        assert!(matches!(found, OperationError::Backup(BackupError::NotABackup(_))), "{found:?}");
    }
    for length in [20, 200, whole.len() / 4, whole.len() / 2, whole.len() - 4_096, whole.len() - 1] {
        fs::write(&file, &whole[..length]).unwrap();
        match refused(&scene, &file).await {
            OperationError::Backup(BackupError::Damaged { path, .. }) => assert_eq!(path, file),
            other => panic!("the first {length} bytes of {}: {other:?}", whole.len()),
        }
    }
    let missing = refused(&scene, &scene.folder.path().join("missing")).await;
    assert!(matches!(missing, OperationError::Backup(BackupError::File { .. })), "{missing:?}");
}

#[tokio::test]
async fn tables_that_another_program_made_are_no_backup() {
    let scene = Scene::new().await;
    scene.sql("UPDATE _sqlx_migrations SET checksum = '' WHERE version = 1").await;
    write_unchecked(scene.url(), &scene.file()).await;
    let refused = refused(&scene, &scene.file()).await;
    assert!(matches!(refused, OperationError::Backup(BackupError::NotABackup(_))), "{refused:?}");
}

#[tokio::test]
async fn a_ledger_that_does_not_add_up_is_not_put_back() {
    let scene = Scene::new().await;
    scene.sql("UPDATE account SET balance = balance + 1 WHERE balance > 0").await;
    let refused = refused(&scene, &scene.back_up().await).await;
    let OperationError::Unbalanced { origin: "backup", count, first } = &refused else { panic!("{refused:?}") };
    assert!(*count >= 2, "the accounts and the unit: {refused:?}");
    assert!(first.row.starts_with("account shard="), "{first:?}");
}

/// Stops the work when a part begins.
struct StopAt(Part, Arc<Notify>);

impl Progress for StopAt {
    fn begin(&mut self, part: Part, _total: Option<u64>) {
        if part == self.0 {
            self.1.notify_one();
        }
    }

    fn reach(&mut self, _done: u64) {}
}

#[tokio::test]
async fn a_restore_that_is_stopped_leaves_nothing() {
    let scene = Scene::new().await;
    let file = scene.back_up().await;
    for part in [Part::Check, Part::Restore, Part::Read] {
        let (nowhere, stop) = (scene.elsewhere().await, Arc::new(Notify::new()));
        let stopped = restore(&nowhere.url, &file, &mut StopAt(part, Arc::clone(&stop)), stop.notified()).await;
        assert!(matches!(stopped, Err(OperationError::Stopped)), "{part:?}: {stopped:?}");
        assert!(nowhere.is_empty().await, "{part:?}");
        restore(&nowhere.url, &file, &mut (), pending()).await.unwrap();
    }
}

#[tokio::test]
async fn what_sqlite_left_beside_another_database_is_not_played_into_this_one() {
    let town = Scratch::sqlite().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup");
    back_up(&town.url, &file, START, &mut ()).await.unwrap();
    let target = folder.path().join("town.db");
    fs::write(folder.path().join("town.db-wal"), "the log of another").unwrap();
    let refused = restore(&format!("sqlite:{}", target.display()), &file, &mut (), pending()).await.unwrap_err();
    assert!(matches!(refused, OperationError::Backup(BackupError::NotEmpty(_))), "{refused:?}");
    assert_eq!(names(folder.path()), ["backup", "town.db-wal"]);
}
