//! The work on imports: a few rows in each transaction, so that taps get their turn between them, and so that it goes on
//! where it was when the service stops in the middle.

use std::collections::BTreeMap;
use std::time::Duration;

use card_schema::ids::HolderId;
use tokio::time::MissedTickBehavior;

use super::later::Later;
use super::model::{Import, Outcome, Stage, Worked};
use super::{key, open, store};
use crate::app::App;
use crate::domains::residence::model::{ChangeReason, Facts, Field};
use crate::domains::residence::{
    Newcomer, Registration, house, protect, registered_with, rules, similar, store_all, unregister,
};
use crate::http::Refusal;
use crate::people::StaffId;

/// How many rows are worked on in one transaction.
const ROWS_AT_ONCE: u32 = 50;
/// How often it is looked whether there is work.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Works on imports as long as the service runs.
pub async fn work(app: App) {
    let mut later = Later::default();
    let mut turn = tokio::time::interval(LOOK_EVERY);
    turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        turn.tick().await;
        loop {
            match step(&app, &mut later).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    tracing::error!(?error, "it is not known which imports wait");
                    break;
                }
            }
        }
    }
}

/// Works on some rows of the import that has waited longest. False where there is no work, or none that is due.
pub(super) async fn step(app: &App, later: &mut Later) -> Result<bool, Refusal> {
    let waiting = store::waiting(&mut app.db.read().await?).await?;
    let due = waiting.into_iter().find(|(import, _)| later.is_due(import.import_id, app.now()));
    let Some((import, by)) = due else { return Ok(false) };
    match some_rows(app, import, by).await {
        Ok(()) => later.went_on(import.import_id),
        Err(error) => {
            let wait = later.failed(import.import_id, app.now());
            tracing::error!(?error, import = %import.import_id, ?wait, "an import does not go on");
        }
    }
    Ok(true)
}

async fn some_rows(app: &App, import: Import, by: StaffId) -> Result<(), Refusal> {
    let Some((outcome, next)) = import.stage.work() else { return Ok(()) };
    let rows = store::rows(&mut app.db.read().await?, import.import_id, [outcome].into_iter(), ROWS_AT_ONCE).await?;
    if rows.is_empty() {
        if import.stage == Stage::Checking {
            compare(app, import).await?;
        }
        return advance(app, import, next).await;
    }
    match import.stage {
        Stage::Checking => check(app, import, &rows).await,
        Stage::Registering => register(app, import, by, &rows).await,
        _ => undo(app, import, &rows).await,
    }
}

async fn advance(app: &App, import: Import, next: Stage) -> Result<(), Refusal> {
    let now = app.now();
    app.db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                store::advance(tx, now, import.import_id, import.stage, next).await?;
                Ok(())
            })
        })
        .await
}

/// What a row's person is, looked for among those who are registered.
async fn looked_for(app: &App, facts: &Facts) -> Result<(Outcome, Option<HolderId>), Refusal> {
    if let Some(known) = registered_with(app, facts).await? {
        return Ok((Outcome::Known, Some(known)));
    }
    Ok(match similar::alike(&app.db, &*app.keys, facts).await?.first() {
        Some(alike) => (Outcome::Alike, Some(*alike)),
        None => (Outcome::Good, None),
    })
}

async fn check(app: &App, import: Import, rows: &[store::Kept]) -> Result<(), Refusal> {
    let (id, key) = (import.import_id, key(app, import.import_id)?);
    let (mut worked, mut blinds) = (Vec::with_capacity(rows.len()), BTreeMap::<u32, [u8; 32]>::new());
    for row in rows {
        let (outcome, holder) = match rules::check(&open(&key, id, row)?, app.today()) {
            Err(_) => (Outcome::Wrong, None),
            Ok(facts) => {
                let blind =
                    protect::blind(&*app.keys, facts.get(Field::DocumentKind), facts.get(Field::DocumentNumber))?;
                let above = store::above(&mut app.db.read().await?, id, blind, row.line).await?;
                let is_twice = above.is_some() || blinds.values().any(|earlier| *earlier == blind);
                blinds.insert(row.line, blind);
                if is_twice { (Outcome::Twice, None) } else { looked_for(app, &facts).await? }
            }
        };
        worked.push(Worked { line: row.line, outcome, holder });
    }
    let blinds: Vec<_> = blinds.into_iter().collect();
    app.db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                store::keep_blinds(tx, id, &blinds).await?;
                Ok(store::keep(tx, id, &worked).await?)
            })
        })
        .await
}

