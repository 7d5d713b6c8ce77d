//! The description of the API and the routes that are served say the same.

use std::collections::BTreeSet;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use card_schema::wire::{Problem, ProblemType};
use serde_json::Value;
use tower::ServiceExt as _;

use super::description;
use crate::testing::office;

/// Values for the parameters in paths.
const PARAMETERS: [(&str, &str); 2] = [("{path}", "0/000"), ("_id}", "01920000-0000-7000-8000-000000000000")];

fn document() -> Value {
    serde_json::to_value(description()).unwrap()
}

/// A path of the description as a client would ask for it.
fn concrete(path: &str) -> String {
    let segment = |segment: &str| {
        let known = PARAMETERS.iter().find(|(ending, _)| segment.starts_with('{') && segment.ends_with(ending));
        known.map_or_else(|| segment.to_owned(), |(_, value)| (*value).to_owned())
    };
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}

/// The methods that a router takes at a path: what it names when asked with another one. None where it has no such path.
async fn methods(router: &Router, path: &str) -> Option<BTreeSet<String>> {
    let request = Request::builder().method(Method::TRACE).uri(concrete(path)).header("sec-fetch-site", "same-origin");
    let response = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    match response.status() {
        StatusCode::NOT_FOUND => None,
        status => {
            assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
            assert_eq!(response.headers()[header::CONTENT_TYPE], Problem::MEDIA_TYPE, "{path}");
            let allowed = response.headers()[header::ALLOW].to_str().unwrap();
            Some(allowed.split(',').map(str::to_owned).filter(|method| method != "HEAD").collect())
        }
    }
}

#[tokio::test]
async fn each_route_that_is_described_is_served_by_its_listener_alone_and_with_no_other_method() {
    let office = office().await;
    let (public, terminals) = (office.public_router(), office.terminals_router());
    let document = document();
    for (path, item) in document["paths"].as_object().unwrap() {
        let item = item.as_object().unwrap();
        let described: BTreeSet<_> = item.keys().map(|method| method.to_uppercase()).collect();
        let of_terminals = item.values().all(|operation| operation["tags"][0] == "terminal listener");
        let (its_own, other) = if of_terminals { (&terminals, &public) } else { (&public, &terminals) };
        assert_eq!(methods(its_own, path).await, Some(described), "{path}");
        assert_eq!(methods(other, path).await, None, "{path}");
    }
    assert_eq!(methods(&public, "/v1/nothing").await, None, "the test sees a route that is not there");
}

#[test]
fn each_operation_says_who_may_send_it_and_what_it_is_answered() {
    let document = document();
    let schemes = document["components"]["securitySchemes"].as_object().unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let what = format!("{method} {path}");
            for requirement in operation["security"].as_array().unwrap_or_else(|| panic!("{what}: no security")) {
                assert!(requirement.as_object().unwrap().keys().all(|scheme| schemes.contains_key(scheme)), "{what}");
            }
            let on_terminals = operation["tags"][0] == "terminal listener";
            let by_certificate = operation["security"].to_string().contains("terminal");
            assert_eq!(by_certificate, on_terminals, "{what}");
            assert!(operation.as_object().unwrap().keys().all(|key| !key.starts_with("x-")), "{what}");
            for (status, response) in operation["responses"].as_object().unwrap() {
                assert_response(&format!("{what} {status}"), status.parse().unwrap(), response);
            }
        }
    }
}

fn assert_response(what: &str, status: u16, response: &Value) {
    if let Some(content) = response["content"].as_object() {
        for (kind, content) in content {
            assert_eq!(kind == Problem::MEDIA_TYPE, status >= 400, "{what}");
            let schema = &content["schema"];
            assert!(
                schema != &serde_json::json!({}) && schema["type"] != "object" || schema.get("properties").is_some(),
                "{what}: says nothing: {schema}"
            );
        }
    } else {
        assert!(matches!(status, 204 | 304), "{what} has no body");
    }
    if status >= 400 {
        let narrowed = &response["content"][Problem::MEDIA_TYPE]["schema"]["allOf"][1]["properties"];
        assert_eq!(narrowed["status"]["enum"], serde_json::json!([status]), "{what}");
        let kinds: Vec<ProblemType> = serde_json::from_value(narrowed["type"]["enum"].clone()).unwrap();
        assert!(!kinds.is_empty(), "{what}");
        for kind in kinds {
            assert_eq!(crate::http::Refusal::new(kind).status().as_u16(), status, "{what}: {kind:?}");
        }
    }
}

#[test]
fn every_schema_that_is_named_is_there_and_every_body_is_described() {
    let document = document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let mut named = BTreeSet::new();
    references(&document, &mut named);
    for name in &named {
        assert!(schemas.contains_key(name), "{name}");
    }
    for wire in
        ["BatchRequest", "BatchReply", "EnrolmentReply", "Job", "Observation", "Step", "TerminalProfile", "Problem"]
    {
        assert!(named.contains(wire), "{wire}");
    }
}

fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            if let Some(Value::String(reference)) = object.get("$ref") {
                found.insert(reference.trim_start_matches("#/components/schemas/").to_owned());
            }
            object.values().for_each(|value| references(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}
