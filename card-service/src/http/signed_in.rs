//! Who stands behind a request. The API carries a session's token as bearer, the console in a `__Host-` cookie.
//!
//! A token in the cookie is not taken from another site's page: the cookie is `SameSite=Strict`, and requests that
//! change something are checked for their origin (`console::guard`). Sessions themselves are `people::session`.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use card_schema::wire::ProblemType;
use zeroize::Zeroizing;

use super::Refusal;
use crate::app::App;
use crate::people::model::{Owed, Permission, Purpose, Staff};
use crate::people::session::{self, Carrier, Open};

/// The console's cookie (RFC 6265bis §4.1.3.2: the prefix ties it to this host, the whole path and TLS).
pub const COOKIE: &str = "__Host-session";

/// The member of staff behind a request, who owes nothing before it.
#[derive(Clone, Debug)]
pub struct SignedIn(pub Staff);

/// The same, who may owe something: for the pages on which that is done.
#[derive(Clone, Debug)]
pub struct AtTheDoor(pub Open);

impl SignedIn {
    /// Refuses unless the role may do this.
    pub fn require(&self, permission: Permission) -> Result<(), Refusal> {
        if self.0.role.may(permission) { Ok(()) } else { Err(Refusal::new(ProblemType::Forbidden)) }
    }

    /// Refuses unless the role may read a person's record for this purpose.
    pub fn require_purpose(&self, purpose: Purpose) -> Result<(), Refusal> {
        if self.0.role.purposes().contains(&purpose) {
            Ok(())
        } else {
            Err(Refusal::because(ProblemType::Forbidden, "purpose-not-allowed"))
        }
    }
}

impl FromRequestParts<App> for SignedIn {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let AtTheDoor(session) = AtTheDoor::from_request_parts(parts, app).await?;
        AtTheDoor(session).owing_at_most(&[]).map(|session| Self(session.staff))
    }
}

impl AtTheDoor {
    /// Refuses whoever owes something else, and leads them there.
    pub fn owing_at_most(self, allowed: &[Owed]) -> Result<Open, Refusal> {
        match self.0.owed.filter(|owed| !allowed.contains(owed)) {
            None => Ok(self.0),
            Some(owed) => Err(Refusal::because(ProblemType::Forbidden, owed.key()).leading_to(owed.page())),
        }
    }
}

impl FromRequestParts<App> for AtTheDoor {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let (token, carrier) = token(&parts.headers).ok_or_else(|| Refusal::new(ProblemType::NotSignedIn))?;
        session::of(app, &token, carrier).await.map(Self)
    }
}

/// Ends the session that a request carries, if it carries one.
pub async fn sign_out(app: &App, headers: &HeaderMap) -> Result<(), Refusal> {
    match token(headers) {
        Some((token, _)) => session::sign_out(app, &token).await,
        None => Ok(()),
    }
}

fn token(headers: &HeaderMap) -> Option<(Zeroizing<String>, Carrier)> {
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    if let Some(token) = bearer {
        return Some((Zeroizing::new(token.trim().to_owned()), Carrier::Bearer));
    }
    headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok()).find_map(|cookies| {
        cookies.split(';').find_map(|cookie| {
            let token = cookie.trim().strip_prefix(COOKIE)?.strip_prefix('=')?;
            Some((Zeroizing::new(token.to_owned()), Carrier::Cookie))
        })
    })
}
