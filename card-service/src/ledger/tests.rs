//! The ledger against a model of ten lines, and on a real database.

use std::collections::HashMap;

use card_schema::clock::Micros;
use card_schema::ids::Shard;
use proptest::prelude::*;

use super::*;
use crate::testing::Scratch;

fn key(number: u8) -> AccountKey {
    // Four purses that may not go below zero and one float that may, over two shards.
    let kind = if number.is_multiple_of(5) { AccountKind::CashFloat } else { AccountKind::Purse };
    AccountKey { shard: Shard(number / 5 % 2), owner: Owner([number; 16]), kind, unit: Unit::CnyFen }
}

fn transfer(debit: u8, credit: u8, amount: i64, reference: u8) -> Transfer {
    Transfer {
        debit: key(debit),
        credit: key(credit),
        amount,
        kind: TransferKind::Payment,
        reference: Reference([reference; 32]),
    }
}

prop_compose! {
    fn transfers()(raw in prop::collection::vec((0..10_u8, 0..10_u8, -2..30_i64, 0..40_u8), 0..60)) -> Vec<Transfer> {
        raw.into_iter().map(|(debit, credit, amount, reference)| transfer(debit, credit, amount, reference)).collect()
    }
}

/// The model: balances and the references that were used.
#[derive(Default)]
struct Model {
    balances: HashMap<AccountKey, i64>,
    used: HashMap<(Shard, Reference), Transfer>,
}

impl Model {
    fn post(&mut self, t: Transfer) -> bool {
        if t.amount <= 0 || t.debit == t.credit || t.debit.shard != t.credit.shard {
            return false;
        }
        if let Some(before) = self.used.get(&(t.debit.shard, t.reference)) {
            return *before == t;
        }
        let balance = self.balances.get(&t.debit).copied().unwrap_or(0);
        if t.debit.kind == AccountKind::Purse && balance < t.amount {
            return false;
        }
        *self.balances.entry(t.debit).or_default() -= t.amount;
        *self.balances.entry(t.credit).or_default() += t.amount;
        self.used.insert((t.debit.shard, t.reference), t);
        true
    }
}

proptest! {
    #[test]
    fn the_ledger_agrees_with_the_model_and_sums_to_zero(transfers in transfers()) {
        let (mut book, mut model) = (Book::default(), Model::default());
        for transfer in transfers {
            prop_assert_eq!(book.post(transfer).is_ok(), model.post(transfer), "{:?}", transfer);
            for number in 0..10 {
                let key = key(number);
                prop_assert_eq!(book.balance(&key), model.balances.get(&key).copied().unwrap_or(0));
            }
            let total: i64 = (0..10).map(|number| book.balance(&key(number))).sum();
            prop_assert_eq!(total, 0);
        }
    }

    #[test]
    fn amounts_near_the_end_of_the_range_are_refused_not_wrapped(first in 1..=i64::MAX, second in 1..=i64::MAX) {
        let mut book = Book::default();
        book.post(transfer(0, 1, first, 1)).unwrap();
        let fits = first.checked_add(second).is_some();
        prop_assert_eq!(book.post(transfer(0, 1, second, 2)).is_ok(), fits);
    }
}

#[test]
fn each_refusal_says_why_and_moves_nothing() {
    let mut book = Book::default();
    book.post(transfer(0, 1, 50, 1)).unwrap();
    let points = AccountKey { unit: Unit::Points, ..key(2) };
    let table = [
        ("zero", transfer(1, 2, 0, 9), LedgerError::Amount(0)),
        ("negative", transfer(1, 2, -1, 9), LedgerError::Amount(-1)),
        ("to itself", transfer(1, 1, 5, 9), LedgerError::Accounts),
        ("another shard", transfer(1, 6, 5, 9), LedgerError::Accounts),
        ("another unit", Transfer { credit: points, ..transfer(1, 2, 5, 9) }, LedgerError::Accounts),
        ("overdraft", transfer(1, 2, 51, 9), LedgerError::Overdraft { balance: 50, amount: 51 }),
        ("reference reused", transfer(0, 1, 51, 1), LedgerError::ReferenceReused),
    ];
    for (case, refused, why) in table {
        assert_eq!(book.post(refused), Err(why), "{case}");
        assert_eq!(book.balance(&key(1)), 50, "{case}");
    }
}

#[tokio::test]
async fn posting_to_the_database_keeps_balances_and_repeats_move_nothing() {
    let town = Scratch::new().await;
    let top_up = transfer(0, 1, 5_000, 1);
    let pay = transfer(1, 2, 1_250, 2);
    for round in 0..3 {
        let posted = town
            .db
            .write::<_, PostError, _>(move |tx| Box::pin(async move { post(tx, Micros(7), &[top_up, pay]).await }))
            .await
            .unwrap();
        assert_eq!(posted[1].repeated, round > 0);
        assert_eq!((posted[1].debit_balance, posted[1].credit_balance), (3_750, 1_250));
    }
    let rows: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM transfer").fetch_one(town.db.read()).await.unwrap();
    assert_eq!(rows, 2);
    let total: i64 = sqlx::query_scalar("SELECT SUM(balance) FROM account").fetch_one(town.db.read()).await.unwrap();
    assert_eq!(total, 0);
}

#[tokio::test]
async fn transfers_stand_or_fall_together() {
    let town = Scratch::new().await;
    let refused = town
        .db
        .write::<_, PostError, _>(|tx| {
            Box::pin(async move { post(tx, Micros(7), &[transfer(0, 1, 10, 1), transfer(1, 2, 11, 2)]).await })
        })
        .await;
    assert!(matches!(refused, Err(PostError::Refused { index: 1, .. })), "{refused:?}");
    for table in ["account", "transfer", "leaf"] {
        let count = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
        let rows: i64 = sqlx::query_scalar(count).fetch_one(town.db.read()).await.unwrap();
        assert_eq!(rows, 0, "{table}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_stored_ledger_agrees_with_the_model(transfers in transfers(), split in 1..8_usize) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let town = Scratch::new().await;
            let mut model = Model::default();
            for group in transfers.chunks(split) {
                // A group with a refusal in it is posted one by one, as the model does.
                for transfer in group.iter().copied() {
                    let stored = town
                        .db
                        .write::<_, PostError, _>(move |tx| Box::pin(async move { post(tx, Micros(1), &[transfer]).await }))
                        .await;
                    assert_eq!(stored.is_ok(), model.post(transfer), "{transfer:?}: {stored:?}");
                }
            }
            let mut connection = town.db.read().acquire().await.unwrap();
            for number in 0..10 {
                let key = key(number);
                let stored = store::balance(&mut connection, &key).await.unwrap();
                assert_eq!(stored, model.balances.get(&key).copied().unwrap_or(0));
            }
        });
    }
}
