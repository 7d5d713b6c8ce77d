//! Who may speak to the local API: programs that can read the token's file, and no web page.
//!
//! A page of another origin sends an Origin header or a foreign Host (DNS rebinding); both are refused before the token
//! is looked at, and nothing reaches a card.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, header},
    middleware::Next,
    response::Response,
};
use ring::digest;

use super::problem;

/// What every request must show.
#[derive(Clone)]
pub(super) struct Gate {
    host: String,
    token_hash: [u8; 32],
}

/// Why a request is turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turned {
    Host,
    Origin,
    Token,
}

impl Gate {
    pub(super) fn new(address: std::net::SocketAddr, token: &str) -> Self {
        Self { host: address.to_string(), token_hash: hash(token) }
    }

    /// Exactly our host, no origin at all, and the token.
    pub(super) fn check(&self, headers: &HeaderMap) -> Result<(), Turned> {
        let mut hosts = headers.get_all(header::HOST).iter();
        match (hosts.next(), hosts.next()) {
            (Some(host), None) if host.as_bytes() == self.host.as_bytes() => {}
            _ => return Err(Turned::Host),
        }
        // Browsers send it with every cross-origin request that could do something, and with every POST.
        if headers.contains_key(header::ORIGIN) || headers.contains_key("sec-fetch-site") {
            return Err(Turned::Origin);
        }
        let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        // Comparing hashes tells nothing about the token by its time.
        if token.is_some_and(|token| hash(token) == self.token_hash) { Ok(()) } else { Err(Turned::Token) }
    }
}

fn hash(token: &str) -> [u8; 32] {
    digest::digest(&digest::SHA256, token.as_bytes()).as_ref().try_into().expect("SHA-256 has 32 bytes")
}

pub(super) async fn guard(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    match gate.check(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(turned) => {
            tracing::warn!(?turned, "a request to the local API was turned away");
            problem::turned_away(turned)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Headers<'a> = Vec<(&'a str, &'a str)>;

    #[test]
    fn only_a_program_with_the_token_gets_in() {
        let gate = Gate::new("127.0.0.1:4000".parse().unwrap(), "secret");
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
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.append(header::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
            }
            assert_eq!(gate.check(&map), expected, "{case}");
        }
    }
}
