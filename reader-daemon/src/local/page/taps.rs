//! The shop's own book: every tap of this terminal with what became of it, and a receipt of each for the holder's hand.

use axum::{
    Router,
    extract::{Path, Query, State},
    http::HeaderMap,
    response::{IntoResponse, Response},
    routing::get,
};
use card_schema::ids::TapId;
use serde::Deserialize;

use super::{
    language,
    seen::look,
    view::{Failed, Receipt, Taps, html},
};
use crate::{
    cli::{
        messages::{CliError, Language},
        messages_daemon as messages, messages_local,
    },
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

async fn taps(State(app): State<App>, Query(from): Query<From>, headers: HeaderMap) -> Response {
    let language = language(&headers);
    let mut fates = match app.outbox.fates(from.skip, PAGE + 1).await {
        Ok(fates) => fates,
        Err(error) => return failed(language, messages::outbox(&error)),
    };
    let older = (fates.len() > usize::from(PAGE)).then(|| from.skip + u32::from(PAGE));
    fates.truncate(usize::from(PAGE));
    let newer = (from.skip > 0).then(|| from.skip.saturating_sub(u32::from(PAGE)));
    html(&Taps { language, seen: &look(&app, View::Counter), fates, older, newer }).into_response()
}

async fn receipt(State(app): State<App>, Path(tap): Path<String>, headers: HeaderMap) -> Response {
    let language = language(&headers);
    let known = match tap.parse::<TapId>() {
        Ok(tap) => app.outbox.fate(tap).await,
        Err(_) => Ok(None),
    };
    match known {
        Ok(Some(tap)) => {
            let profile = &app.known.now().profile;
            html(&Receipt { language, seen: &look(&app, View::Counter), profile, tap: &tap }).into_response()
        }
        Ok(None) => failed(language, messages_local::no_such_tap()),
        Err(error) => failed(language, messages::outbox(&error)),
    }
}

fn failed(language: Language, error: CliError) -> Response {
    let page = html(&Failed { language, error: &error });
    (Failure::from(error).status, page).into_response()
}
