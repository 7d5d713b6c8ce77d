//! What the programs left on disk. A program that is dead or frozen is read from a copy, as recovery after a crash
//! would see it; one that runs is read beside it, through the database's own locks: a copy of moving files shows nothing
//! true. A database on a server is asked there, whatever became of the program.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use card_schema::ids::TapId;
use card_service::db::{self, Connection, Db, DbError};
use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::checker::Posted;

/// Whether the program that owns a database writes to it meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// Dead or frozen.
    Still,
    /// At work.
    Running,
}

/// Copies a SQLite database of a program that is still into a folder.
fn copy(database: &Path, folder: &Path) -> Result<PathBuf> {
    let copy = folder.join("copy.db");
    for suffix in ["", "-wal"] {
        let with = |path: &Path| format!("{}{suffix}", path.display());
        if Path::new(&with(database)).exists() {
            fs::copy(with(database), with(&copy)).with_context(|| format!("copying {}", with(database)))?;
        }
    }
    Ok(copy)
}

fn runtime() -> Result<Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

/// Runs `ask` on a daemon's outbox.
fn ask_outbox<T>(outbox: &Path, owner: Owner, ask: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T>) -> Result<T> {
    let folder = TempDir::new()?;
    let options = match owner {
        Owner::Running => SqliteConnectOptions::new().filename(outbox).read_only(true),
        Owner::Still => SqliteConnectOptions::new().filename(copy(outbox, folder.path())?),
    };
    runtime()?.block_on(async {
        let mut connection = SqliteConnection::connect_with(&options).await?;
        let answer = ask(&mut connection).await;
        connection.close().await?;
        answer
    })
}

/// Runs `ask` on one state of a service's database.
fn ask_service<T>(
    database_url: &str,
    owner: Owner,
    ask: impl AsyncFnOnce(&mut Connection) -> Result<T, DbError>,
) -> Result<T> {
    let folder = TempDir::new()?;
    let url = match (owner, database_url.strip_prefix("sqlite:")) {
        (Owner::Still, Some(file)) => format!("sqlite:{}", copy(Path::new(file), folder.path())?.display()),
        _ => database_url.to_owned(),
    };
    runtime()?.block_on(async {
        let db = Db::open(&url).await?;
        let answer = db.snapshot(ask).await;
        db.close().await;
        Ok(answer?)
    })
}

fn tap_id(bytes: Vec<u8>) -> Result<TapId> {
    bytes.try_into().map(TapId).ok().context("a tap's id has 32 bytes")
}

/// The taps by cards in a daemon's outbox.
pub(crate) fn pending(outbox: &Path, owner: Owner) -> Result<BTreeSet<TapId>> {
    ask_outbox(outbox, owner, async |connection| {
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
    ask_outbox(outbox, Owner::Running, count)
}

/// The taps by cards that the service has, with what moved because of them.
pub(crate) fn posted(database_url: &str, owner: Owner) -> Result<BTreeMap<TapId, Posted>> {
    const TAPS: &str = "SELECT tap_id, outcome FROM tap WHERE card_id IS NOT NULL";
    const TRANSFERS: &str =
        "SELECT t.tap_id, m.amount FROM transfer m JOIN tap t ON t.shard = m.shard AND t.leaf = m.leaf";
    let (taps, transfers) = ask_service(database_url, owner, async |connection| {
        let rows = async |text, connection: &mut Connection| -> Result<Vec<(Vec<u8>, i64)>, DbError> {
            db::query(text).all(connection).await?.iter().map(|row| Ok((row.at(0)?, row.at(1)?))).collect()
        };
        Ok((rows(TAPS, connection).await?, rows(TRANSFERS, connection).await?))
    })?;
    let mut posted: BTreeMap<TapId, Posted> = BTreeMap::new();
    for (id, outcome) in taps {
        let row = posted.entry(tap_id(id)?).or_default();
        row.taps += 1;
        row.accepted = outcome == 0;
    }
    for (tap, amount) in transfers {
        let row = posted.entry(tap_id(tap)?).or_default();
        row.transfers += 1;
        row.fen += amount;
    }
    Ok(posted)
}

/// The sum of all balances in fen, which is zero, of a service that runs.
pub(crate) fn sum_fen(database_url: &str) -> Result<i64> {
    const SUM: &str = "SELECT CAST(COALESCE(SUM(balance), 0) AS BIGINT) FROM account WHERE unit = 1";
    ask_service(database_url, Owner::Running, async |connection| db::query(SUM).scalar_one(connection).await)
}

/// Every checkpoint of the log, as signed notes, of a service that runs.
pub(crate) fn checkpoints(database_url: &str) -> Result<BTreeSet<String>> {
    let notes = async |connection: &mut Connection| db::query("SELECT note FROM checkpoint").scalars(connection).await;
    Ok(ask_service::<Vec<String>>(database_url, Owner::Running, notes)?.into_iter().collect())
}
