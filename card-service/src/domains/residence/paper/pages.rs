//! The papers of a holder: which there are, one more, one of them, and that one to be printed.

use axum::extract::{Form, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get, post};
use card_schema::envelope::paper::PaperKind;
use card_schema::ids::{HolderId, PaperNumber};
use serde::Deserialize;

use super::model::REASONS;
use super::view::{Missing, PaperPage, PapersPage, SheetPage, Wrong, new_paper};
use super::{issue, of_holder, one, sheet, withdraw};
use crate::app::App;
use crate::console::{asking, frame::Frame, page};
use crate::domains::residence;
use crate::http::{Path, Refusal, SignedIn, language};
use crate::keys::paper::CHECKED_AT;
use crate::people::model::Permission;
use crate::people::{Purpose, member};

/// The pages by their paths.
pub fn routes() -> [(&'static str, MethodRouter<App>); 4] {
    [
        ("/holders/{holder_id}/papers", get(list)),
        ("/holders/{holder_id}/papers/{paper}/print", post(print).get(back)),
        ("/holders/{holder_id}/papers/{paper}", get(show).post(take_back)),
        ("/holders/{holder_id}/papers/new", get(ask).post(add)),
    ]
}

type OfHolder = Path<(HolderId, PaperNumber)>;

fn address(holder: HolderId, number: PaperNumber) -> String {
    format!("/holders/{holder}/papers/{number}")
}

async fn list(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(holder): Path<HolderId>,
) -> Result<Response, Refusal> {
    who.require(Permission::ServeHolders)?;
    residence::require_known(&mut app.db.read().await?, holder).await?;
    let papers = of_holder(&mut app.db.read().await?, holder, app.today()).await?;
    let frame = Frame::new(language(&headers), format!("/holders/{holder}/papers"), Some(&who.0));
    page(&PapersPage::new(frame, holder, &papers))
}

fn asked(
    who: &SignedIn,
    headers: &HeaderMap,
    holder: HolderId,
    chosen: Option<PaperKind>,
    wrong: Option<&Wrong>,
) -> Result<Response, Refusal> {
    let frame = Frame::new(language(headers), format!("/holders/{holder}/papers/new"), Some(&who.0));
    new_paper(frame, holder, chosen, wrong).answer()
}

async fn ask(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(holder): Path<HolderId>,
) -> Result<Response, Refusal> {
    who.require(Permission::ServeHolders)?;
    residence::require_known(&mut app.db.read().await?, holder).await?;
    asked(&who, &headers, holder, None, None)
}

#[derive(Deserialize)]
struct Chosen {
    kind: Option<String>,
}

async fn add(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(holder): Path<HolderId>,
    Form(form): Form<Chosen>,
) -> Result<Response, Refusal> {
    who.require(Permission::ServeHolders)?;
    who.require_purpose(Purpose::Registration)?;
    let Some(kind) = form.kind.as_deref().and_then(PaperKind::from_name) else {
        return asked(&who, &headers, holder, None, Some(&Wrong::Missing));
    };
    let (shared, by) = (app.clone(), who.0.staff_id);
    let issued = app
        .db
        .write::<_, Refusal, _>(move |tx| Box::pin(async move { issue(&shared, tx, by, holder, kind).await }))
        .await?;
    match issued {
        Ok(number) => Ok(Redirect::to(&address(holder, number)).into_response()),
        Err(not_now) => asked(&who, &headers, holder, Some(kind), Some(&Wrong::NotNow(not_now))),
    }
}

async fn shown(
    app: &App,
    who: &SignedIn,
    headers: &HeaderMap,
    (holder, number): (HolderId, PaperNumber),
    missing: Option<Missing>,
) -> Result<Response, Refusal> {
    let mut connection = app.db.read().await?;
    let (paper, standing) = one(&mut connection, holder, number, app.today()).await?;
    let by = member::store::one(&mut connection, paper.by).await?.map_or_else(String::new, |by| by.staff.name);
    let frame = Frame::new(language(headers), address(holder, number), Some(&who.0));
    asking(&PaperPage::new(frame, (&paper, standing), who.0.role, &by, missing), missing.is_some())
}

async fn show(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(of): OfHolder,
) -> Result<Response, Refusal> {
    who.require(Permission::ServeHolders)?;
    shown(&app, &who, &headers, of, None).await
}

#[derive(Deserialize)]
struct Why {
    change: Option<String>,
}

async fn take_back(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(of): OfHolder,
    Form(form): Form<Why>,
) -> Result<Response, Refusal> {
    who.require(Permission::ServeHolders)?;
    let Some(reason) = REASONS.into_iter().find(|reason| Some(*reason) == form.change.as_deref()) else {
        return shown(&app, &who, &headers, of, Some(Missing::Reason)).await;
    };
    let (shared, by) = (app.clone(), who.0.staff_id);
    app.db
        .write::<_, Refusal, _>(move |tx| Box::pin(async move { withdraw(&shared, tx, by, of, reason).await }))
        .await?;
    Ok(back(Path(of)).await.into_response())
}

/// Reloading what was to be printed does not open it again.
async fn back(Path((holder, number)): OfHolder) -> Redirect {
    Redirect::to(&address(holder, number))
}

#[derive(Deserialize)]
struct Reason {
    reason: Option<String>,
}

async fn print(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path((holder, number)): OfHolder,
    Form(form): Form<Reason>,
) -> Result<Response, Refusal> {
    who.require(Permission::ServeHolders)?;
    let Some(purpose) = form.reason.as_deref().and_then(Purpose::from_name) else {
        return shown(&app, &who, &headers, (holder, number), Some(Missing::Purpose)).await;
    };
    who.require_purpose(purpose)?;
    let sheet = sheet(&app, who.0.staff_id, (holder, number), purpose).await?;
    let frame = Frame::new(language(&headers), format!("{}/print", address(holder, number)), Some(&who.0));
    page(&SheetPage::new(frame, &sheet, &format!("{}{CHECKED_AT}", app.public_url)))
}
