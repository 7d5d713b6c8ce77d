//! The terminal's question, on the listener for terminals.

use axum::extract::State;
use axum::{Extension, Json};
use card_schema::wire::ProblemType;
use card_schema::wire::terminal::{StatementReply, StatementRequest};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::http::{Body, Refusal};
use crate::intake::TerminalIdentity;
use crate::terminals::api::active;

/// The routes of this file.
pub fn terminal_router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(statement))
}

/// What a holder who has just asked here is shown: entries, journeys, months of social security, and who has read the record
#[utoipa::path(post, path = "/v1/statements", tag = "terminal listener", request_body = StatementRequest, responses(
    (status = 200, description = "For the holder's eyes: a terminal keeps nothing of it", body = StatementReply)),
    extensions(("x-problems" = json!([
        (ProblemType::TerminalRevoked, "The terminal has been revoked"),
        (ProblemType::Conflict, "The tap is no such question, was not accepted here, or is too long ago"),
    ]))))]
async fn statement(
    State(app): State<App>,
    identity: Option<Extension<TerminalIdentity>>,
    Body(request): Body<StatementRequest>,
) -> Result<Json<StatementReply>, Refusal> {
    let terminal = active(&app, identity).await?.terminal_id;
    Ok(Json(super::of(&app, terminal, request.card_id, request.tap_id).await?))
}
