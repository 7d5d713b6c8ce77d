//! What gates ask the service for.

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use card_schema::envelope::gate;
use card_schema::operation::OperationCode;
use card_schema::wire::ProblemType;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::pack;
use crate::app::App;
use crate::http::Refusal;
use crate::http::tagged::{COSE_SIGN1, Tag};
use crate::intake::TerminalIdentity;
use crate::terminals::api::active;

/// The routes of the terminals' listener.
pub fn terminal_router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(known))
}

/// Who may pass at this gate
#[utoipa::path(get, path = gate::PATH, tag = "terminal listener", responses(
    (status = 200, description = "A signed pack: which cards pass at the site of the terminal and when, and which visitors' passes \
        were withdrawn", body = Vec<u8>,
        content_type = "application/cose; cose-type=\"cose-sign1\"",
        headers(("ETag" = String, description = "Another one for whatever says something else"))),
    (status = 304, description = "It is the one that is there already")),
    params(("If-None-Match" = Option<String>, Header, description = "The `ETag` of the pack that is there already")),
    extensions(("x-problems" = json!([
        (ProblemType::TerminalRevoked, "The terminal has been revoked"),
        (ProblemType::Forbidden, "The terminal is no gate"),
    ]))))]
async fn known(
    State(app): State<App>,
    identity: Option<Extension<TerminalIdentity>>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let terminal = active(&app, identity).await?;
    if !terminal.operations.contains(&OperationCode::GateCheck) {
        return Err(Refusal::new(ProblemType::Forbidden));
    }
    let (tag, envelope) = pack::signed(&app, terminal.terminal_id, |tag| Tag(tag).is_had(&headers)).await?;
    Ok(Tag(tag).answer(COSE_SIGN1, envelope.map(Into::into)))
}
