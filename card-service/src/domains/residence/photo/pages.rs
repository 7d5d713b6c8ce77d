//! The page on which a photo is taken, with the computer's camera or from a file, and removed.

use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::HeaderMap;
use axum::response::{Redirect, Response};
use axum::routing::{MethodRouter, get, post};
use card_schema::ids::HolderId;

use super::picture::{self, MAX_BYTES, Unusable};
use super::view::{PhotoPage, Scene};
use super::{keep, store};
use crate::app::App;
use crate::console::input::{NoFile, file};
use crate::console::{asking, frame::Frame};
use crate::domains::residence;
use crate::http::{Refusal, SignedIn, language};
use crate::people::Purpose;
use crate::people::model::Permission;

/// The pages by their paths.
pub fn routes() -> [(&'static str, MethodRouter<App>); 2] {
    let take = post(take).layer(DefaultBodyLimit::max(MAX_BYTES + NoFile::FORM_BYTES));
    [
        ("/holders/{holder_id}/photo", get(show).merge(take)),
        ("/holders/{holder_id}/photo/remove", post(remove).get(back)),
    ]
}

fn may_take(who: &SignedIn) -> Result<(), Refusal> {
    who.require(Permission::ServeHolders)?;
    who.require_purpose(Purpose::Registration)
}

async fn shown(
    app: &App,
    who: &SignedIn,
    headers: &HeaderMap,
    holder: HolderId,
    scene: Scene<'_>,
) -> Result<Response, Refusal> {
    let mut connection = app.db.read().await?;
    residence::require_known(&mut connection, holder).await?;
    let taken = store::taken(&mut connection, holder).await?.map(|(at, _)| at);
    drop(connection);
    let frame = Frame::new(language(headers), format!("/holders/{holder}/photo"), Some(&who.0));
    asking(&PhotoPage::new(frame, holder, taken, scene), matches!(scene, Scene::Wrong(_)))
}

async fn show(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(holder): Path<HolderId>,
) -> Result<Response, Refusal> {
    may_take(&who)?;
    shown(&app, &who, &headers, holder, Scene::Asked).await
}

async fn take(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(holder): Path<HolderId>,
    request: Request,
) -> Result<Response, Refusal> {
    may_take(&who)?;
    let portrait = match file(request, "picture").await {
        Ok(file) => tokio::task::spawn_blocking(move || picture::portrait(&file)).await.map_err(Refusal::internal)?,
        Err(NoFile::Missing) => Err(Unusable::Missing),
        Err(NoFile::TooLarge) => Err(Unusable::TooLarge),
    };
    match portrait {
        Ok(portrait) => {
            keep(&app, who.0.staff_id, holder, Some(portrait.clone())).await?;
            shown(&app, &who, &headers, holder, Scene::Taken(&portrait)).await
        }
        Err(unusable) => shown(&app, &who, &headers, holder, Scene::Wrong(unusable)).await,
    }
}

async fn remove(State(app): State<App>, who: SignedIn, Path(holder): Path<HolderId>) -> Result<Redirect, Refusal> {
    may_take(&who)?;
    keep(&app, who.0.staff_id, holder, None).await?;
    Ok(Redirect::to(&format!("/holders/{holder}/photo")))
}

async fn back(Path(holder): Path<HolderId>) -> Redirect {
    Redirect::to(&format!("/holders/{holder}/photo"))
}
