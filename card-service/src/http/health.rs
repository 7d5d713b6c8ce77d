//! Whether the service lives, whether it is ready, and its figures.

use std::net::SocketAddr;

use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use card_schema::wire::ProblemType;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Refusal;
use crate::app::App;

/// The routes of this file.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(healthz)).routes(routes!(readyz)).routes(routes!(metrics))
}

/// How the service is.
#[derive(Serialize, ToSchema)]
struct Health {
    /// `ok`.
    status: &'static str,
    /// The program's version.
    version: &'static str,
}

const OK: Health = Health { status: "ok", version: env!("CARGO_PKG_VERSION") };

/// The process lives
#[utoipa::path(get, path = "/healthz", tag = "operation", responses((status = 200, body = Health)), security(()))]
async fn healthz() -> Json<Health> {
    Json(OK)
}

/// The database answers and the service is not stopping
#[utoipa::path(get, path = "/readyz", tag = "operation", responses(
    (status = 200, body = Health)), security(()),
    extensions(("x-problems" = json!([(ProblemType::Busy, "Not now")]))))]
async fn readyz(State(app): State<App>) -> Result<Json<Health>, Refusal> {
    if *app.stopping.borrow() {
        return Err(Refusal::new(ProblemType::Busy));
    }
    crate::people::store::any(&mut app.db.read().await?).await?;
    Ok(Json(OK))
}

/// Figures in Prometheus' text format; from loopback alone unless configured otherwise
#[utoipa::path(get, path = "/metrics", tag = "operation", responses(
    (status = 200, content_type = "text/plain", body = String)), security(()),
    extensions(("x-problems" = json!([(ProblemType::Forbidden, "Not from loopback")]))))]
async fn metrics(State(app): State<App>, ConnectInfo(peer): ConnectInfo<SocketAddr>) -> Result<Response, Refusal> {
    if !app.config.metrics.open && !peer.ip().to_canonical().is_loopback() {
        return Err(Refusal::new(ProblemType::Forbidden));
    }
    let text = app.metrics.as_ref().map(metrics_exporter_prometheus::PrometheusHandle::render);
    Ok((StatusCode::OK, text.unwrap_or_default()).into_response())
}
