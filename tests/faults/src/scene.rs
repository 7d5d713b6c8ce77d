//! What the programs left on disk, read from a copy so that nothing is disturbed.

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

/// Runs `ask` on a copy of a SQLite database with its write-ahead log, as recovery after a crash would see it.
fn on_copy<T>(database: &Path, ask: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T>) -> Result<T> {
    let folder = TempDir::new()?;
    let copy = folder.path().join("copy.db");
    for suffix in ["", "-wal"] {
        let with = |path: &Path| format!("{}{suffix}", path.display());
        if Path::new(&with(database)).exists() {
            fs::copy(with(database), with(&copy)).with_context(|| format!("copying {}", with(database)))?;
        }
    }
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut connection = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(&copy)).await?;
        ask(&mut connection).await
    })
}

fn tap_id(bytes: Vec<u8>) -> Result<TapId> {
    bytes.try_into().map(TapId).ok().context("a tap's id has 32 bytes")
}

/// The taps in a daemon's outbox.
pub(crate) fn pending(outbox: &Path) -> Result<BTreeSet<TapId>> {
    on_copy(outbox, async |connection| {
        let rows: Vec<Vec<u8>> = sqlx::query_scalar("SELECT tap_id FROM tap").fetch_all(connection).await?;
        rows.into_iter().map(tap_id).collect()
    })
}

/// The taps by cards that the service has, of one terminal.
pub(crate) fn posted(database: &Path) -> Result<BTreeMap<TapId, Posted>> {
    on_copy(database, async |connection| {
        let mut posted: BTreeMap<TapId, Posted> = BTreeMap::new();
        let taps: Vec<(Vec<u8>, i64)> = sqlx::query_as("SELECT tap_id, outcome FROM tap WHERE card_id IS NOT NULL")
            .fetch_all(&mut *connection)
            .await?;
        for (id, outcome) in taps {
            let row = posted.entry(tap_id(id)?).or_default();
            row.taps += 1;
            row.accepted = outcome == 0;
        }
        let transfers: Vec<(Vec<u8>, i64)> =
            sqlx::query_as("SELECT reference, amount FROM transfer").fetch_all(connection).await?;
        for (reference, amount) in transfers {
            let row = posted.entry(tap_id(reference)?).or_default();
            row.transfers += 1;
            row.fen += amount;
        }
        Ok(posted)
    })
}

/// The sum of all balances in fen, which is zero.
pub(crate) fn sum_fen(database: &Path) -> Result<i64> {
    on_copy(database, async |connection| {
        let sum = "SELECT CAST(COALESCE(SUM(balance), 0) AS BIGINT) FROM account WHERE unit = 1";
        Ok(sqlx::query_scalar(sum).fetch_one(connection).await?)
    })
}
