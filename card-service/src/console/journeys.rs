//! The journeys of one person that can still be disputed, for whoever says why that is read: what each cost and why, and what a
//! validator has missed or taken wrongly is put right.
//!
//! Where somebody was is a trail: looking at it leaves a leaf like any other read of the record, and is for those who may move money back.

mod view;

#[cfg(test)]
pub(super) mod tests;

use std::sync::Arc;

use axum::extract::{Form, Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use card_schema::clock::Micros;
use card_schema::date::Date;
use card_schema::ids::{HolderId, OrganisationId, TapId};
use card_schema::operation::transit::Side;

use self::view::Seen;
use super::asking;
use super::part::{Part, Told};
use super::register::{Typed, typed};
use crate::app::App;
use crate::db::{DbError, Tx};
use crate::domains::gate::rules::{minute as minute_of, moment as moment_of};
use crate::domains::residence::{self, merge};
use crate::domains::transit::concession::By;
use crate::domains::transit::correction::{self, Allowance, COUNTED, Missing, Reason, Wish};
use crate::domains::transit::{Fares, history, store};
use crate::folding::rules::Retention;
use crate::hex;
use crate::http::{Refusal, SignedIn};
use crate::people::model::Permission;
use crate::people::{StaffId, approval, member, organisation};

/// The page of this file.
pub(super) fn routes() -> [(&'static str, MethodRouter<App>); 1] {
    [("/holders/{holder_id}/journeys", get(ask).post(show))]
}

const PART: Part = Part::of_record("/journeys", "journeys", Permission::ReverseTransfers);

async fn ask(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(holder): Path<HolderId>,
) -> Result<Response, Refusal> {
    PART.ask(&app, &who, &headers, holder).await
}

/// The moment of a day and a time, as clocks in China show them.
fn moment(form: &Typed) -> Result<Micros, correction::Wrong> {
    let day: Date = typed(form, "day").trim().parse().map_err(|_| ("day", "journeys-day-bad"))?;
    let minute = minute_of(typed(form, "time")).filter(|minute| *minute < 1_440);
    Ok(moment_of(day, minute.ok_or(("time", "journeys-time-bad"))?))
}

/// Why something is corrected, of what may be said there.
fn because(form: &Typed, deed: correction::Deed, field: &'static str) -> Result<Reason, correction::Wrong> {
    let reason = Reason::from_name(typed(form, field)).filter(|reason| deed.reasons().contains(reason));
    reason.ok_or((field, "journeys-because-missing"))
}

/// What a form asks to be done, if it asks for anything.
fn read(form: &Typed) -> Result<Option<Wish>, correction::Wrong> {
    match typed(form, "act") {
        "add" => {
            let side = match typed(form, "side") {
                "on" => Side::On,
                "off" => Side::Off,
                _ => return Err(("side", "journeys-side-missing")),
            };
            let text = |field: &str| typed(form, field).trim().to_owned();
            let operator = typed(form, "operator");
            let operator = operator.parse::<OrganisationId>().ok().filter(|_| !operator.is_empty());
            let missing = Missing { at: moment(form)?, side, stop: text("stop"), route: text("route"), operator };
            Ok(Some(Wish::Add(missing, because(form, correction::Deed::Added, "missed")?)))
        }
        "strike" => {
            let tap = hex::decode(typed(form, "strikes")).and_then(|bytes| bytes.try_into().ok());
            let tap = TapId(tap.ok_or(("strikes", "journeys-strikes-missing"))?);
            Ok(Some(Wish::Strike(tap, because(form, correction::Deed::Struck, "mistaken")?)))
        }
        _ => Ok(None),
    }
}

/// What whoever asks may correct, and how much they may still give back without another.
async fn allowance(tx: &mut Tx, app: &App, by: StaffId, now: Micros) -> Result<Allowance, DbError> {
    let everybody = member::store::all(tx.conn()).await?;
    let alone = approval::alone(tx.conn(), now, by, &everybody).await?;
    let is_alone = approval::rules::is_only_one(by, Permission::ReverseTransfers, everybody.iter(), now);
    let since = Retention::from(app.config.limits).disputed_since(now);
    Ok(Allowance { since, alone, limit: (!is_alone).then(|| approval::limit(app)) })
}

/// What is shown of somebody.
async fn seen(tx: &mut Tx, fares: &Fares, holder: HolderId, now: Micros) -> Result<Seen, DbError> {
    let riding = history::riding(tx.conn(), holder).await?;
    let organisations = organisation::store::all(tx.conn()).await?.into_iter();
    Ok(Seen {
        told: fares.told(&riding, now),
        showings: riding.showings,
        corrections: store::correction::of(tx.conn(), holder).await?,
        operators: store::correction::operators(tx.conn()).await?,
        names: organisations.map(|one| (one.organisation.organisation_id, one.organisation.name)).collect(),
    })
}

async fn show(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(holder): Path<HolderId>,
    Form(form): Form<Typed>,
) -> Result<Response, Refusal> {
    let (frame, purpose) = match PART.told(&who, &headers, holder, &form)? {
        Told::Why(frame, purpose) => (frame, purpose),
        Told::Nothing(question) => return Ok(question),
    };
    let by = By { staff: who.0.staff_id, now: app.now(), today: app.today() };
    let wish = read(&form);
    let new = (TapId(*app.random_bytes()?), *app.random_bytes()?);
    let fares = app.fares.now(&mut app.db.read().await?, by.now).await?;
    let (asked, office) = (Arc::clone(&fares), app.clone());
    let (wrong, seen) = app
        .db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                tx.lock([COUNTED, holder.shard()]).await?;
                residence::require_known(tx.conn(), holder).await?;
                let wrong = match wish {
                    Ok(None) => None,
                    Ok(Some(wish)) => {
                        merge::require_primary(tx.conn(), holder).await?;
                        let hands = (by, Box::pin(allowance(tx, &office, by.staff, by.now)).await?);
                        Box::pin(correction::carry_out(tx, &asked, hands, holder, wish, new)).await?.err()
                    }
                    Err(wrong) => Some(wrong),
                };
                let what = correction::READ;
                residence::store::record_read(tx, by.now, holder, by.staff, purpose, what).await?;
                Ok((wrong, Box::pin(seen(tx, &asked, holder, by.now)).await?))
            })
        })
        .await?;
    // What was done is not offered to be done once more.
    let form = if wrong.is_some() { form } else { Typed::new() };
    asking(&view::thing(frame, holder, purpose, (&fares, &seen), by.today, (&form, wrong)), wrong.is_some())
}
