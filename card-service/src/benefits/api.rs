//! What clinics ask at their terminals, on the listener for terminals.

use axum::extract::State;
use axum::{Extension, Json};
use card_schema::wire::ProblemType;
use card_schema::wire::clinic::{ClaimReply, ClaimRequest, VisitReply, VisitRequest};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::http::{Body, Refusal};
use crate::intake::TerminalIdentity;
use crate::terminals::api::active;

/// The routes of this file.
pub fn terminal_router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(visit)).routes(routes!(claim))
}

/// Whether somebody who has checked in is covered, and what the fund still pays
#[utoipa::path(post, path = "/v1/visits", tag = "terminal listener", request_body = VisitRequest, responses(
    (status = 200, description = "For the desk: a terminal keeps nothing of it", body = VisitReply)),
    extensions(("x-problems" = json!([
        (ProblemType::TerminalRevoked, "The terminal has been revoked"),
        (ProblemType::MalformedRequest, "The rules of that day do not offer what the visit is insured as"),
        (ProblemType::Conflict, "The tap is no check-in at this clinic, was not accepted, is too long ago, or nobody has said the clinic's level"),
    ]))))]
async fn visit(
    State(app): State<App>,
    identity: Option<Extension<TerminalIdentity>>,
    Body(VisitRequest { card_id, tap_id }): Body<VisitRequest>,
) -> Result<Json<VisitReply>, Refusal> {
    let clinic = active(&app, identity).await?.organisation.organisation_id;
    Ok(Json(super::told(&app, clinic, (card_id, tap_id)).await?))
}

/// Takes a bill of a visit: what it comes to, line by line, and who pays it. It waits for the holder to settle it, in the place of any
/// other of the visit that waits
#[utoipa::path(post, path = "/v1/claims", tag = "terminal listener", request_body = ClaimRequest, responses(
    (status = 200, description = "For the desk and the holder's receipt: a terminal keeps nothing of it", body = ClaimReply)),
    extensions(("x-problems" = json!([
        (ProblemType::TerminalRevoked, "The terminal has been revoked"),
        (ProblemType::MalformedRequest, "The bill says nothing that can be reckoned: which line, and what to do"),
        (ProblemType::Conflict, "As for `/v1/visits`, or a bill of the visit was settled: it is taken back first"),
    ]))))]
async fn claim(
    State(app): State<App>,
    identity: Option<Extension<TerminalIdentity>>,
    Body(request): Body<ClaimRequest>,
) -> Result<Json<ClaimReply>, Refusal> {
    let clinic = active(&app, identity).await?.organisation.organisation_id;
    Ok(Json(super::take(&app, clinic, request).await?))
}
