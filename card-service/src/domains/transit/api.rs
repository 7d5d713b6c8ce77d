//! What validators ask the service for.

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use card_schema::envelope::fares::{self, FarePack};
use card_schema::wire::ProblemType;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::http::Refusal;
use crate::http::tagged::{COSE_SIGN1, Tag};
use crate::intake::TerminalIdentity;
use crate::terminals::api::active;

/// The routes of the terminals' listener.
pub fn terminal_router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(pack))
}

/// What a validator has to know of the fares
#[utoipa::path(get, path = fares::PATH, tag = "terminal listener", responses(
    (status = 200, description = "A signed pack: the versions in force, and those that will be", body = Vec<u8>,
        content_type = "application/cose; cose-type=\"cose-sign1\"",
        headers(("ETag" = String, description = "The number of the newest version"))),
    (status = 204, description = "There are no fares yet"),
    (status = 304, description = "It is the one that is there already")),
    params(("If-None-Match" = Option<String>, Header, description = "The `ETag` of the pack that is there already")),
    extensions(("x-problems" = json!([
        (ProblemType::TerminalRevoked, "The terminal has been revoked"),
        (ProblemType::Forbidden, "The terminal is no validator and sells no passes"),
    ]))))]
async fn pack(
    State(app): State<App>,
    identity: Option<Extension<TerminalIdentity>>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let terminal = active(&app, identity).await?;
    if !FarePack::is_for(&terminal.operations) {
        return Err(Refusal::new(ProblemType::Forbidden));
    }
    let Some(signed) = app.fare_packs.signed(&app.db, app.now()).await? else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    let tag = Tag(signed.newest.into());
    Ok(tag.answer(COSE_SIGN1, (!tag.is_had(&headers)).then(|| signed.envelope.to_vec().into())))
}
