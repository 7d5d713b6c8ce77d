//! Who may speak to the daemon: programs that can read the token's file, our own pages in a browser that was let in, and
//! no other web page.
//!
//! A page of another origin sends an Origin header or a foreign Host (DNS rebinding); both are refused before token or
//! session is looked at, and nothing reaches a card. What programs may ask no page may, our own included.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, Method, header},
    middleware::Next,
    response::Response,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    digest,
    error::Unspecified,
    rand::{SecureRandom as _, SystemRandom},
};
use uuid::Uuid;

use super::{page, page::Visits, problem};

/// A SHA-256.
pub(super) type Hash = [u8; 32];

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What every request must show.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    host: String,
    token_hash: Hash,
    visits: Visits,
}

/// Why a request is turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turned {
    Host,
    Origin,
    Token,
    Session,
}

impl Gate {
    pub(super) fn new(address: std::net::SocketAddr, token: &str, visits: Visits) -> Self {
        Self { host: address.to_string(), token_hash: hash(token), visits }
    }

    fn check_host(&self, headers: &HeaderMap) -> Result<(), Turned> {
        match only(headers, header::HOST) {
            Some(host) if host == self.host => Ok(()),
            _ => Err(Turned::Host),
        }
    }

    /// A program: exactly our host, no origin at all, and the token.
    fn check_program(&self, headers: &HeaderMap) -> Result<(), Turned> {
        self.check_host(headers)?;
        // Browsers send it with every cross-origin request that could do something, and with every POST.
        if headers.contains_key(header::ORIGIN) || headers.contains_key(FETCH_SITE) {
            return Err(Turned::Origin);
        }
        let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        // Comparing hashes tells nothing about the token by its time.
        if token.is_some_and(|token| hash(token) == self.token_hash) { Ok(()) } else { Err(Turned::Token) }
    }

    /// A browser: exactly our host, sent by one of our own pages or by nobody's, and a session unless this begins one.
    fn check_browser(&self, method: &Method, path: &str, headers: &HeaderMap) -> Result<(), Turned> {
        self.check_host(headers)?;
        let ours = format!("http://{}", self.host);
        match only(headers, header::ORIGIN) {
            Some(origin) if origin == ours => {}
            // Browsers send it with every POST.
            None if method == Method::GET && !headers.contains_key(header::ORIGIN) => {}
            _ => return Err(Turned::Origin),
        }
        if headers.contains_key(FETCH_SITE) && !matches!(only(headers, FETCH_SITE), Some("same-origin" | "none")) {
            return Err(Turned::Origin);
        }
        let is_let_in =
            page::sessions(headers).filter_map(|session| self.visits.knows(session)).any(|view| view.opens(path));
        if is_let_in || page::begins(path) { Ok(()) } else { Err(Turned::Session) }
    }
}

