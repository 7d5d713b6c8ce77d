//! The terminal's side of a sign-in, on the listener for terminals.

use axum::extract::State;
use axum::{Extension, Json};
use card_schema::wire::terminal::{SignInChallenge, SignInLink, SignInProof};
use card_schema::wire::{Bytes, ProblemType};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::http::{Body, Refusal};
use crate::intake::TerminalIdentity;
use crate::terminals::api::active;

/// The routes of this file.
pub fn terminal_router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(challenge)).routes(routes!(link))
}

/// What a staff card is to sign here, so that its bearer is signed in to the console
#[utoipa::path(post, path = "/v1/sign-ins", tag = "terminal listener", responses(
    (status = 200, description = "What is to be signed", body = SignInChallenge)),
    extensions(("x-problems" = json!([(ProblemType::TerminalRevoked, "The terminal has been revoked")]))))]
async fn challenge(
    State(app): State<App>,
    identity: Option<Extension<TerminalIdentity>>,
) -> Result<Json<SignInChallenge>, Refusal> {
    let terminal = active(&app, identity).await?.terminal_id;
    let given = super::challenge(&app, terminal)?;
    Ok(Json(SignInChallenge { audience: app.public_url.clone(), challenge: Bytes(given.bytes.to_vec()) }))
}

/// The card has signed it, and the tap was accepted: the page that signs its bearer in
#[utoipa::path(post, path = "/v1/sign-ins/links", tag = "terminal listener", request_body = SignInProof, responses(
    (status = 200, description = "A link that works once, for a minute", body = SignInLink)),
    extensions(("x-problems" = json!([
        (ProblemType::TerminalRevoked, "The terminal has been revoked"),
        (ProblemType::Conflict, "Nothing is to be signed here any more, or this tap is not the answer"),
        (ProblemType::Forbidden, "The card signs nobody in"),
    ]))))]
async fn link(
    State(app): State<App>,
    identity: Option<Extension<TerminalIdentity>>,
    Body(proof): Body<SignInProof>,
) -> Result<Json<SignInLink>, Refusal> {
    let terminal = active(&app, identity).await?.terminal_id;
    let url = super::link(&app, terminal, proof.card_id, proof.tap_id).await?;
    Ok(Json(SignInLink { url: url.to_string() }))
}
