//! The permit of a holder, and the list of those that somebody has to look after.

use axum::extract::{Form, Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get, post};
use card_schema::ids::HolderId;
use card_schema::wire::ProblemType;
use serde::Deserialize;

use super::model::{Act, Permit, Proof};
use super::rules::Clock;
use super::store::{self, Pending};
use super::view::{PermitPage, Scene, Wrong, due, due_page};
use super::{Application, Wish, act, open};
use crate::app::App;
use crate::console::{asking, frame::Frame, page};
use crate::domains::residence;
use crate::http::{Refusal, SignedIn, language};
use crate::people::Purpose;
use crate::people::model::Permission;

/// How much of what was done is shown.
const HISTORY_SHOWN: u32 = 20;
/// How many permits a list shows: four full lists, which are sent as they are, stay below 60 kB.
const LISTED: u32 = 40;

/// The pages by their paths.
pub fn routes() -> [(&'static str, MethodRouter<App>); 3] {
    [
        ("/permits", get(permits)),
        ("/holders/{holder_id}/permit", get(show).post(change)),
        ("/holders/{holder_id}/permit/application", post(application).get(back)),
    ]
}

fn may_serve(who: &SignedIn) -> Result<(), Refusal> {
    who.require(Permission::ServeHolders)?;
    who.require_purpose(Purpose::Permit)
}

async fn permits(State(app): State<App>, who: SignedIn, headers: HeaderMap) -> Result<Response, Refusal> {
    who.require(Permission::ServeHolders)?;
    let (locale, clock, today) = (language(&headers), Clock::on(app.today()), app.today());
    let mut lists = vec![("decisions", Pending::Decisions), ("handovers", Pending::Handovers)];
    if let Ok(last) = clock.endorsed_up_to() {
        lists.extend([("ending", Pending::Ending(today, last)), ("ended", Pending::Ended(today))]);
    }
    let mut connection = app.db.read().await?;
    let mut shown = Vec::with_capacity(lists.len());
    for (id, which) in lists {
        let found = store::pending(&mut connection, which, LISTED + 1).await?;
        shown.push(due(locale, id, clock, &found, LISTED as usize));
    }
    page(&due_page(Frame::new(locale, "/permits", Some(&who.0)), shown))
}

/// The permit of a holder.
async fn of_holder(app: &App, holder: HolderId) -> Result<Option<Permit>, Refusal> {
    let mut connection = app.db.read().await?;
    residence::require_known(&mut connection, holder).await?;
    Ok(store::current(&mut connection, holder).await?)
}

async fn shown(
    app: &App,
    who: &SignedIn,
    headers: &HeaderMap,
    holder: HolderId,
    application: Option<&Application>,
    wrong: Option<Wrong>,
) -> Result<Response, Refusal> {
    let permit = of_holder(app, holder).await?;
    let history = store::acts(&mut app.db.read().await?, holder, HISTORY_SHOWN).await?;
    let is_wrong = wrong.is_some();
    let scene = Scene {
        holder,
        permit: permit.as_ref(),
        clock: Clock::on(app.today()),
        role: who.0.role,
        application,
        history: &history,
        wrong,
    };
    let frame = Frame::new(language(headers), format!("/holders/{holder}/permit"), Some(&who.0));
    asking(&PermitPage::new(frame, &scene), is_wrong)
}

async fn show(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(holder): Path<HolderId>,
) -> Result<Response, Refusal> {
    may_serve(&who)?;
    shown(&app, &who, &headers, holder, None, None).await
}

/// Reloading an application does not open it again.
async fn back(Path(holder): Path<HolderId>) -> Redirect {
    Redirect::to(&format!("/holders/{holder}/permit"))
}

async fn application(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(holder): Path<HolderId>,
) -> Result<Response, Refusal> {
    may_serve(&who)?;
    who.require(Permission::DecidePermits)?;
    let Some(opened) = opened(&app, &who, holder).await? else { return Ok(back(Path(holder)).await.into_response()) };
    shown(&app, &who, &headers, holder, Some(&opened), None).await
}

/// What the holder's permit rests on, if there is a permit; the holder sees that it was looked at.
async fn opened(app: &App, who: &SignedIn, holder: HolderId) -> Result<Option<Application>, Refusal> {
    let Some(permit) = of_holder(app, holder).await? else { return Ok(None) };
    let (shared, by) = (app.clone(), who.0.staff_id);
    let opened = app
        .db
        .write::<_, Refusal, _>(move |tx| Box::pin(async move { open(&shared, tx, by, holder, &permit).await }))
        .await?;
    Ok(Some(opened))
}

#[derive(Deserialize)]
struct Chosen {
    act: String,
    proof: Option<String>,
    reason: Option<String>,
}

async fn change(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(holder): Path<HolderId>,
    Form(chosen): Form<Chosen>,
) -> Result<Response, Refusal> {
    may_serve(&who)?;
    let act_chosen = Act::from_name(&chosen.act).ok_or(Refusal::new(ProblemType::MalformedRequest))?;
    if act_chosen.is_decision() {
        who.require(Permission::DecidePermits)?;
    }
    let proof = chosen.proof.as_deref().and_then(Proof::from_name).filter(|_| act_chosen.needs_proof());
    let reasons = act_chosen.reasons();
    let reason = reasons.iter().copied().find(|reason| Some(*reason) == chosen.reason.as_deref());
    let wish = Wish { act: act_chosen, proof, reason };
    if (act_chosen.needs_proof() && proof.is_none()) || (!reasons.is_empty() && reason.is_none()) {
        // Whoever was deciding has the application before them again.
        let opened = if act_chosen == Act::Refuse { opened(&app, &who, holder).await? } else { None };
        return shown(&app, &who, &headers, holder, opened.as_ref(), Some(Wrong::Missing(act_chosen))).await;
    }
    let (shared, by) = (app.clone(), who.0.staff_id);
    let done = app
        .db
        .write::<_, Refusal, _>(move |tx| Box::pin(async move { act(&shared, tx, by, holder, wish).await }))
        .await?;
    match done {
        Ok(()) => Ok(back(Path(holder)).await.into_response()),
        Err(not_now) => shown(&app, &who, &headers, holder, None, Some(Wrong::NotNow(not_now))).await,
    }
}
