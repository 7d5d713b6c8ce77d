//! The routes of both listeners put together, and the API's description.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use card_schema::wire::ProblemType;
use utoipa::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{Components, OpenApi as Document, RefOr, SecurityRequirement};
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::http::{Refusal, health, localise};
use crate::{cards, console, domains, jobs, people, terminals};

/// The largest request body of the office's API.
const MAX_BODY_BYTES: usize = 256 * 1024;

#[derive(OpenApi)]
#[openapi(info(
    title = "New Resident Card service",
    description = "Registration, cards, terminals and evidence. The routes tagged `terminal listener` are on a listener \
of their own and ask for a terminal's client certificate. Errors are RFC 9457 problem documents.",
    license(name = "Apache-2.0 OR MIT", identifier = "Apache-2.0 OR MIT")
))]
struct Description;

fn office() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Description::openapi())
        .merge(people::api::router())
        .merge(domains::residence::api::router())
        .merge(terminals::api::router())
        .merge(cards::api::router())
        .merge(health::router())
}

fn terminal() -> OpenApiRouter<App> {
    OpenApiRouter::new().merge(terminals::api::terminal_router()).merge(jobs::api::terminal_router())
}

/// The routes of the public listener, with those that have a state of their own.
pub fn public_router(app: App, more: Router) -> Router {
    let (router, _) = office().split_for_parts();
    let router = router.merge(console::router()).layer(DefaultBodyLimit::max(MAX_BODY_BYTES)).fallback(not_found);
    console::pages::protect(router.with_state(app)).merge(more).layer(from_fn(localise))
}

/// The routes of the terminals' listener, with those that have a state of their own.
pub fn terminals_router(app: App, more: Router) -> Router {
    let (router, _) = terminal().split_for_parts();
    let router = router.layer(DefaultBodyLimit::max(MAX_BODY_BYTES)).with_state(app);
    router.merge(more).layer(from_fn(localise))
}

async fn not_found() -> Response {
    Refusal::new(ProblemType::NotFound).into_response()
}

/// The description of both listeners' routes, OpenAPI 3.1.
pub fn description() -> Document {
    let (_, mut document) = office().merge(terminal()).split_for_parts();
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    document
        .components
        .get_or_insert_with(Components::new)
        .security_schemes
        .insert("session".to_owned(), RefOr::T(bearer));
    document.security = Some(vec![SecurityRequirement::new::<_, [&str; 0], &str>("session", [])]);
    document
}
