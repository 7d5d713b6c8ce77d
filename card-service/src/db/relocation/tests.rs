//! What is found between the copy and the end, tried on a town in which something was done to every table.

use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;
use std::str::FromStr as _;
use std::time::Duration;

use super::{Relocation, RelocationError};
use crate::db::{DbError, query};
use crate::testing::{Lived, Nowhere, Scratch};

#[tokio::test]
async fn a_row_that_was_lost_or_changed_on_the_way_is_found_and_nothing_is_left() {
    let Some(to) = Nowhere::postgres().await else { return };
    let Lived { town, .. } = Lived::on(Scratch::sqlite().await).await;
    town.scratch.db.close().await;
    for (sql, table, fewer) in [
        ("DELETE FROM tap WHERE leaf = (SELECT MAX(leaf) FROM tap)", "tap", 1),
        ("UPDATE staff SET role = 'administrator'", "staff", 0),
        ("UPDATE checkpoint SET size = size + 1 WHERE size = (SELECT MAX(size) FROM checkpoint)", "checkpoint", 0),
        ("UPDATE shard SET leaf = leaf + 1 WHERE shard = 7", "shard", 0),
    ] {
        let mut relocation = Relocation::begin(&town.scratch.url, &to.url).await.unwrap();
        let db = relocation.make_tables(&mut ()).await.unwrap();
        let mut copied = relocation.copy(db, &mut ()).await.unwrap();
        query(sql).execute(copied.conn()).await.unwrap();
        match copied.compare(&mut ()).await {
            Err(RelocationError::Differs { table: named, wanted, found }) => {
                assert_eq!((named.as_str(), wanted - found), (table, fewer), "{sql}");
            }
            other => panic!("{sql}: {other:?}"),
        }
        drop(copied);
        relocation.discard().await.unwrap();
        assert!(to.is_empty().await, "{sql}");
    }
}

#[tokio::test]
async fn nobody_opens_the_file_while_it_is_moved() {
    let Some(to) = Nowhere::postgres().await else { return };
    let town = Scratch::sqlite().await;
    town.db.close().await;
    let relocation = Relocation::begin(&town.url, &to.url).await.unwrap();
    let read = async || {
        let options = SqliteConnectOptions::from_str(&town.url).unwrap().busy_timeout(Duration::ZERO);
        let mut connection = options.connect().await?;
        sqlx::query_scalar::<_, i64>("SELECT COUNT(*) FROM shard").fetch_one(&mut connection).await
    };
    let refused = read().await.map_err(DbError::from);
    assert!(matches!(refused, Err(DbError::Busy(_))), "{refused:?}");
    relocation.discard().await.unwrap();
    read().await.unwrap();
}
