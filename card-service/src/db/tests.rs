//! What the database promises, tried on real files.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::{Db, DbError, Rows, Tx, query};
use crate::testing::Scratch;

async fn scratch() -> Scratch {
    with_notes(Scratch::new().await).await
}

async fn with_notes(town: Scratch) -> Scratch {
    town.db
        .write::<_, DbError, _>(|tx| {
            Box::pin(async move {
                query("CREATE TABLE note (id BIGINT PRIMARY KEY)").execute(tx.conn()).await?;
                Ok(())
            })
        })
        .await
        .unwrap();
    town
}

async fn insert(tx: &mut Tx, id: i64) -> Result<(), DbError> {
    query("INSERT INTO note (id) VALUES ($1)").bind(id).execute(tx.conn()).await?;
    Ok(())
}

async fn ids(db: &Db) -> Vec<i64> {
    query("SELECT id FROM note ORDER BY id").scalars(&mut db.read().await.unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_write_that_ends_well_is_kept_and_one_that_fails_leaves_nothing() {
    let town = scratch().await;
    town.db.write::<_, DbError, _>(|tx| Box::pin(insert(tx, 1))).await.unwrap();
    let failed = town
        .db
        .write::<(), DbError, _>(|tx| {
            Box::pin(async move {
                insert(tx, 2).await?;
                insert(tx, 1).await
            })
        })
        .await;
    assert!(matches!(failed, Err(DbError::Sql(_))), "{failed:?}");
    assert_eq!(ids(&town.db).await, [1]);
}

#[tokio::test]
async fn few_rows_and_many_come_back_as_they_were_written_and_one_that_is_refused_undoes_all() {
    let town = Scratch::new().await;
    let make = "CREATE TABLE thing (id BIGINT PRIMARY KEY, number BIGINT, bytes BYTEA, text TEXT NOT NULL)";
    town.db
        .write::<_, DbError, _>(move |tx| Box::pin(async move { query(make).execute(tx.conn()).await.map(drop) }))
        .await
        .unwrap();
    let bytes_of = |id: &i64| (id % 5 != 0).then(|| vec![0xff; usize::try_from(id % 7).unwrap() * 1_000]);
    let write = async |ids: Vec<i64>| {
        let rows = Rows::new()
            .ints("id", ids.iter().copied())
            .optional_ints("number", ids.iter().map(|id| (id % 3 != 0).then_some(-id)))
            .optional_bytes("bytes", ids.iter().map(bytes_of))
            .texts("text", ids.iter().map(|id| format!("第{id}")));
        town.db
            .write::<_, DbError, _>(move |tx| {
                Box::pin(async move { super::insert(tx.conn(), "thing", rows, "").await })
            })
            .await
    };
    // One statement, several, and on PostgreSQL the way for many.
    for ids in [1..2, 2..40, 100..1_500] {
        write(ids.collect()).await.unwrap();
    }
    let refused = write((2_000..2_200).chain([7]).collect()).await;
    assert!(matches!(refused, Err(DbError::Sql(_))), "{refused:?}");
    let mut connection = town.db.read().await.unwrap();
    let found = query("SELECT id, number, bytes, text FROM thing ORDER BY id").all(&mut connection).await.unwrap();
    assert_eq!(found.len(), 39 + 1_400);
    for row in found {
        let id: i64 = row.get("id").unwrap();
        assert_eq!(row.get::<Option<i64>>("number").unwrap(), (id % 3 != 0).then_some(-id));
        assert_eq!(row.get::<Option<Vec<u8>>>("bytes").unwrap(), bytes_of(&id));
        assert_eq!(row.get::<String>("text").unwrap(), format!("第{id}"));
    }
}

/// The trap: sqlx 0.9.0 leaks an open transaction when a future is dropped inside `begin()`
/// (transact-rs/sqlx#4385). Here the caller is dropped after each possible number of polls.
#[tokio::test]
async fn a_caller_that_goes_away_never_leaves_a_transaction_open() {
    let town = scratch().await;
    for round in 0..60_i64 {
        {
            let mut write = pin!(town.db.write::<_, DbError, _>(move |tx| Box::pin(insert(tx, round))));
            for _ in 0..round % 20 {
                let mut context = Context::from_waker(Waker::noop());
                if let Poll::Ready(done) = write.as_mut().poll(&mut context) {
                    done.unwrap();
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        // BEGIN inside an open transaction is an error, so a leaked one would be seen here.
        town.db.write::<_, DbError, _>(move |tx| Box::pin(insert(tx, 1_000 + round))).await.unwrap();
    }
    let after = ids(&town.db).await;
    let kept = after.iter().filter(|id| **id >= 1_000).count();
    assert_eq!(kept, 60, "every write after a cancelled one is kept");
    assert!(after.contains(&1), "work whose caller went away after the first poll is still done");
}

#[tokio::test]
async fn work_that_panics_is_undone_and_the_next_write_goes_on() {
    let town = scratch().await;
    let db = town.db.clone();
    let panicked = tokio::spawn(async move {
        db.write::<(), DbError, _>(|tx| {
            Box::pin(async move {
                insert(tx, 1).await?;
                panic!("a defect in the work");
            })
        })
        .await
    })
    .await;
    assert!(panicked.is_err_and(|stopped| stopped.is_panic()));
    town.db.write::<_, DbError, _>(|tx| Box::pin(insert(tx, 2))).await.unwrap();
    assert_eq!(ids(&town.db).await, [2]);
}

#[tokio::test]
async fn readers_cannot_write() {
    let town = scratch().await;
    let refused = query("INSERT INTO note (id) VALUES (9)").execute(&mut town.db.read().await.unwrap()).await;
    assert!(refused.is_err());
}

#[tokio::test]
async fn there_are_as_many_shards_as_the_engine_has() {
    let town = scratch().await;
    let mut connection = town.db.read().await.unwrap();
    let shards: Vec<i64> = query("SELECT shard FROM shard ORDER BY shard").scalars(&mut connection).await.unwrap();
    assert_eq!(shards, (0..i64::from(town.db.engine().shards())).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_database_of_a_newer_schema_is_refused_with_words() {
    let town = scratch().await;
    town.db
        .write::<_, DbError, _>(|tx| {
            Box::pin(async move {
                query(
                    "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                     VALUES (9001, 'from the future', TRUE, '', 0)",
                )
                .execute(tx.conn())
                .await?;
                Ok(())
            })
        })
        .await
        .unwrap();
    town.db.close().await;
    let refused = Db::open(&town.url).await.unwrap_err();
    assert!(matches!(refused, DbError::NewerSchema { found: 9001, .. }), "{refused:?}");
    assert!(refused.to_string().contains("install the newer program"));
}

#[tokio::test]
async fn a_mistyped_path_does_not_start_an_empty_town() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("typo.db").display());
    assert!(matches!(Db::open(&url).await, Err(DbError::Missing(_))));
    assert!(!folder.path().join("typo.db").exists());
}

#[tokio::test]
async fn a_full_disk_is_an_error_of_its_own_and_writing_goes_on_when_there_is_room() {
    let town = with_notes(Scratch::sqlite().await).await;
    let fill = |pages: i64| {
        let db = town.db.clone();
        async move {
            db.write::<_, DbError, _>(move |tx| {
                Box::pin(async move {
                    // SQLite's own limit on pages gives the same error as a disk without room.
                    query(format!("PRAGMA max_page_count = {pages}")).execute(tx.conn()).await?;
                    query("CREATE TABLE large (body BLOB)").execute(tx.conn()).await?;
                    query("INSERT INTO large (body) VALUES (zeroblob(1000000))").execute(tx.conn()).await?;
                    insert(tx, 7).await?;
                    Ok(())
                })
            })
            .await
        }
    };
    let refused = fill(20).await;
    assert!(matches!(refused, Err(DbError::DiskFull(_))), "{refused:?}");
    assert!(ids(&town.db).await.is_empty());
    fill(1_000_000).await.unwrap();
    assert_eq!(ids(&town.db).await, [7]);
}
