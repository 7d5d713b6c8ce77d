//! The same on a real database: two processes that post in turn, each with what it remembers; requests that come twice at
//! once; processes that lose what they remember. `PROPTEST_CASES` raises the number of sequences.

use std::cell::RefCell;
use std::collections::HashMap;

use proptest::prelude::*;
use tokio::runtime::Runtime;

use super::naive::{Outcome, TAKINGS_LIMIT};
use super::random::{CASES, Ledger, agrees, steps};
use super::*;
use crate::db::{Db, DbError, query};
use crate::testing::Scratch;

/// What `post` answered for one chain, as the model says it.
fn outcome(posted: Result<Posted, Refused>) -> Outcome {
    match posted {
        Ok(Posted::New(entries)) => Outcome::Posted(entries.iter().map(|entry| entry.id).collect()),
        Ok(Posted::Repeated) => Outcome::Repeated,
        Err(_) => Outcome::Refused,
    }
}

async fn post_one(db: &Db, at: Micros, chain: Vec<Transfer>) -> Outcome {
    let posted =
        db.write_concurrently::<_, DbError, _>(move |tx| Box::pin(async move { post(tx, at, &[chain]).await }));
    outcome(posted.await.unwrap().remove(0))
}

#[tokio::test]
async fn posting_to_the_database_keeps_balances_and_repeats_move_nothing() {
    let town = Scratch::new().await;
    for round in 0..3 {
        let chain = vec![transfer(float(), purse(1), 5_000, 1), transfer(purse(1), purse(2), 1_250, 2)];
        let expected = if round == 0 { Outcome::Posted(vec![1, 2]) } else { Outcome::Repeated };
        assert_eq!(post_one(&town.db, NOW, chain).await, expected);
    }
    let mut connection = town.db.read().await.unwrap();
    assert_eq!(store::balance(&mut connection, &purse(1)).await.unwrap(), 3_750);
    let rows: i64 = query("SELECT COUNT(*) FROM transfer").scalar_one(&mut connection).await.unwrap();
    assert_eq!(rows, 2);
}

#[tokio::test]
async fn a_chain_that_is_refused_leaves_nothing_and_those_beside_it_stand() {
    let town = Scratch::new().await;
    let refused = vec![transfer(float(), purse(3), 10, 1), transfer(purse(3), purse(2), 11, 2)];
    let chains = [vec![transfer(float(), purse(1), 10, 3)], refused.clone(), vec![transfer(purse(1), purse(2), 4, 4)]];
    assert_eq!(post_one(&town.db, NOW, refused).await, Outcome::Refused);
    for table in ["account", "transfer", "leaf"] {
        let rows: i64 = query(format!("SELECT COUNT(*) FROM {table}"))
            .scalar_one(&mut town.db.read().await.unwrap())
            .await
            .unwrap();
        assert_eq!(rows, 0, "{table}");
    }
    let posted =
        town.db.write::<_, DbError, _>(move |tx| Box::pin(async move { post(tx, NOW, &chains).await })).await.unwrap();
    let outcomes: Vec<_> = posted.into_iter().map(outcome).collect();
    assert_eq!(outcomes, [Outcome::Posted(vec![1]), Outcome::Refused, Outcome::Posted(vec![2])]);
}

#[tokio::test]
async fn a_hold_whose_time_is_over_is_ended_once_and_one_that_runs_is_left() {
    let town = Scratch::new().await;
    post_one(&town.db, NOW, vec![transfer(float(), purse(1), 100, 1)]).await;
    for (timeout, cause) in [(50, 2), (60, 3), (500, 4)] {
        post_one(&town.db, NOW, vec![hold(purse(1), takings(), 10, timeout, cause)]).await;
    }
    let expire = |at: i64| {
        let db = town.db.clone();
        async move { db.write::<_, DbError, _>(move |tx| Box::pin(expire(tx, Micros(NOW.0 + at), 100))).await.unwrap() }
    };
    assert_eq!(expire(49).await, 0);
    assert_eq!(expire(60).await, 2);
    assert_eq!(expire(60).await, 0);
    let mut connection = town.db.read().await.unwrap();
    let held: i64 = query("SELECT held FROM account WHERE kind = 1").scalar_one(&mut connection).await.unwrap();
    assert_eq!(held, 10);
    let open: Vec<i64> = query("SELECT transfer_id FROM open_hold").scalars(&mut connection).await.unwrap();
    assert_eq!(open, [4]);
}

/// A ledger in a database, and two processes that work on it.
struct Stored<'a> {
    runtime: &'a Runtime,
    processes: [(Db, RefCell<Remembered>); 2],
    steps: usize,
}

