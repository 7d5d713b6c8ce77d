//! What the gate counts, on a real database.

use card_schema::clock::Micros;
use card_schema::ids::{Shard, TerminalId};

use super::model::hour;
use super::{Count, store};
use crate::db::{DbError, query};
use crate::testing::Scratch;

#[tokio::test]
async fn questions_of_one_hour_add_up_to_one_row() {
    let town = Scratch::new().await;
    let count = |hour, passed| Count { shard: Shard(1), terminal: TerminalId::from_bytes([1; 16]), hour, passed };
    for _ in 0..2 {
        let counts = [count(5, true), count(5, false), count(5, true), count(6, true)];
        town.db
            .write::<_, DbError, _>(move |tx| Box::pin(async move { store::add(tx.conn(), &counts).await }))
            .await
            .unwrap();
    }
    let rows = query("SELECT hour, passed, refused FROM gate_count ORDER BY hour")
        .all(&mut town.db.read().await.unwrap())
        .await
        .unwrap();
    let counts: Vec<[i64; 3]> = rows.iter().map(|row| [0, 1, 2].map(|column| row.at(column).unwrap())).collect();
    assert_eq!(counts, [[5, 4, 2], [6, 2, 0]]);
}

#[test]
fn an_hour_begins_on_the_hour_also_before_1970() {
    assert_eq!(hour(Micros::from_seconds(3_599)), 0);
    assert_eq!(hour(Micros::from_seconds(3_600)), 1);
    assert_eq!(hour(Micros::from_seconds(-1)), -1);
}
