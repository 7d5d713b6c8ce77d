//! A walk over every route of both listeners, as everybody there is. Where the routes are comes from the API's description
//! and the console's own list, so a new route is walked without being named here.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use axum::{Extension, Router};
use card_schema::ids::TerminalId;
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::app::App;
use crate::cards::activity::ActivityPurpose;
use crate::http::signed_in::COOKIE;
use crate::people::{Purpose, Staff};
use crate::testing;
use crate::testing::town::identity_of;
use crate::{api, console};

/// Who asks.
#[derive(Clone, Debug)]
pub(super) enum Caller {
    Nobody,
    /// A member of staff, signed in anew for each request.
    Staff(Staff),
    Terminal(TerminalId),
}

/// One way to a handler.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Route {
    pub(super) method: String,
    pub(super) path: String,
}

/// A request that was answered.
pub(super) struct Answered {
    pub(super) route: Route,
    pub(super) by: &'static str,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// Values that requests are filled with, by the names of parameters and properties.
pub(super) type Known = BTreeMap<&'static str, String>;

/// In how many ways a request is filled: as many as the longest list of purposes has.
const WAYS: usize =
    if Purpose::OF_ONE.len() > ActivityPurpose::ALL.len() { Purpose::OF_ONE.len() } else { ActivityPurpose::ALL.len() };

/// Every route of the API, with its description, and every page, those that only read first.
pub(super) fn routes(pages: &[&str]) -> Vec<(Route, Value)> {
    let document = serde_json::to_value(api::description()).unwrap();
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let route = Route { method: method.to_ascii_uppercase(), path: path.clone() };
            routes.push((route, resolved(&document, operation)));
        }
    }
    for path in console::pages::routes().iter().map(|(path, _)| *path).chain(pages.iter().copied()) {
        for method in ["GET", "POST"] {
            routes.push((Route { method: method.to_owned(), path: path.to_owned() }, Value::Null));
        }
    }
    routes.sort_by_key(|(route, _)| route.method != "GET");
    routes
}

/// A part of the description with what it refers to put in its place.
fn resolved(document: &Value, part: &Value) -> Value {
    match part {
        Value::Object(members) => match members.get("$ref").and_then(Value::as_str) {
            Some(to) => resolved(document, document.pointer(to.trim_start_matches('#')).unwrap()),
            None => members.iter().map(|(name, value)| (name.clone(), resolved(document, value))).collect(),
        },
        Value::Array(values) => values.iter().map(|value| resolved(document, value)).collect(),
        other => other.clone(),
    }
}

/// A value that a schema allows, filled in one of several ways.
fn sample(schema: &Value, name: &str, way: usize, known: &Known) -> Value {
    if let Some(value) = known.get(name) {
        return json!(value);
    }
    if let Some(values) = schema["enum"].as_array() {
        return values[way % values.len()].clone();
    }
    for choice in ["oneOf", "anyOf", "allOf"] {
        let choices = schema[choice].as_array().into_iter().flatten().filter(|one| one["type"] != "null");
        if let Some(chosen) = choices.clone().nth(way % choices.count().max(1)) {
            return sample(chosen, name, way, known);
        }
    }
    if let Some(example) = schema.get("example") {
        return example.clone();
    }
    let is =
        |kind: &str| schema["type"] == kind || schema["type"].as_array().is_some_and(|all| all.contains(&json!(kind)));
    if is("object") {
        let properties = schema["properties"].as_object().into_iter().flatten();
        properties.map(|(name, schema)| (name.clone(), sample(schema, name, way, known))).collect()
    } else if is("array") {
        let items = &schema["items"];
        let count = items["enum"].as_array().map_or(1, Vec::len);
        (0..count).map(|each| sample(items, name, each, known)).collect()
    } else if is("integer") || is("number") {
        json!(0)
    } else if is("boolean") {
        json!(true)
    } else {
        json!("test")
    }
}

/// The path with its parameters filled in. A parameter that nobody knows stops the walk: say what it is to be.
fn filled(path: &str, known: &Known) -> String {
    let mut out = String::new();
    for (at, part) in path.split(['{', '}']).enumerate() {
        if at % 2 == 0 {
            out.push_str(part);
        } else {
            let name = part.trim_start_matches('*');
            out.push_str(known.get(name).unwrap_or_else(|| panic!("{path}: what is {name}?")));
        }
    }
    out
}