/// A header that is there once.
fn only(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

/// 256 random bits, as they stand in files, addresses and cookies; an error where the system has none.
pub(super) fn secret() -> Result<String, Unspecified> {
    let mut random = [0; 32];
    SystemRandom::new().fill(&mut random)?;
    Ok(URL_SAFE_NO_PAD.encode(random))
}

/// A number for something of ours that no other has.
pub(super) fn random_id() -> Uuid {
    let mut random = [0; 16];
    SystemRandom::new().fill(&mut random).expect("the system gives random bytes");
    uuid::Builder::from_random_bytes(random).into_uuid()
}

pub(super) fn hash(token: &str) -> Hash {
    digest::digest(&digest::SHA256, token.as_bytes()).as_ref().try_into().expect("SHA-256 has 32 bytes")
}

/// Lets programs through to the API.
pub(super) async fn programs(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    match gate.check_program(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(turned) => {
            tracing::warn!(?turned, "a request to the local API was turned away");
            problem::turned_away(turned)
        }
    }
}

/// Lets our own pages through to what they ask.
pub(super) async fn browsers(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    match gate.check_browser(request.method(), request.uri().path(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(turned) => {
            tracing::warn!(?turned, "a browser was turned away");
            page::turned_away(request.headers(), turned)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::wire::View;

    type Headers<'a> = Vec<(&'a str, &'a str)>;

    #[test]
    fn only_a_program_with_the_token_gets_in() {
        let gate = Gate::new("127.0.0.1:4000".parse().unwrap(), "secret", Visits::default());
        let good = [("host", "127.0.0.1:4000"), ("authorization", "Bearer secret")];
        let table: [(&str, Headers<'_>, Result<(), Turned>); 12] = [
            ("our own client", good.to_vec(), Ok(())),
            ("a rebound name", vec![("host", "evil.example:4000"), good[1]], Err(Turned::Host)),
            ("a rebound name without port", vec![("host", "evil.example"), good[1]], Err(Turned::Host)),
            ("localhost is another host", vec![("host", "localhost:4000"), good[1]], Err(Turned::Host)),
            ("another port", vec![("host", "127.0.0.1:4001"), good[1]], Err(Turned::Host)),
            ("no host", vec![good[1]], Err(Turned::Host)),
            ("two hosts", vec![good[0], good[0], good[1]], Err(Turned::Host)),
            ("another origin", vec![good[0], good[1], ("origin", "https://evil.example")], Err(Turned::Origin)),
            ("the null origin", vec![good[0], good[1], ("origin", "null")], Err(Turned::Origin)),
            ("a browser", vec![good[0], good[1], ("sec-fetch-site", "none")], Err(Turned::Origin)),
            ("no token", vec![good[0]], Err(Turned::Token)),
            ("another token", vec![good[0], ("authorization", "Bearer secre")], Err(Turned::Token)),
        ];
        for (case, headers, expected) in table {
            assert_eq!(gate.check_program(&map(headers)), expected, "{case}");
        }
    }

    fn map(headers: Headers<'_>) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        map
    }

    #[test]
    fn only_our_own_pages_in_a_browser_that_was_let_in_get_to_what_they_ask() {
        let visits = Visits::default();
        let now = tokio::time::Instant::now();
        let enter = |view| visits.enter(&visits.invite(view, now), now).unwrap().0;
        let (session, merchants) = (enter(View::Holder), enter(View::Counter));
        let drivers = format!("validator_session_4000={}", enter(View::Validator));
        let gate = Gate::new("127.0.0.1:4000".parse().unwrap(), "secret", visits);
        let cookie = format!("other=1; holder_session_4000={session}");
        let others = format!("holder_session_4001={session}");
        let merchants = format!("holder_session_4000={session}; counter_session_4000={merchants}");
        let (host, cookie) = (("host", "127.0.0.1:4000"), ("cookie", cookie.as_str()));
        let (merchants, drivers) = (("cookie", merchants.as_str()), ("cookie", drivers.as_str()));
        let ours = ("origin", "http://127.0.0.1:4000");
        let (get, post) = (Method::GET, Method::POST);
        let table = [
            ("a page that is opened", &get, "/", vec![host, cookie, ("sec-fetch-site", "none")], Ok(())),
            ("a form of ours", &post, "/sign-in", vec![host, cookie, ours, ("sec-fetch-site", "same-origin")], Ok(())),
            ("a link that lets in", &get, "/enter/x", vec![host, ("sec-fetch-site", "none")], Ok(())),
            (
                "a link on another page",
                &get,
                "/enter/x",
                vec![host, ("sec-fetch-site", "cross-site")],
                Err(Turned::Origin),
            ),
            ("nobody was let in", &get, "/", vec![host], Err(Turned::Session)),
            ("another session", &get, "/", vec![host, ("cookie", "holder_session_4000=x")], Err(Turned::Session)),
            ("a merchant's page", &get, "/counter/till", vec![host, merchants], Ok(())),
            ("a merchant charges", &post, "/counter/till", vec![host, merchants, ours], Ok(())),
            ("one screen for both", &get, "/", vec![host, merchants], Ok(())),
            (
                "a holder's screen does not charge",
                &post,
                "/counter/top-up",
                vec![host, cookie, ours],
                Err(Turned::Session),
            ),
            ("whoever sets validators", &post, "/validator/set", vec![host, drivers, ours], Ok(())),
            ("their page looks as all do", &get, "/page.css", vec![host, drivers], Ok(())),
            ("they see no holder's screen", &get, "/", vec![host, drivers], Err(Turned::Session)),
            ("they do not charge", &post, "/counter/till", vec![host, drivers, ours], Err(Turned::Session)),
            (
                "a merchant sets no validator",
                &post,
                "/validator/set",
                vec![host, merchants, ours],
                Err(Turned::Session),
            ),
            ("nor does a rider", &post, "/validator/set", vec![host, cookie, ours], Err(Turned::Session)),
            ("the session of another port", &get, "/", vec![host, ("cookie", &others)], Err(Turned::Session)),
            (
                "the token is no session",
                &get,
                "/",
                vec![host, ("authorization", "Bearer secret")],
                Err(Turned::Session),
            ),
            ("a form without origin", &post, "/sign-in", vec![host, cookie], Err(Turned::Origin)),
            (
                "a form of another site",
                &post,
                "/",
                vec![host, cookie, ("origin", "https://evil.example")],
                Err(Turned::Origin),
            ),
            ("a sandboxed form", &post, "/", vec![host, cookie, ("origin", "null")], Err(Turned::Origin)),
            (
                "another port's form",
                &post,
                "/",
                vec![host, cookie, ("origin", "http://127.0.0.1:4001")],
                Err(Turned::Origin),
            ),
            ("two origins", &post, "/", vec![host, cookie, ours, ours], Err(Turned::Origin)),
            (
                "a picture on another site",
                &get,
                "/",
                vec![host, cookie, ("sec-fetch-site", "cross-site")],
                Err(Turned::Origin),
            ),
            (
                "another port's page",
                &get,
                "/",
                vec![host, cookie, ("sec-fetch-site", "same-site")],
                Err(Turned::Origin),
            ),
            ("a rebound name", &get, "/", vec![("host", "evil.example:4000"), cookie], Err(Turned::Host)),
            ("localhost is another host", &get, "/", vec![("host", "localhost:4000"), cookie], Err(Turned::Host)),
            ("no host", &get, "/", vec![cookie], Err(Turned::Host)),
        ];
        for (case, method, path, headers, expected) in table {
            assert_eq!(gate.check_browser(method, path, &map(headers)), expected, "{case}");
        }
    }
}
