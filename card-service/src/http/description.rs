//! What the API's description says of every route alike: how a request shows who sends it, and how it may be refused.
//!
//! A route names the kinds of problem that are its own, under [`PROBLEMS`]; those that come with a body, with parameters
//! or with a sign-in are added here. Routes themselves stand with what they are about.

use std::collections::BTreeMap;

use card_schema::wire::{Problem, ProblemType};
use serde_json::json;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::schema::{AllOfBuilder, SchemaType, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{
    Components, ContentBuilder, ObjectBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder, SecurityRequirement,
};

use super::problem::{Refusal, has_retry_after, title_key};
use super::signed_in::COOKIE;
use crate::i18n::Locale;

/// In a route's description: the kinds of problem that are its own, with what they mean there. Gone when it is complete.
const PROBLEMS: &str = "x-problems";

/// A body of bytes in the description.
#[derive(Debug, utoipa::ToSchema)]
#[schema(value_type = String, format = Binary)]
pub struct Octets(pub Vec<u8>);

/// A listener, as far as its routes are described alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listener {
    /// For console and API: staff who are signed in, unless a route says otherwise.
    Public,
    /// For terminals: mutual TLS.
    Terminals,
}

impl Listener {
    const fn schemes(self) -> &'static [&'static str] {
        match self {
            Self::Public => &["session", "console"],
            Self::Terminals => &["terminal"],
        }
    }
}

/// Adds to the description of a listener's routes what they have in common.
pub fn complete(document: &mut OpenApi, listener: Listener) {
    // axum marks a parameter that spans several segments, OpenAPI does not.
    let paths = std::mem::take(&mut document.paths.paths);
    document.paths.paths = paths.into_iter().map(|(path, item)| (path.replace("{*", "{"), item)).collect();
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        let kinds = problems(operation, listener);
        for (status, response) in responses(&kinds) {
            operation.responses.responses.insert(status.to_string(), RefOr::T(response));
        }
        if operation.security.is_none() {
            let schemes = listener.schemes().iter();
            let requirement = |scheme: &&str| SecurityRequirement::new::<_, [&str; 0], &str>(*scheme, []);
            operation.security = Some(schemes.map(requirement).collect());
        }
    }
    let components = document.components.get_or_insert_with(Components::new);
    let schemes = [
        ("session", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer))),
        ("console", SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(COOKIE)))),
        (
            "terminal",
            SecurityScheme::MutualTls {
                description: Some("The certificate that the terminal got when it enrolled.".to_owned()),
                deprecated: None,
                extensions: None,
            },
        ),
    ];
    for (name, scheme) in schemes.into_iter().filter(|(name, _)| listener.schemes().contains(name)) {
        components.security_schemes.insert(name.to_owned(), RefOr::T(scheme));
    }
}

/// The operations of a path that routes may have.
pub fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch].into_iter().flatten()
}

/// The kinds of problem that a route may answer, each with what it means there.
fn problems(operation: &mut Operation, listener: Listener) -> Vec<(ProblemType, String)> {
    let mut extensions = operation.extensions.take().unwrap_or_default();
    let own = extensions.remove(PROBLEMS);
    assert!(extensions.is_empty(), "a route is described by nothing else than {PROBLEMS}: {:?}", extensions.keys());
    let mut kinds: Vec<(ProblemType, String)> =
        own.map(|own| serde_json::from_value(own).expect("kinds and words")).unwrap_or_default();
    let mut common = vec![ProblemType::Internal, ProblemType::Storage];
    if operation.request_body.is_some() {
        common.extend([ProblemType::MalformedRequest, ProblemType::TooLarge]);
    }
    if operation.parameters.as_ref().is_some_and(|parameters| !parameters.is_empty()) {
        common.push(ProblemType::MalformedRequest);
    }
    match (listener, &operation.security) {
        (Listener::Public, None) => common.extend([ProblemType::NotSignedIn, ProblemType::Forbidden]),
        (Listener::Terminals, None) => common.push(ProblemType::UnknownTerminal),
        // Open to everybody, or as the route says itself.
        (_, Some(_)) => {}
    }
    for kind in common {
        if !kinds.iter().any(|(own, _)| *own == kind) {
            kinds.push((kind, Locale::En.text(&title_key(kind))));
        }
    }
    kinds
}

/// One response a status, with the values that `type` has there.
fn responses(kinds: &[(ProblemType, String)]) -> BTreeMap<u16, Response> {
    let mut by_status: BTreeMap<u16, Vec<&(ProblemType, String)>> = BTreeMap::new();
    for kind in kinds {
        by_status.entry(Refusal::new(kind.0).status().as_u16()).or_default().push(kind);
    }
    by_status.into_iter().map(|(status, kinds)| (status, response(status, &kinds))).collect()
}

fn response(status: u16, kinds: &[&(ProblemType, String)]) -> Response {
    let text = || ObjectBuilder::new().schema_type(SchemaType::Type(Type::String));
    let number = || ObjectBuilder::new().schema_type(SchemaType::Type(Type::Integer));
    let narrowed = ObjectBuilder::new()
        .property("type", text().enum_values(Some(kinds.iter().map(|(kind, _)| json!(kind)))))
        .property("status", number().enum_values(Some([status])));
    let schema = AllOfBuilder::new().item(Ref::from_schema_name("Problem")).item(narrowed);
    let meanings: Vec<_> = kinds.iter().map(|(_, meaning)| meaning.as_str()).collect();
    let mut response = ResponseBuilder::new()
        .description(meanings.join("; "))
        .content(Problem::MEDIA_TYPE, ContentBuilder::new().schema(Some(schema)).build());
    if kinds.iter().any(|(kind, _)| has_retry_after(*kind)) {
        let seconds = HeaderBuilder::new().schema(Some(number())).description(Some("Seconds to wait"));
        response = response.header("Retry-After", seconds.build());
    }
    response.build()
}
