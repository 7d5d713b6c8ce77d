//! The shop's own book: every tap of this terminal with what became of it, and a receipt of each for the holder's hand.

use axum::{
    Router,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::get,
};
use card_schema::ids::TapId;
use serde::Deserialize;

use super::{
    language,
    seen::look,
    view::{Receipt, Taps, html},
};
use crate::{
    cli::{messages_daemon as messages, messages_local},
    local::{api::App, problem::Failure, wire::View},
};

/// Taps on one page.
const PAGE: u16 = 20;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/counter/taps", get(taps)).route("/counter/taps/{tap}", get(receipt))
}

#[derive(Deserialize)]
struct From {
    #[serde(default)]
    skip: u32,
}

async fn taps(State(app): State<App>, Query(from): Query<From>, headers: HeaderMap) -> Result<Response, Failure> {
    let mut fates = app.outbox.fates(from.skip, PAGE + 1).await.map_err(|error| messages::outbox(&error))?;
    let older = (fates.len() > usize::from(PAGE)).then(|| from.skip + u32::from(PAGE));
    fates.truncate(usize::from(PAGE));
    let newer = (from.skip > 0).then(|| from.skip.saturating_sub(u32::from(PAGE)));
    let page = Taps { language: language(&headers), seen: &look(&app, View::Counter), fates, older, newer };
    Ok(html(&page).into_response())
}

async fn receipt(State(app): State<App>, Path(tap): Path<String>, headers: HeaderMap) -> Result<Response, Failure> {
    let known = match tap.parse::<TapId>() {
        Ok(tap) => app.outbox.fate(tap).await.map_err(|error| messages::outbox(&error))?,
        Err(_) => None,
    };
    let Some(tap) = known else {
        return Err(Failure { status: StatusCode::NOT_FOUND, error: messages_local::no_such_tap() });
    };
    let profile = &app.known.now().profile;
    let page = Receipt { language: language(&headers), seen: &look(&app, View::Counter), profile, tap: &tap };
    Ok(html(&page).into_response())
}