/// Looks for people who stand in the sheet twice under different documents.
async fn compare(app: &App, import: Import) -> Result<(), Refusal> {
    let (id, key) = (import.import_id, key(app, import.import_id)?);
    let rows = store::rows(&mut app.db.read().await?, id, [Outcome::Good].into_iter(), u32::MAX).await?;
    let today = app.today();
    let checked = |row: &store::Kept| Ok::<_, Refusal>(rules::check(&open(&key, id, row)?, today).unwrap_or_default());
    let persons = rows.iter().map(checked).collect::<Result<Vec<_>, _>>()?;
    let alike = |place: usize| Worked { line: rows[place].line, outcome: Outcome::Alike, holder: None };
    let worked: Vec<_> = similar::repeated(&persons).into_iter().map(alike).collect();
    app.db.write::<_, Refusal, _>(move |tx| Box::pin(async move { Ok(store::keep(tx, id, &worked).await?) })).await
}

/// Registers the people of some rows. Each is looked for once more: others have been registered since, also of this sheet.
async fn register(app: &App, import: Import, by: StaffId, rows: &[store::Kept]) -> Result<(), Refusal> {
    let (id, key) = (import.import_id, key(app, import.import_id)?);
    let (mut worked, mut people, mut newcomers) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        let (outcome, holder) = match rules::check(&open(&key, id, row)?, app.today()) {
            Err(_) => (Outcome::Wrong, None),
            Ok(facts) => match looked_for(app, &facts).await? {
                (Outcome::Good, _) => {
                    people.push((row.line, facts.clone()));
                    let registration = Registration::of(facts);
                    newcomers.push(Newcomer::seal(&*app.keys, &app.random, app.db.engine(), registration)?);
                    continue;
                }
                found => found,
            },
        };
        worked.push(Worked { line: row.line, outcome, holder });
    }
    let (now, shared) = (app.now(), app.clone());
    app.db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                // Another service may have worked on these meanwhile: then what they have become stays.
                let still = store::rows(tx.conn(), id, [Outcome::Good].into_iter(), ROWS_AT_ONCE).await?;
                let first = people.iter().map(|(line, _)| line).chain(worked.iter().map(|row| &row.line)).min();
                if still.first().map(|row| &row.line) != first {
                    return Ok(());
                }
                let stored = store_all(tx, now, by, newcomers).await?;
                for ((line, facts), holder) in people.into_iter().zip(stored) {
                    if let Some(holder) = holder {
                        // Nobody is asked in which cell a house lies: one that is known already is taken.
                        house::follow(&shared, tx, by, holder, (&facts, None), ChangeReason::Changed).await?;
                    }
                    let outcome = if holder.is_some() { Outcome::Registered } else { Outcome::Known };
                    worked.push(Worked { line, outcome, holder });
                }
                store::keep(tx, id, &worked).await?;
                let is_broken = worked.iter().any(|row| row.outcome != Outcome::Registered);
                if import.is_whole && is_broken {
                    store::advance(tx, now, id, import.stage, Stage::Undoing).await?;
                }
                Ok(())
            })
        })
        .await
}

async fn undo(app: &App, import: Import, rows: &[store::Kept]) -> Result<(), Refusal> {
    let mut registered: Vec<_> = rows.iter().filter_map(|row| Some((row.holder?, row.line))).collect();
    // Shards are locked in their order.
    registered.sort_unstable_by_key(|(holder, _)| holder.shard());
    let shared = app.clone();
    app.db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                let mut worked = Vec::with_capacity(registered.len());
                for (holder, line) in registered {
                    let is_gone = unregister(&shared, tx, holder).await?;
                    let outcome = if is_gone { Outcome::Undone } else { Outcome::Kept };
                    worked.push(Worked { line, outcome, holder: (!is_gone).then_some(holder) });
                }
                Ok(store::keep(tx, import.import_id, &worked).await?)
            })
        })
        .await
}
