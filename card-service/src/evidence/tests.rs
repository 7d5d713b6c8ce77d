//! The log on a real database: it grows, proves, and refuses to sign what was altered.

use axum::body::{self, Body};
use axum::http::{Request, StatusCode};
use card_schema::clock::Micros;
use card_schema::ids::Shard;
use tower::ServiceExt as _;

use super::leaf::leaf_hash;
use super::sequencer::tiles_for;
use super::tree::{Question, check_consistency, check_inclusion};
use super::*;
use crate::db::{DbError, query};
use crate::testing::town::Town;

const ORIGIN: &str = "log.test.invalid/town";

async fn log(town: &Town) -> Log {
    Log::open(town.scratch.db.clone(), town.keys.clone(), ORIGIN).await.unwrap()
}

async fn act(town: &Town, count: u8) {
    town.scratch
        .db
        .write::<_, DbError, _>(move |tx| {
            Box::pin(async move {
                for number in 0..count {
                    let row = RowImage::new("test", &[Column::Int(i64::from(number))]);
                    let action = Action::new(Shard(number % 3), ActionKind::Initialised, vec![row]);
                    append(tx, Micros(5), action).await?;
                }
                Ok(())
            })
        })
        .await
        .unwrap();
}

async fn alter(town: &Town, sql: &'static str) {
    town.scratch
        .db
        .write::<_, DbError, _>(move |tx| {
            Box::pin(async move {
                query(sql).execute(tx.conn()).await?;
                Ok(())
            })
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn the_log_grows_is_signed_and_every_leaf_can_be_proven() {
    let town = Town::new().await;
    let log = log(&town).await;
    assert_eq!(log.integrate(Micros(1)).await.unwrap(), None, "nothing new, nothing signed");
    let mut heads = Vec::new();
    for count in [1, 200, 80] {
        act(&town, count).await;
        let head = log.integrate(Micros(2)).await.unwrap().unwrap();
        assert_eq!(*log.head().borrow(), Some(head));
        heads.push(head);
    }
    let newest = *heads.last().unwrap();
    assert_eq!(newest.size, 281);
    let mut connection = town.scratch.db.read().await.unwrap();
    let checkpoint = store::newest_checkpoint(&mut connection).await.unwrap().unwrap();
    assert_eq!(log.key().unwrap().open(&checkpoint.note).unwrap(), (newest.size, newest.root));

    let leaves =
        query("SELECT tree_index, body FROM placed_leaf ORDER BY tree_index").all(&mut connection).await.unwrap();
    assert_eq!(leaves.len(), 281);
    for leaf in leaves {
        let (index, body): (i64, Vec<u8>) = (leaf.get("tree_index").unwrap(), leaf.get("body").unwrap());
        let index = u64::try_from(index).unwrap();
        let tiles = tiles_for(&mut connection, Question::Inclusion(newest.size, index)).await.unwrap();
        let proof = tiles.prove_inclusion(newest.size, index).unwrap();
        assert!(check_inclusion(&proof, newest.size, newest.root, index, leaf_hash(&body)), "{index}");
    }
    for older in &heads {
        let tiles = tiles_for(&mut connection, Question::Consistency(newest.size, older.size)).await.unwrap();
        let proof = tiles.prove_consistency(newest.size, older.size).unwrap();
        assert!(check_consistency(&proof, (newest.size, newest.root), (older.size, older.root)));
    }
}

#[tokio::test]
async fn a_log_that_was_altered_is_not_extended() {
    for (what, sql) in [
        ("a tile", "UPDATE tile SET hashes = (SELECT c.root FROM checkpoint c)"),
        ("the signed root", "UPDATE checkpoint SET root = (SELECT substr(t.hashes, 1, 32) FROM tile t)"),
        ("a lost tile", "DELETE FROM tile"),
    ] {
        let town = Town::new().await;
        let log = log(&town).await;
        act(&town, 3).await;
        log.integrate(Micros(1)).await.unwrap();
        alter(&town, sql).await;
        act(&town, 1).await;
        let refused = log.integrate(Micros(2)).await;
        assert!(matches!(refused, Err(LogError::Altered { size: 3 })), "{what}: {refused:?}");
        assert_eq!(town.number("SELECT COUNT(*) FROM checkpoint").await, 1, "{what}");
    }
    let town = Town::new().await;
    act(&town, 1).await;
    alter(&town, "DELETE FROM leaf").await;
    let refused = log(&town).await.integrate(Micros(1)).await;
    assert!(matches!(refused, Err(LogError::MissingLeaf { shard: 0, leaf_id: 1 })), "{refused:?}");
}

#[tokio::test]
async fn checkpoint_and_tiles_are_served_as_c2sp_wants_them() {
    let town = Town::new().await;
    let log = log(&town).await;
    let app = axum::Router::from(api::router::<()>()).layer(axum::Extension(log.clone()));
    let get = |path: &'static str| {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let app = app.clone();
        async move {
            let response = app.oneshot(request).await.unwrap();
            (response.status(), body::to_bytes(response.into_body(), 1 << 20).await.unwrap())
        }
    };
    assert_eq!(get("/checkpoint").await.0, StatusCode::NOT_FOUND);
    act(&town, 200).await;
    act(&town, 100).await;
    let head = log.integrate(Micros(1)).await.unwrap().unwrap();
    let (status, note) = get("/checkpoint").await;
    assert_eq!(status, StatusCode::OK);
    let note = String::from_utf8(note.to_vec()).unwrap();
    assert!(note.starts_with(&format!("{ORIGIN}\n300\n")), "{note}");
    assert_eq!(log.key().unwrap().open(&note).unwrap(), (300, head.root));
    for (path, bytes) in [
        ("/tile/0/000", Some(256 * 32)),
        ("/tile/0/001.p/44", Some(44 * 32)),
        ("/tile/0/001.p/7", Some(7 * 32)),
        ("/tile/1/000.p/1", Some(32)),
        ("/tile/0/001", None),
        ("/tile/0/001.p/45", None),
        ("/tile/2/000.p/1", None),
        ("/tile/64/000", None),
        ("/tile/entries/000", None),
        ("/tile/0/..%2f000", None),
    ] {
        let (status, body) = get(path).await;
        assert_eq!((status == StatusCode::OK).then_some(body.len()), bytes, "{path}");
    }
}

#[test]
fn a_log_key_reads_back_and_another_logs_note_is_not_believed() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (town, other) = (Town::new().await, Town::new().await);
        let key = LogKey::of(&*town.keys, ORIGIN).unwrap();
        let key = LogKey::parse(key.vkey()).unwrap();
        let note = checkpoint::sign(&*town.keys, ORIGIN, 7, [3; 32]).unwrap();
        assert_eq!(key.open(&note).unwrap(), (7, [3; 32]));
        let forged = checkpoint::sign(&*other.keys, ORIGIN, 7, [3; 32]).unwrap();
        let elsewhere = checkpoint::sign(&*town.keys, "log.test.invalid/other", 7, [3; 32]).unwrap();
        let changed = note.replace("\n7\n", "\n8\n");
        for bad in [forged, elsewhere, changed, String::new()] {
            assert!(key.open(&bad).is_err(), "{bad}");
        }
        for bad in ["", "has space", "has+plus"] {
            assert!(LogKey::of(&*town.keys, bad).is_err(), "{bad}");
        }
    });
}
