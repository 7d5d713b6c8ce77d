//! The same on a real database.

use proptest::prelude::*;

use super::naive::{Naive, Outcome};
use super::*;
use crate::db::query;
use crate::testing::Scratch;

/// Four purses that may not go below zero and one float that may, in each of two shards.
fn key(number: u8) -> AccountKey {
    let kind = if number.is_multiple_of(5) { AccountKind::CashFloat } else { AccountKind::Purse };
    account(number / 5 % 2, number, kind)
}

fn move_between(debit: u8, credit: u8, amount: i64, cause: u8) -> Transfer {
    transfer(key(debit), key(credit), amount, u64::from(cause))
}

prop_compose! {
    fn transfers()(raw in prop::collection::vec((0..10_u8, 0..10_u8, -2..30_i64, 0..40_u8), 0..60)) -> Vec<Transfer> {
        raw.into_iter()
            .map(|(debit, credit, amount, cause)| move_between(debit, credit, amount, cause))
            .collect()
    }
}

#[tokio::test]
async fn posting_to_the_database_keeps_balances_and_repeats_move_nothing() {
    let town = Scratch::new().await;
    let top_up = move_between(0, 1, 5_000, 1);
    let pay = move_between(1, 2, 1_250, 2);
    for round in 0..3 {
        let posted = town
            .db
            .write::<_, PostError, _>(move |tx| Box::pin(async move { post(tx, NOW, &[top_up, pay]).await }))
            .await
            .unwrap();
        assert_eq!(posted[1].repeated, round > 0);
        assert_eq!((posted[1].debit_balance, posted[1].credit_balance), (3_750, 1_250));
    }
    let rows: i64 =
        query("SELECT COUNT(*) FROM transfer").scalar_one(&mut town.db.read().await.unwrap()).await.unwrap();
    assert_eq!(rows, 2);
    let total: i64 = query("SELECT CAST(SUM(balance) AS BIGINT) FROM account")
        .scalar_one(&mut town.db.read().await.unwrap())
        .await
        .unwrap();
    assert_eq!(total, 0);
}

#[tokio::test]
async fn transfers_stand_or_fall_together() {
    let town = Scratch::new().await;
    let refused = town
        .db
        .write::<_, PostError, _>(|tx| {
            Box::pin(async move { post(tx, NOW, &[move_between(0, 1, 10, 1), move_between(1, 2, 11, 2)]).await })
        })
        .await;
    assert!(matches!(refused, Err(PostError::Refused { index: 1, .. })), "{refused:?}");
    for table in ["account", "transfer", "leaf"] {
        let count = format!("SELECT COUNT(*) FROM {table}");
        let rows: i64 = query(count).scalar_one(&mut town.db.read().await.unwrap()).await.unwrap();
        assert_eq!(rows, 0, "{table}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_stored_ledger_agrees_with_the_model(transfers in transfers()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let town = Scratch::new().await;
            let mut naive = Naive::default();
            for transfer in transfers {
                let stored = town
                    .db
                    .write::<_, PostError, _>(move |tx| Box::pin(async move { post(tx, NOW, &[transfer]).await }))
                    .await;
                let expected = naive.post(NOW, transfer);
                assert_eq!(stored.is_ok(), expected != Outcome::Refused, "{transfer:?}: {stored:?}");
            }
            let mut connection = town.db.read().await.unwrap();
            for number in 0..10 {
                let key = key(number);
                let stored = crate::ledger::store::balance(&mut connection, &key).await.unwrap();
                assert_eq!(stored, naive.state(&key).0);
            }
        });
    }
}
