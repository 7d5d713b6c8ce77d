//! Exports that are whole: what the verifier says of them, and their way over a disk.

use card_schema::card::Slot;
use card_schema::ids::TapId;
use card_schema::operation::{Operation, gate};

use super::super::super::export::{Folder, Rows as _};
use super::super::super::tables::{self, TABLES};
use super::*;

#[tokio::test]
async fn an_untouched_export_verifies_and_every_row_is_counted() {
    let mut audited = Audited::new().await;
    let export = audited.export().await;
    let report = audited.report().await;
    assert!(report.ok, "{report}");
    assert_eq!((report.checkpoints, report.pending_leaves), (6, 0));
    assert_eq!(report.leaves, report.tree_size);
    assert_eq!(report.rows_of(&tables::TAP), 3);
    assert_eq!(report.folded_leaves, 2, "of two questions at gates");
    for table in TABLES.into_iter().filter(|table| table.committed > 0) {
        assert_eq!(report.rows_of(table), export.rows(table).len() as u64, "{}", table.name);
    }
    // The card was suspended, two terminals enrolled and one revoked, a key, a certificate and an issuance went on.
    assert!(report.replaced_rows >= 7, "{report}");
}

#[tokio::test]
async fn leaves_that_wait_are_counted_and_another_logs_key_proves_nothing() {
    let mut audited = Audited::new().await;
    let tap = audited.terminal.tap(&audited.card, Slot::Tap, Operation::GateCheck(gate::Check));
    audited.town.submit(&audited.terminal, &[tap]).await;
    let report = audited.report().await;
    assert!(report.ok && report.pending_leaves == 1 && report.rows_of(&tables::TAP) == 4, "{report}");

    let stranger = Town::new().await;
    let key = LogKey::of(&*stranger.keys, "log.test.invalid/town").unwrap();
    assert!(!verify(&audited.export().await, &key, &mut ()).unwrap().ok);
}

#[tokio::test]
async fn an_auditor_takes_an_export_away_and_proves_one_tap() {
    let mut audited = Audited::new().await;
    let (db, key) = (audited.town.scratch.db.clone(), audited.key());
    let folder = tempfile::tempdir().unwrap();
    let exported = audit::export(&db, &key, START, folder.path(), &mut ()).await.unwrap();
    assert_eq!(exported.tables.len(), TABLES.len());
    let again = audit::export(&db, &key, START, folder.path(), &mut ()).await;
    assert!(again.is_err(), "an export never writes over another");
    let files = Folder::open(folder.path()).unwrap();
    let expected = audited.export().await;
    for table in TABLES {
        let rows: Vec<_> = files.of(table).unwrap().map(|row| row.unwrap().0).collect();
        assert_eq!(&rows, expected.rows(table), "{}", table.name);
    }
    let report = audit::verify_folder(folder.path(), key.vkey(), &mut ()).unwrap();
    assert!(report.ok && report.to_string().contains("nothing was altered"), "{report}");
    let leaves = folder.path().join("leaf.jsonl");
    std::fs::write(&leaves, "[1,2]").unwrap();
    let refused = audit::verify_folder(folder.path(), key.vkey(), &mut ()).unwrap_err();
    assert!(refused.to_string().ends_with("leaf.jsonl:1 is not a row of this export"), "{refused}");
    let manifest = folder.path().join("manifest.json");
    let older = std::fs::read_to_string(&manifest).unwrap().replace("\"format\": 3", "\"format\": 1");
    std::fs::write(&manifest, older).unwrap();
    let refused = audit::verify_folder(folder.path(), key.vkey(), &mut ()).unwrap_err();
    assert!(refused.to_string().starts_with("the export has format 1"), "{refused}");

    let tap = audited.terminal.previous;
    let proof = audit::prove(&db, tap).await.unwrap();
    assert_eq!(key.open(&proof.inclusion.checkpoint).unwrap().0, proof.inclusion.size);
    let stranger = TapId([1; 32]);
    assert!(matches!(audit::prove(&db, stranger).await, Err(audit::AuditError::NoSuchTap(_))));
    let next = audited.terminal.tap(&audited.card, Slot::Tap, Operation::GateCheck(gate::Check));
    audited.town.submit(&audited.terminal, std::slice::from_ref(&next)).await;
    assert!(matches!(audit::prove(&db, next.id).await, Err(audit::AuditError::NotSignedYet(_))));
    audited.sql("UPDATE tile SET hashes = zeroblob(length(hashes))").await;
    assert!(matches!(audit::prove(&db, tap).await, Err(audit::AuditError::Altered(_))));
}

#[tokio::test]
async fn what_is_withheld_is_in_no_export() {
    let mut audited = Audited::new().await;
    let staff = audited.rows(&tables::STAFF).await;
    assert!(staff.iter().flatten().all(|value| *value != Value::Text("$argon2id$invented".to_owned())));
    let stored = query("SELECT sealed FROM person_fact").all(&mut audited.superuser).await.unwrap();
    let persons = audited.rows(&tables::PERSON_FACT).await;
    assert!(!stored.is_empty());
    for sealed in stored.iter().map(|row| row.at::<Vec<u8>>(0).unwrap()) {
        assert!(persons.iter().flatten().all(|value| *value != Value::Bytes(sealed.clone())));
    }
}
