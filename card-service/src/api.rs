//! The routes of both listeners put together, each with its place in the API's description: both come from one source,
//! and pages for people are the only routes that are not described.

#[cfg(test)]
mod tests;

use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use card_schema::wire::{Problem, ProblemType};
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document;
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::evidence::{self, Log};
use crate::http::description::{self, Listener};
use crate::http::{Refusal, health, localise};
use crate::intake::{self, Intake};
use crate::{benefits, cards, console, domains, jobs, people, statement, terminals};

/// The largest request body where a route says nothing else.
const MAX_BODY_BYTES: usize = 256 * 1024;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "New Resident Card service",
        description = "Registration, cards, terminals and evidence. The routes tagged `terminal listener` are on a \
listener of their own and ask for a terminal's client certificate. Errors are RFC 9457 problem documents.",
        license(name = "Apache-2.0 OR MIT", identifier = "Apache-2.0 OR MIT")
    ),
    components(schemas(Problem))
)]
struct Description;

fn office() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Description::openapi())
        .merge(people::api::router())
        .merge(domains::residence::api::router())
        .merge(domains::residence::paper::check::api::router())
        .merge(terminals::api::router())
        .merge(cards::api::router())
        .merge(evidence::api::router())
        .merge(health::router())
}

fn terminal() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(terminals::api::terminal_router())
        .merge(jobs::api::terminal_router())
        .merge(people::card_sign_in::api::terminal_router())
        .merge(statement::api::terminal_router())
        .merge(benefits::api::terminal_router())
        .merge(domains::gate::api::terminal_router())
        .merge(domains::transit::api::terminal_router())
        .merge(intake::api::router())
        .merge(evidence::api::terminal_router())
}

/// The routes of the public listener.
pub fn public_router(app: App, log: Log) -> Router {
    let (router, _) = office().split_for_parts();
    let router = finished(router.merge(console::router())).with_state(app);
    console::pages::protect(router).layer(Extension(log)).layer(from_fn(localise))
}

/// The routes of the terminals' listener.
pub fn terminals_router(app: App, log: Log, intake: Intake) -> Router {
    let (router, _) = terminal().split_for_parts();
    let router = finished(router).with_state(app);
    router.layer(Extension(log)).layer(Extension(intake)).layer(from_fn(localise))
}

/// What every request meets that no route takes.
fn finished(router: Router<App>) -> Router<App> {
    let refuse = |kind| async move || -> Response { Refusal::new(kind).into_response() };
    router
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .fallback(refuse(ProblemType::NotFound))
        .method_not_allowed_fallback(refuse(ProblemType::MethodNotAllowed))
}

/// The description of both listeners' routes, OpenAPI 3.1.
pub fn description() -> Document {
    let (mut document, mut terminals) = (office().into_openapi(), terminal().into_openapi());
    description::complete(&mut document, Listener::Public);
    description::complete(&mut terminals, Listener::Terminals);
    document.merge(terminals);
    document
}
