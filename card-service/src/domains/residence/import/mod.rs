//! Registering many at once from a spreadsheet of a dormitory or an employer: looked at row by row, shown to its sender,
//! registered whole or as far as it is in order, and taken back again as long as nothing was done with the records.
//!
//! A sheet is its sender's own, as a draft is: its rows are sealed under a key of the import and go after some days. The
//! work goes on in the background (`run`), a few rows in each transaction, and where it was left off after a restart.

mod columns;
mod later;
pub mod model;
pub mod pages;
mod run;
pub mod sheet;
pub mod store;
#[cfg(test)]
mod tests;
pub mod view;
pub mod workbook;

use card_schema::wire::ProblemType;
use uuid::Uuid;

use self::model::{Import, Stage};
use super::model::Facts;
use super::protect::{self, SealingKey};
use crate::app::App;
use crate::db::DbError;
use crate::http::Refusal;
use crate::keys::KeyError;
use crate::people::StaffId;

pub use run::work;

/// How long nothing need be done with an import.
const KEPT_SECONDS: i64 = 7 * 86_400;

/// Keeps a spreadsheet that was read, to be looked at.
///
/// # Errors
/// When keys or database fail.
pub async fn begin(app: &App, by: StaffId, lines: &[sheet::Line]) -> Result<Uuid, Refusal> {
    let (id, now) = (app.new_id(), app.now());
    let key = key(app, id)?;
    let mut rows = Vec::with_capacity(lines.len());
    for (line, facts) in lines {
        rows.push((*line, protect::seal_typed(&key, &place(id, *line), facts, *app.random_bytes()?)?));
    }
    app.db
        .write::<_, Refusal, _>(move |tx| Box::pin(async move { Ok(store::insert(tx, now, id, by, &rows).await?) }))
        .await?;
    Ok(id)
}

/// Somebody's import.
///
/// # Errors
/// `NotFound` where it is another's, or old.
pub async fn load(app: &App, by: StaffId, id: Uuid) -> Result<Import, Refusal> {
    store::one(&mut app.db.read().await?, id, by).await?.ok_or(unknown())
}

/// What is to be done with an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Register all, or none where one of them cannot be.
    All,
    /// Register those who can be.
    Good,
    /// Take back who was registered.
    Undo,
    /// Give it up.
    Discard,
}

/// Does with an import what somebody wishes.
///
/// # Errors
/// `NotFound` where it is another's, `Conflict` where that cannot be done with it now.
pub async fn wish(app: &App, by: StaffId, id: Uuid, wish: Wish) -> Result<(), Refusal> {
    let now = app.now();
    app.db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                let import = store::one(tx.conn(), id, by).await?.ok_or(unknown())?;
                let counts = store::counts(tx.conn(), id).await?;
                let not_now = || Refusal::because(ProblemType::Conflict, "import-not-now");
                let next = match (wish, import.stage) {
                    (Wish::All, Stage::Checked) if counts.rejected() > 0 => {
                        return Err(Refusal::because(ProblemType::Conflict, "import-not-all"));
                    }
                    (Wish::All | Wish::Good, Stage::Checked) => Stage::Registering,
                    (Wish::Undo, Stage::Done) => Stage::Undoing,
                    (Wish::Discard, Stage::Checked | Stage::Undone | Stage::Done) => {
                        return Ok(store::remove(tx, id).await?);
                    }
                    _ => return Err(not_now()),
                };
                store::set_whole(tx, id, wish == Wish::All).await?;
                store::advance(tx, now, id, import.stage, next).await?;
                Ok(())
            })
        })
        .await
}

/// Removes imports with which nothing was done for too long; who was registered stays.
///
/// # Errors
/// When the database fails.
pub async fn forget_old(app: &App) -> Result<(), DbError> {
    let since = app.now().plus_seconds(-KEPT_SECONDS);
    app.db.write_concurrently(move |tx| Box::pin(store::remove_older(tx, since))).await
}

const fn unknown() -> Refusal {
    Refusal::because(ProblemType::NotFound, "import-unknown")
}

fn key(app: &App, id: Uuid) -> Result<SealingKey, KeyError> {
    protect::derived(&*app.keys, b"nrc/import/v1", id.as_bytes())
}

fn place(id: Uuid, line: u32) -> Vec<u8> {
    protect::place(&[&id.as_bytes()[..], &line.to_be_bytes()].concat(), "import_row", "sealed")
}

/// What a row says, as it was typed.
fn open(key: &SealingKey, id: Uuid, row: &store::Kept) -> Result<Facts, Refusal> {
    protect::open_typed(key, &place(id, row.line), &row.sealed)
}