/// The request that tries one route with one session, filled in one of several ways.
fn request(route: &Route, operation: &Value, token: Option<&str>, known: &Known, way: usize) -> Request<Body> {
    let (path, is_api) = (filled(&route.path, known), !operation.is_null());
    let purpose = ActivityPurpose::ALL[way % ActivityPurpose::ALL.len()].name();
    let query = match operation["parameters"].as_array() {
        None => format!("purpose={purpose}"),
        Some(parameters) => {
            let required = parameters.iter().filter(|one| one["in"] == "query" && one["required"] == true);
            let pairs = required.map(|one| match one["name"].as_str().unwrap() {
                "purpose" => format!("purpose={purpose}"),
                name => format!("{name}={}", sample(&one["schema"], name, way, known)),
            });
            pairs.collect::<Vec<_>>().join("&")
        }
    };
    let peer = SocketAddr::from(([127, 0, 0, 1], 1));
    let mut request = Request::builder()
        .method(Method::from_bytes(route.method.as_bytes()).unwrap())
        .uri(format!("{path}?{query}"))
        .extension(ConnectInfo(peer))
        .header("sec-fetch-site", "same-origin");
    if let Some(token) = token {
        request = if is_api {
            request.header(header::AUTHORIZATION, format!("Bearer {token}"))
        } else {
            request.header(header::COOKIE, format!("{COOKIE}={token}"))
        };
    }
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    let body = if !schema.is_null() {
        request = request.header(header::CONTENT_TYPE, "application/json");
        Body::from(sample(schema, "", way, known).to_string())
    } else if !is_api && route.method == "POST" {
        request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let reason = Purpose::OF_ONE[way % Purpose::OF_ONE.len()].name();
        let own = ["terminal_id", "document_kind", "document_number", "birth", "phone"];
        let own = own.map(|name| format!("&{name}={}", known[name]));
        let own = format!("{}&other={}&answer=namesakes", own.concat(), known["holder_id"]);
        Body::from(format!(
            "reason={reason}&kind=merchant&name=test&password=test&lang=en&to=/activity&change=holder_asked&why=mistyped&act=apply&proof=lease&whom=works-1&given=organisation_check&format=csv{own}"
        ))
    } else {
        Body::empty()
    };
    request = request.header(header::ACCEPT, if is_api { "application/json" } else { "text/html" });
    request.body(body).unwrap()
}

/// The listeners of a service.
pub(super) struct Listeners {
    pub(super) public: Router,
    pub(super) terminals: Router,
    pub(super) app: App,
}

/// Tries every route as every caller; `look` sees each answer before the next request.
pub(super) async fn walk(
    listeners: &Listeners,
    pages: &[&str],
    callers: &[Caller],
    known: &Known,
    mut look: impl AsyncFnMut(Answered),
) {
    for (route, operation) in routes(pages) {
        for (caller, way) in callers.iter().flat_map(|caller| (0..WAYS).map(move |way| (caller, way))) {
            let (by, token, router) = match caller {
                Caller::Nobody => ("nobody", None, listeners.public.clone()),
                Caller::Staff(staff) => {
                    let token = testing::session(&listeners.app, staff).await;
                    (staff.role.name(), Some(token), listeners.public.clone())
                }
                Caller::Terminal(id) => {
                    let identity = identity_of(&listeners.app.db, *id).await;
                    ("terminal", None, listeners.terminals.clone().layer(Extension(identity)))
                }
            };
            let response = router.oneshot(request(&route, &operation, token.as_deref(), known, way)).await.unwrap();
            let (parts, body) = response.into_parts();
            let (status, headers) = (parts.status, parts.headers);
            let body = if headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream") {
                // It goes on as long as there may be news.
                body.into_data_stream().next().await.unwrap().unwrap().to_vec()
            } else {
                to_bytes(body, 1 << 22).await.unwrap().to_vec()
            };
            look(Answered { route: route.clone(), by, status, headers, body }).await;
        }
    }
}

/// Routes at which nobody got further than a refusal.
pub(super) fn not_entered(entered: &BTreeSet<Route>, pages: &[&str]) -> Vec<Route> {
    routes(pages).into_iter().map(|(route, _)| route).filter(|route| !entered.contains(route)).collect()
}
