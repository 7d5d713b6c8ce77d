//! What two people do together: one asks, another agrees, and only then it is done (decision 0027).
//!
//! To add a kind: a variant of [`model::Deed`], whether it takes two in `rules`, what carries it out here, its words.

pub mod model;
pub mod pages;
pub mod rules;
pub mod store;
#[cfg(test)]
mod tests;

use card_schema::clock::Micros;
use card_schema::ids::Shard;
use card_schema::money::Fen;
use card_schema::wire::ProblemType;
use uuid::Uuid;

use self::model::{About, Answer, Deed, Objection, Request, State};
use super::member::model::{Member, Wish};
use super::{StaffId, StaffRole, member};
use crate::app::App;
use crate::db::{Connection, DbError, Tx};
use crate::domains::purse::reversal;
use crate::domains::transit::store::correction;
use crate::http::Refusal;
use crate::intake::{Policy, quarantine};

/// What becomes of a deed that somebody wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It takes one, or there is nobody else: it may be done now.
    Go,
    /// Somebody else has to agree to this request first.
    Waits(Uuid),
}

/// How much money one moves alone within a day.
pub fn limit(app: &App) -> Fen {
    Fen(app.config.limits.reversal_alone_fen)
}

/// How much money somebody, and whoever may be the same person, has moved alone within a day: has reversed, booked after all, or given
/// back by correcting journeys.
pub async fn alone(
    connection: &mut Connection,
    now: Micros,
    by: StaffId,
    everybody: &[Member],
) -> Result<Fen, DbError> {
    let hands = || store::since(&rules::one_hand(by, everybody, now), now.plus_seconds(-rules::COUNTS_SECONDS));
    let Fen(reversed) = reversal::store::alone(connection, hands()).await?;
    let Fen(booked) = quarantine::store::alone(connection, hands()).await?;
    let Fen(corrected) = correction::alone(connection, hands()).await?;
    Ok(Fen(reversed.saturating_add(booked).saturating_add(corrected)))
}

/// Asks for a deed. Where nobody else has to agree, that is recorded, and the caller does it in the same transaction.
pub async fn ask(
    tx: &mut Tx,
    now: Micros,
    new: Uuid,
    by: StaffId,
    deed: Deed,
) -> Result<Result<Asked, &'static str>, Refusal> {
    if !rules::takes_two(deed) {
        return Ok(Ok(Asked::Go));
    }
    // A form that is sent once more does not open again what somebody has answered.
    if let Some(before) = store::one(tx.conn(), new).await? {
        let is_same = before.deed == deed && before.asked_by == by;
        return Ok(if is_same { Ok(Asked::Waits(new)) } else { Err("approval-sent") });
    }
    if store::waiting(tx.conn(), now).await?.iter().any(|request| request.deed == deed) {
        return Ok(Err("approval-asked-already"));
    }
    let everybody = member::store::all(tx.conn()).await?;
    let alone = rules::is_alone(by, deed, &everybody, now);
    let request = Request {
        approval_id: new,
        deed,
        asked_by: by,
        asked_at: now,
        expires_at: now.plus_seconds(rules::OPEN_SECONDS),
        state: if alone { State::Alone } else { State::Waiting },
        decided: None,
        reason: None,
    };
    store::put(tx, now, &request).await?;
    Ok(Ok(if alone { Asked::Go } else { Asked::Waits(new) }))
}

/// Answers a request, and carries out what was agreed to.
pub async fn answer(
    app: &App,
    by: StaffId,
    approval: Uuid,
    answer: Answer,
    objection: Option<Objection>,
) -> Result<Result<(), &'static str>, Refusal> {
    let (now, policy) = (app.now(), Policy::of(&app.config));
    app.db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                // Whoever comes second sees what the first has done.
                tx.lock([Shard(0)]).await?;
                let request = store::one(tx.conn(), approval).await?.ok_or_else(unknown)?;
                let everybody = member::store::all(tx.conn()).await?;
                if let Err(key) = rules::may_answer(&request, by, answer, &everybody, now) {
                    return Ok(Err(key));
                }
                if answer == Answer::Approve
                    && let Err(overtaken) = carry_out(tx, now, policy, by, &request, &everybody).await?
                {
                    return Ok(Err(overtaken));
                }
                let reason = objection.map(|objection| objection.name().to_owned());
                let decided = Request { state: answer.state(), decided: Some((by, now)), reason, ..request };
                store::put(tx, now, &decided).await?;
                Ok(Ok(()))
            })
        })
        .await
}

/// Does what was agreed to; the key of a text where things are no longer as they were when it was asked for.
async fn carry_out(
    tx: &mut Tx,
    now: Micros,
    policy: Policy,
    by: StaffId,
    request: &Request,
    everybody: &[Member],
) -> Result<Result<(), &'static str>, Refusal> {
    match request.deed {
        Deed::Reverse(reversal) => return reversal::agreed(tx, now, request, reversal, by).await,
        Deed::Settle(settlement) => return quarantine::agreed(tx, now, policy, request, settlement, by).await,
        _ => {}
    }
    let is_about = |member: &&Member| request.deed.about() == About::Staff(member.staff.staff_id);
    let about = everybody.iter().find(is_about).ok_or_else(|| Refusal::new(ProblemType::NotFound))?;
    match rules::carried_out(request, about, now) {
        Some((_, Wish::SignInWithCard(card))) if !member::bears(tx, about, card, now).await? => Ok(Err(OVERTAKEN)),
        Some((changed, wish)) => {
            let deed = member::model::Deed { by: Some(by), wish };
            member::apply(tx, now, &changed, deed, None).await?;
            Ok(Ok(()))
        }
        None => Ok(Err(OVERTAKEN)),
    }
}

const OVERTAKEN: &str = "approval-overtaken";

/// The requests that wait for somebody with this role, oldest first.
pub async fn waiting_for(connection: &mut Connection, now: Micros, role: StaffRole) -> Result<Vec<Request>, DbError> {
    let mut waiting = store::waiting(connection, now).await?;
    waiting.retain(|request| role.may(request.deed.permission()));
    Ok(waiting)
}

fn unknown() -> Refusal {
    Refusal::because(ProblemType::NotFound, "approval-unknown")
}
