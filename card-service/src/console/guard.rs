//! What keeps other sites' pages away from the console: headers on every answer, and a look at where a request that
//! changes something comes from.
//!
//! Not here: who is signed in (`people::session`).

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use card_schema::wire::ProblemType;

use crate::http::Refusal;
use crate::http::signed_in::COOKIE;

/// Sent with every answer of the public listener. No scripts but our own files; nothing from elsewhere; nobody may frame a
/// page.
const HEADERS: [(HeaderName, &str); 7] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self' data:; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // Not "no-referrer": browsers then say `Origin: null` even to our own forms.
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(self), geolocation=(), microphone=(), usb=(), serial=()"),
];

/// Middleware: the headers; pages and replies are not kept by browsers unless they say otherwise.
pub async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Middleware: refuses what another site's page sends in the name of somebody who is signed in here.
pub async fn same_origin(request: Request, next: Next) -> Response {
    if is_trusted(request.method(), request.uri(), request.headers()) {
        next.run(request).await
    } else {
        Refusal::because(ProblemType::Forbidden, "console-other-site").into_response()
    }
}

/// Whether a request may go on. Programs bring a bearer token, which no other site's page has; everything that a
/// browser could send by itself must say that it comes from our own pages.
fn is_trusted(method: &Method, uri: &Uri, headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let carries_cookie = headers.get_all(header::COOKIE).iter().any(|value| {
        value.to_str().is_ok_and(|cookies| cookies.split(';').any(|cookie| cookie.trim().starts_with(COOKIE)))
    });
    let by_program = uri.path().starts_with("/v1/") && (!carries_cookie || headers.contains_key(header::AUTHORIZATION));
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) || by_program {
        return true;
    }
    if headers.contains_key("sec-fetch-site") {
        return text("sec-fetch-site") == Some("same-origin");
    }
    let host = uri.authority().map(axum::http::uri::Authority::as_str).or_else(|| text("host"));
    match (text("origin").and_then(|origin| origin.strip_prefix("https://")), host) {
        (Some(origin), Some(host)) => origin.eq_ignore_ascii_case(host),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_of_another_site_is_refused_and_our_own_goes_on() {
        const OWN: (&str, &str) = ("origin", "https://desk.test:8443");
        type Row = (&'static str, &'static str, &'static [(&'static str, &'static str)], bool);
        let table: [Row; 11] = [
            ("GET", "/activity", &[("sec-fetch-site", "cross-site")], true),
            ("POST", "/sign-out", &[("sec-fetch-site", "same-origin")], true),
            ("POST", "/sign-out", &[("sec-fetch-site", "cross-site"), OWN], false),
            ("POST", "/sign-out", &[("sec-fetch-site", "same-site"), OWN], false),
            ("POST", "/sign-out", &[("sec-fetch-site", "none")], false),
            ("POST", "/sign-out", &[OWN], true),
            ("POST", "/sign-out", &[("origin", "https://evil.test")], false),
            ("POST", "/sign-out", &[("origin", "null")], false),
            ("POST", "/sign-out", &[], false),
            ("POST", "/v1/holders", &[("cookie", "a=b; __Host-session=x"), ("origin", "https://evil.test")], false),
            ("POST", "/v1/holders", &[("authorization", "Bearer x")], true),
        ];
        for (method, path, said, trusted) in table {
            let mut headers = HeaderMap::new();
            headers.insert("host", HeaderValue::from_static("desk.test:8443"));
            for (name, value) in said {
                headers.insert(*name, HeaderValue::from_static(value));
            }
            let uri: Uri = path.parse().unwrap();
            assert_eq!(is_trusted(&method.parse().unwrap(), &uri, &headers), trusted, "{method} {path} {said:?}");
        }
    }
}