impl<'a> Stored<'a> {
    fn new(runtime: &'a Runtime, town: &Scratch, other: &Db) -> Self {
        let limited = query(
            "INSERT INTO account (shard, account_id, unit, kind, owner, credit_limit, balance, held, leaf)
             VALUES (0, 1, $1, $2, $3, $4, 0, 0, 0)",
        )
        .bind(takings().unit.number())
        .bind(takings().kind.number())
        .bind(takings().owner.0)
        .bind(TAKINGS_LIMIT);
        let db = &town.db;
        runtime.block_on(async {
            db.write::<_, DbError, _>(move |tx| {
                Box::pin(async move {
                    for table in ["account", "transfer", "open_hold", "leaf"] {
                        query(format!("DELETE FROM {table}")).execute(tx.conn()).await?;
                    }
                    query("UPDATE shard SET leaf = 0, account = 0, transfer = 0").execute(tx.conn()).await?;
                    limited.execute(tx.conn()).await?;
                    tx.lock([Shard(0)]).await?;
                    tx.numbers(Shard(0)).account = 1;
                    Ok(())
                })
            })
            .await
            .unwrap();
        });
        Self { runtime, processes: [db.clone(), other.clone()].map(|db| (db, RefCell::default())), steps: 0 }
    }
}

impl Ledger for Stored<'_> {
    fn post_linked(&mut self, at: Micros, chain: &[Transfer]) -> Outcome {
        self.steps += 1;
        let (db, remembered) = &self.processes[self.steps % 2];
        let chain = chain.to_vec();
        if self.steps.is_multiple_of(5) {
            // The same request at both processes at once: one is the first, whichever.
            let other = &self.processes[(self.steps + 1) % 2].0;
            let (one, two) = (post_one(db, at, chain.clone()), post_one(other, at, chain));
            let both = self.runtime.block_on(async { tokio::join!(one, two) });
            return match both {
                (posted @ Outcome::Posted(_), Outcome::Repeated) | (Outcome::Repeated, posted) => posted,
                (Outcome::Refused, Outcome::Refused) => Outcome::Refused,
                different => panic!("the same request twice at once: {different:?}"),
            };
        }
        if self.steps.is_multiple_of(7) {
            remembered.take();
        }
        self.runtime.block_on(async {
            let mut memory = remembered.take();
            let (posted, book, mut memory) = db
                .write_concurrently::<_, DbError, _>(move |tx| {
                    Box::pin(async move {
                        let needs = Needs::of(&chain);
                        tx.lock(needs.shards()).await?;
                        let mut book = memory.recall(tx, needs).load(tx).await?;
                        let posted = store::post_in(tx, at, &[chain], &mut book).await?.remove(0);
                        Ok((posted, book, memory))
                    })
                })
                .await
                .unwrap();
            memory.keep(&book);
            remembered.replace(memory);
            outcome(posted)
        })
    }

    fn states(&self) -> HashMap<AccountKey, (i64, i64)> {
        self.runtime.block_on(async {
            let mut connection = self.processes[0].0.read().await.unwrap();
            let accounts = store::all_accounts(&mut connection).await.unwrap();
            accounts.into_iter().map(|account| (account.key, (account.balance, account.held))).collect()
        })
    }

    fn cover(&self, payment: Transfer, risk: AccountKey) -> Covered {
        self.runtime.block_on(async {
            self.processes[0]
                .0
                .write_concurrently::<_, DbError, _>(move |tx| {
                    Box::pin(async move {
                        let needs = Needs::of([&payment]);
                        tx.lock(needs.shards()).await?;
                        Ok(cover(&store::load(tx, &needs).await?, payment, risk))
                    })
                })
                .await
                .unwrap()
        })
    }
}

/// A quarter of the sequences, so that several processors share the work.
fn the_stored_ledger_agrees(quarter: u8) {
    let runtime = Runtime::new().unwrap();
    let town = runtime.block_on(Scratch::new());
    let other = runtime.block_on(Db::open(&town.url)).unwrap();
    let cases = ProptestConfig::default().cases.max(CASES) / 4;
    let config = ProptestConfig { source_file: Some(file!()), ..ProptestConfig::with_cases(cases) };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let checked = runner.run(&steps(), |steps| agrees(Stored::new(&runtime, &town, &other), &steps).map(drop));
    checked.unwrap_or_else(|found| panic!("quarter {quarter}: {found}"));
}

#[test]
fn the_stored_ledger_agrees_with_the_model_first_quarter() {
    the_stored_ledger_agrees(1);
}

#[test]
fn the_stored_ledger_agrees_with_the_model_second_quarter() {
    the_stored_ledger_agrees(2);
}

#[test]
fn the_stored_ledger_agrees_with_the_model_third_quarter() {
    the_stored_ledger_agrees(3);
}

#[test]
fn the_stored_ledger_agrees_with_the_model_last_quarter() {
    the_stored_ledger_agrees(4);
}
