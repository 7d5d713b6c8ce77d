//! Visitors' passes: for which sites, those of one, one more, one of them, and that one to be printed.

use axum::extract::{Form, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get};
use card_schema::ids::{PaperNumber, SiteId};
use card_schema::wire::ProblemType;

use super::view::{LIST, PassSheet, address, form, of_site, passes as list_of, read, sites as sites_of, thing};
use super::{issue, one, site, text, withdraw};
use crate::app::App;
use crate::console::frame::Frame;
use crate::console::register::{Typed, Wrong};
use crate::console::{asking, page};
use crate::domains::gate::model::Standing;
use crate::domains::gate::rules::standing;
use crate::domains::gate::store::{self, passes};
use crate::http::{Path, Refusal, SignedIn, language};
use crate::keys::paper::CHECKED_AT;
use crate::people::member;
use crate::people::model::Permission;

/// How long a pass that is over stays in the list, in seconds.
const KEPT_SECONDS: i64 = 7 * 86_400;
/// How many the list shows.
const SHOWN: u32 = 200;

/// The pages by their paths.
pub fn routes() -> [(&'static str, MethodRouter<App>); 5] {
    [
        (LIST, get(sites)),
        ("/passes/{site_id}", get(list)),
        ("/passes/{site_id}/new", get(ask).post(give)),
        ("/passes/{site_id}/{pass}", get(show).post(take_back)),
        ("/passes/{site_id}/{pass}/print", get(print)),
    ]
}

type OfSite = Path<(SiteId, PaperNumber)>;

async fn sites(State(app): State<App>, who: SignedIn, headers: HeaderMap) -> Result<Response, Refusal> {
    who.require(Permission::ServeHolders)?;
    let mut found = store::sites(&mut app.db.read().await?).await?;
    found.retain(|site| !site.closed);
    page(&sites_of(Frame::new(language(&headers), LIST, Some(&who.0)), &found))
}

async fn list(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(id): Path<SiteId>,
) -> Result<Response, Refusal> {
    who.require(Permission::ServeHolders)?;
    let (mut connection, now) = (app.db.read().await?, app.now());
    let site = site(&mut connection, id).await?;
    let found = passes::of_site(&mut connection, id, now.plus_seconds(-KEPT_SECONDS), SHOWN).await?;
    let found: Vec<_> = found.into_iter().map(|pass| (pass, standing(&pass, site.closed, now))).collect();
    page(&list_of(Frame::new(language(&headers), of_site(id), Some(&who.0)), &site, &found))
}

async fn asked(
    app: &App,
    who: &SignedIn,
    headers: &HeaderMap,
    id: SiteId,
    sent: &Typed,
    wrong: Wrong,
) -> Result<Response, Refusal> {
    let site = site(&mut app.db.read().await?, id).await?;
    let frame = Frame::new(language(headers), format!("{}/new", of_site(id)), Some(&who.0));
    form(frame, &site, sent, wrong).answer()
}

async fn ask(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(id): Path<SiteId>,
) -> Result<Response, Refusal> {
    who.require(Permission::ServeHolders)?;
    let today = [("from_day".to_owned(), app.today().to_string())].into();
    asked(&app, &who, &headers, id, &today, None).await
}

async fn give(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(id): Path<SiteId>,
    Form(sent): Form<Typed>,
) -> Result<Response, Refusal> {
    who.require(Permission::ServeHolders)?;
    let wish = match read(&sent) {
        Ok(wish) => wish,
        Err(wrong) => return asked(&app, &who, &headers, id, &sent, Some(wrong)).await,
    };
    let (shared, by) = (app.clone(), who.0.staff_id);
    let issued =
        app.db.write::<_, Refusal, _>(move |tx| Box::pin(async move { issue(&shared, tx, by, id, wish).await }));
    match issued.await? {
        Ok(number) => Ok(Redirect::to(&address(id, number)).into_response()),
        Err(wrong) => asked(&app, &who, &headers, id, &sent, Some(wrong)).await,
    }
}

async fn shown(
    app: &App,
    who: &SignedIn,
    headers: &HeaderMap,
    (id, number): (SiteId, PaperNumber),
    wrong: Wrong,
) -> Result<Response, Refusal> {
    let mut connection = app.db.read().await?;
    let (site, pass, stands) = one(app, &mut connection, id, number).await?;
    let by = member::store::one(&mut connection, pass.by).await?.map_or_else(String::new, |by| by.staff.name);
    let frame = Frame::new(language(headers), address(id, number), Some(&who.0));
    asking(&thing(frame, (&site, &pass, stands), &by, wrong), wrong.is_some())
}

async fn show(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(of): OfSite,
) -> Result<Response, Refusal> {
    who.require(Permission::ServeHolders)?;
    shown(&app, &who, &headers, of, None).await
}

async fn take_back(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path((id, number)): OfSite,
) -> Result<Response, Refusal> {
    who.require(Permission::ServeHolders)?;
    let (shared, by) = (app.clone(), who.0.staff_id);
    let withdrawn =
        app.db.write::<_, Refusal, _>(move |tx| Box::pin(async move { withdraw(&shared, tx, by, id, number).await }));
    if withdrawn.await? {
        Ok(Redirect::to(&address(id, number)).into_response())
    } else {
        shown(&app, &who, &headers, (id, number), Some(("withdraw", "gate-pass-not-good"))).await
    }
}

async fn print(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path((id, number)): OfSite,
) -> Result<Response, Refusal> {
    who.require(Permission::ServeHolders)?;
    let (site, pass, stands) = one(&app, &mut app.db.read().await?, id, number).await?;
    if !matches!(stands, Standing::Good | Standing::NotYet) {
        return Err(Refusal::because(ProblemType::Conflict, "gate-pass-not-good"));
    }
    let frame = Frame::new(language(&headers), format!("{}/print", address(id, number)), Some(&who.0));
    let checked_at = format!("{}{CHECKED_AT}", app.public_url);
    page(&PassSheet::new(frame, &site, &pass, &text(&app, &pass)?, &checked_at))
}
