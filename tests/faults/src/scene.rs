//! What the programs left on disk. A program that is dead or frozen is read from a copy, as recovery after a crash
//! would see it; one that runs is read beside it, through SQLite's own locks: a copy of moving files shows nothing true.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use anyhow::{Context, Result};
use card_schema::ids::TapId;
use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

use crate::checker::Posted;

/// Whether the program that owns a database writes to it meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// Dead or frozen.
    Still,
    /// At work.
    Running,
}

/// Runs `ask` on a SQLite database of another program.
fn ask<T>(database: &Path, owner: Owner, ask: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T>) -> Result<T> {
    let folder = TempDir::new()?;
    let options = match owner {
        Owner::Running => SqliteConnectOptions::new().filename(database).read_only(true),
        Owner::Still => {
            let copy = folder.path().join("copy.db");
            for suffix in ["", "-wal"] {
                let with = |path: &Path| format!("{}{suffix}", path.display());
                if Path::new(&with(database)).exists() {
                    fs::copy(with(database), with(&copy)).with_context(|| format!("copying {}", with(database)))?;
                }
            }
            SqliteConnectOptions::new().filename(copy)
        }
    };
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut connection = SqliteConnection::connect_with(&options).await?;
        let answer = ask(&mut connection).await;
        connection.close().await?;
        answer
    })
}

fn tap_id(bytes: Vec<u8>) -> Result<TapId> {
    bytes.try_into().map(TapId).ok().context("a tap's id has 32 bytes")
}

/// The taps by cards in a daemon's outbox.
pub(crate) fn pending(outbox: &Path, owner: Owner) -> Result<BTreeSet<TapId>> {
    ask(outbox, owner, async |connection| {
        let taps = sqlx::query_scalar("SELECT tap_id FROM tap WHERE card IS NOT NULL");
        let rows: Vec<Vec<u8>> = taps.fetch_all(connection).await?;
        rows.into_iter().map(tap_id).collect()
    })
}

/// How many taps, the terminal's own included, wait in the outbox of a daemon that runs.
pub(crate) fn waiting(outbox: &Path) -> Result<i64> {
    let count = async |connection: &mut SqliteConnection| {
        Ok(sqlx::query_scalar("SELECT COUNT(*) FROM tap").fetch_one(connection).await?)
    };
    ask(outbox, Owner::Running, count)
}

/// The taps by cards that the service has, with what moved because of them.
pub(crate) fn posted(database: &Path, owner: Owner) -> Result<BTreeMap<TapId, Posted>> {
    ask(database, owner, async |connection| {
        // One snapshot for both: the service may go on in between.
        let mut tx = connection.begin().await?;
        let mut posted: BTreeMap<TapId, Posted> = BTreeMap::new();
        let taps: Vec<(Vec<u8>, i64)> =
            sqlx::query_as("SELECT tap_id, outcome FROM tap WHERE card_id IS NOT NULL").fetch_all(&mut *tx).await?;
        for (id, outcome) in taps {
            let row = posted.entry(tap_id(id)?).or_default();
            row.taps += 1;
            row.accepted = outcome == 0;
        }
        let transfers: Vec<(Vec<u8>, i64)> = sqlx::query_as(
            "SELECT t.tap_id, m.amount FROM transfer m JOIN tap t ON t.shard = m.shard AND t.leaf = m.leaf",
        )
        .fetch_all(&mut *tx)
        .await?;
        for (tap, amount) in transfers {
            let row = posted.entry(tap_id(tap)?).or_default();
            row.transfers += 1;
            row.fen += amount;
        }
        Ok(posted)
    })
}

/// The sum of all balances in fen, which is zero, of a service that runs.
pub(crate) fn sum_fen(database: &Path) -> Result<i64> {
    ask(database, Owner::Running, async |connection| {
        let sum = "SELECT CAST(COALESCE(SUM(balance), 0) AS BIGINT) FROM account WHERE unit = 1";
        Ok(sqlx::query_scalar(sum).fetch_one(connection).await?)
    })
}
