//! The map: one page for the city, and one for each area that is divided.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use card_schema::wire::ProblemType;

use super::city;
use super::view::MapPage;
use crate::app::App;
use crate::console::{frame::Frame, page};
use crate::domains::residence::area::model::{AreaKey, Level};
use crate::domains::residence::area::store;
use crate::http::{Refusal, SignedIn, language};
use crate::people::model::Permission;

/// The pages by their paths.
pub fn routes() -> [(&'static str, MethodRouter<App>); 2] {
    [("/map", get(whole)), ("/map/{level}/{code}", get(part))]
}

async fn whole(State(app): State<App>, who: SignedIn, headers: HeaderMap) -> Result<Response, Refusal> {
    shown(&app, &who, &headers, None).await
}

async fn part(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path((level, code)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    // A cell is not divided.
    let level = Level::from_name(&level).filter(|level| level.below().is_some());
    shown(&app, &who, &headers, Some((level.ok_or(Refusal::new(ProblemType::NotFound))?, code))).await
}

async fn shown(app: &App, who: &SignedIn, headers: &HeaderMap, area: Option<AreaKey>) -> Result<Response, Refusal> {
    who.require(Permission::SeeCounts)?;
    let city = city(app).await?;
    let path = city.path(area.as_ref()).ok_or(Refusal::new(ProblemType::NotFound))?;
    let (level, code) = match &area {
        Some((level, code)) => (level.below().unwrap_or(Level::Cell), code.as_str()),
        None => (Level::District, ""),
    };
    let outlines = store::children(&mut app.db.read().await?, level, code).await?;
    page(&MapPage::new(
        Frame::new(language(headers), MapPage::address(area.as_ref()), Some(&who.0)),
        city.counted.day,
        &path,
        &outlines,
    ))
}
