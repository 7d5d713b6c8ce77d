//! The ledger alone: transfers between accounts that are there, no signatures, no taps.

use std::time::Instant;

use anyhow::{Context, Result};
use card_schema::ids::Shard;
use card_service::{
    db::{Db, DbError},
    ledger::{self, AccountKey, AccountKind, Needs, Owner, Phase, Remembered, Transfer, TransferKind, Unit},
};
use tokio::task::JoinSet;

use super::installation::{Engine, now};

/// Transfers of one transaction.
const BATCH: usize = 8_000;
/// Transactions of each writer that are measured, after one that opens the accounts.
const BATCHES: usize = 12;
/// Purses in each shard.
const PURSES: u64 = 160;

/// Transfers a second on a database that is empty.
pub(super) fn transfers_per_s(engine: Engine, database_url: &str) -> Result<f64> {
    // One writer on SQLite, which has one; two on PostgreSQL, each with half of the shards.
    let writers = match engine {
        Engine::Sqlite => 1,
        Engine::Postgres => 2,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let db = Db::create(database_url).await?;
        let mut seconds: f64 = 0.0;
        let mut tasks = JoinSet::new();
        let shards = db.engine().shards() / writers;
        for writer in 0..writers {
            tasks.spawn(write(db.clone(), writer * shards..(writer + 1) * shards));
        }
        while let Some(done) = tasks.join_next().await {
            seconds = seconds.max(done.context("a writer panicked")??);
        }
        db.close().await;
        Ok(super::count(usize::from(writers) * BATCHES * BATCH) / seconds)
    })
}

/// Seconds for all but the first batch.
async fn write(db: Db, shards: std::ops::Range<u8>) -> Result<f64> {
    let mut random = fastrand::Rng::with_seed(u64::from(shards.start));
    let mut memory = Remembered::default();
    let mut began = Instant::now();
    for number in 0..=BATCHES {
        if number == 1 {
            began = Instant::now();
        }
        let chains: Vec<_> = (0..BATCH).map(|_| vec![transfer(&mut random, &shards)]).collect();
        let at = now()?;
        let (book, kept) = db
            .write_concurrently::<_, DbError, _>(move |tx| {
                Box::pin(async move {
                    let needs = Needs::of(chains.iter().flatten());
                    tx.lock(needs.shards()).await?;
                    let mut book = memory.recall(tx, needs).load(tx).await?;
                    let outcomes = ledger::store::post_in(tx, at, &chains, &mut book).await?;
                    assert!(outcomes.iter().all(Result::is_ok), "every transfer is good");
                    Ok((book, memory))
                })
            })
            .await?;
        memory = kept;
        memory.keep(&book);
    }
    Ok(began.elapsed().as_secs_f64())
}

/// Cash into a purse, somewhere.
fn transfer(random: &mut fastrand::Rng, shards: &std::ops::Range<u8>) -> Transfer {
    let shard = Shard(random.u8(shards.clone()));
    let account = |number: u64, kind| {
        let mut owner = [0; 16];
        owner[..8].copy_from_slice(&number.to_be_bytes());
        AccountKey { shard, owner: Owner(owner), kind, unit: Unit::CnyFen }
    };
    Transfer {
        debit: account(0, AccountKind::CashFloat),
        credit: account(random.u64(1..=PURSES), AccountKind::Purse),
        amount: random.i64(1..10_000),
        kind: TransferKind::TopUp,
        reference: None,
        phase: Phase::Posted,
    }
}
