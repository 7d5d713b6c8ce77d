//! Jobs over the terminals' listener: a long poll for the next one, and what was seen at each step.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use card_schema::wire::ProblemType;
use card_schema::wire::issuance::{Job, ObservationReply, ObservationRequest};
use serde::Deserialize;
use tokio::time::Instant;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::app::App;
use crate::http::{Body, Path, Query, Refusal};
use crate::intake::TerminalIdentity;
use crate::terminals::api::active;

/// The longest a poll is held, in seconds: shorter than what proxies take for a dead connection.
const LONGEST_WAIT_SECONDS: u64 = 55;

/// The routes of this file, for the terminals' listener.
pub fn terminal_router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(next)).routes(routes!(observed))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wait {
    /// How long to wait for a job, in seconds; more than 55 are taken as 55.
    #[serde(default)]
    wait_s: u64,
}

/// The next job for this terminal
#[utoipa::path(get, path = "/v1/jobs/next", tag = "terminal listener", params(Wait), responses(
    (status = 200, description = "A job with its present step", body = Job),
    (status = 204, description = "Nothing to do")),
    extensions(("x-problems" = json!([(ProblemType::TerminalRevoked, "The terminal has been revoked")]))))]
async fn next(
    State(app): State<App>,
    identity: Option<Extension<TerminalIdentity>>,
    Query(wait): Query<Wait>,
) -> Result<Response, Refusal> {
    let terminal = active(&app, identity).await?.terminal_id;
    let until = Instant::now() + Duration::from_secs(wait.wait_s.min(LONGEST_WAIT_SECONDS));
    let bell = app.jobs.bell(terminal);
    let mut stopping = app.stopping.clone();
    loop {
        // Listening begins before looking: a job that comes in between is not missed.
        let rung = bell.notified();
        if let Some(job) = super::current_step(&app, terminal).await? {
            return Ok(Json(job).into_response());
        }
        tokio::select! {
            () = rung => {}
            () = tokio::time::sleep_until(until) => return Ok(StatusCode::NO_CONTENT.into_response()),
            _ = stopping.wait_for(|stopping| *stopping) => return Ok(StatusCode::NO_CONTENT.into_response()),
        }
    }
}

/// What was seen at a step; answers the next one. The same answer again is harmless
#[utoipa::path(post, path = "/v1/jobs/{job_id}/observations", tag = "terminal listener", request_body = ObservationRequest,
    params(("job_id" = Uuid, Path)), responses(
    (status = 200, description = "What is to be done next", body = ObservationReply)),
    extensions(("x-problems" = json!([
        (ProblemType::TerminalRevoked, "The terminal has been revoked"),
        (ProblemType::NotFound, "No such job of this terminal"),
        (ProblemType::Conflict, "The job is at another step"),
    ]))))]
async fn observed(
    State(app): State<App>,
    identity: Option<Extension<TerminalIdentity>>,
    Path(job): Path<Uuid>,
    Body(request): Body<ObservationRequest>,
) -> Result<Json<ObservationReply>, Refusal> {
    let terminal = active(&app, identity).await?.terminal_id;
    let next = super::observe(&app, terminal, job, request).await?;
    Ok(Json(ObservationReply { next }))
}
