//! The shop's own book: every tap of this terminal with what became of it.

use axum::{
    Router,
    extract::{Query, State},
    http::HeaderMap,
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;

use super::{
    book::Taps,
    language,
    seen::look,
    view::{Failed, html},
};
use crate::{
    cli::{
        messages::{CliError, Language},
        messages_daemon as messages,
    },
    local::{api::App, problem::Failure, wire::View},
};

/// Taps on one page.
const PAGE: u16 = 20;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/counter/taps", get(taps))
}

#[derive(Deserialize)]
struct From {
    #[serde(default)]
    skip: u32,
}

async fn taps(State(app): State<App>, Query(from): Query<From>, headers: HeaderMap) -> Response {
    let language = language(&headers);
    let mut fates = match app.outbox.fates(from.skip, PAGE + 1).await {
        Ok(fates) => fates,
        Err(error) => return failed(&app, language, messages::outbox(&error)),
    };
    let older = (fates.len() > usize::from(PAGE)).then(|| from.skip + u32::from(PAGE));
    fates.truncate(usize::from(PAGE));
    let newer = (from.skip > 0).then(|| from.skip.saturating_sub(u32::from(PAGE)));
    html(&Taps { language, seen: &look(&app, View::Counter), fates, older, newer }).into_response()
}

pub(super) fn failed(app: &App, language: Language, error: CliError) -> Response {
    let page = html(&Failed { language, seen: &look(app, View::Counter), error: &error });
    (Failure::from(error).status, page).into_response()
}
