//! Suspicion: terminals at which the counts of a day look wrong, for an auditor to look at (decision 0047).
//!
//! Counted is what terminals have brought, never what a person has done; nothing is blocked, and nobody stands on a list. Gates
//! are not counted at all. Not here: what is refused (`decide`, the rooms' limits), what is held (`quarantine`).

pub mod model;
pub mod pages;
pub mod rules;
pub mod store;
#[cfg(test)]
mod tests;

use card_schema::clock::Micros;
use card_schema::ids::Shard;
use card_schema::wire::ProblemType;
use uuid::Uuid;

use self::model::{Bounds, Finding, Suspicion};
use crate::app::App;
use crate::db::{DbError, Tx};
use crate::http::Refusal;
use crate::people::StaffId;

/// Counts what terminals have brought until now, and notes what looks wrong. How many of these are new.
///
/// # Errors
/// When the database fails.
pub async fn look(app: &App, bounds: Bounds) -> Result<usize, DbError> {
    let now = app.now();
    let mut found = Vec::new();
    for (terminal, counts) in count(app, now, bounds).await? {
        found.extend(rules::broken(&counts, bounds).into_iter().map(|(rule, most)| Suspicion {
            id: app.new_id(),
            terminal,
            rule,
            found_at: now,
            most,
            counts,
        }));
    }
    if found.is_empty() {
        return Ok(0);
    }
    app.db.write::<_, DbError, _>(move |tx| Box::pin(async move { note(tx, found).await })).await
}

/// What each terminal has brought within a day, those alone at which something may be wrong.
async fn count(app: &App, now: Micros, bounds: Bounds) -> Result<store::Counted, DbError> {
    let mut connection = app.db.read().await?;
    let mut counted = store::counts(&mut connection, now, bounds).await?;
    counted.retain(|_, counts| rules::may_be_broken(counts, bounds));
    if !counted.is_empty() {
        store::sum(&mut connection, now, &mut counted).await?;
    }
    Ok(counted)
}

/// Writes what is new: under one rule a terminal is noted once a day, and not again before somebody has looked.
async fn note(tx: &mut Tx, found: Vec<Suspicion>) -> Result<usize, DbError> {
    tx.lock([Shard(0)]).await?;
    let mut new = 0;
    for suspicion in found {
        if store::is_noted(tx.conn(), &suspicion).await? {
            continue;
        }
        tracing::warn!(terminal = %suspicion.terminal, rule = suspicion.rule.name(), "what a terminal brings looks wrong");
        store::insert(tx, &suspicion).await?;
        new += 1;
    }
    Ok(new)
}

/// Writes what somebody has found; the key of a text where somebody else was first.
pub async fn review(app: &App, by: StaffId, id: Uuid, finding: Finding) -> Result<Result<(), &'static str>, Refusal> {
    let now = app.now();
    app.db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                tx.lock([Shard(0)]).await?;
                let noted = store::one(tx.conn(), id).await?.ok_or_else(unknown)?;
                if noted.review.is_some() {
                    return Ok(Err("suspicion-reviewed"));
                }
                store::insert_review(tx, now, id, by, finding).await?;
                Ok(Ok(()))
            })
        })
        .await
}

fn unknown() -> Refusal {
    Refusal::because(ProblemType::NotFound, "suspicion-unknown")
}
