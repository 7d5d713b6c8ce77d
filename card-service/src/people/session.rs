//! Sessions: signing in by password, and who stands behind a request.
//!
//! A session is one row; the API carries its token as bearer, the console in a `__Host-` cookie. A token in the cookie
//! is not taken from another site's page: the cookie is `SameSite=Strict`, and requests that change something are
//! checked for their origin (`console::origin`).

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use card_schema::clock::Micros;
use card_schema::wire::ProblemType;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use ring::digest;
use ring::rand::SecureRandom;
use zeroize::Zeroizing;

use super::model::{Permission, Purpose, Staff};
use super::{password, store};
use crate::app::App;
use crate::problem::Refusal;

/// The console's cookie (RFC 6265bis §4.1.3.2: the prefix ties it to this host, the whole path and TLS).
pub const COOKIE: &str = "__Host-session";
/// A session ends after a working day whatever happens.
const LIFETIME_SECONDS: i64 = 12 * 3600;
/// How exactly "last seen" is kept: a write a minute, not one a request.
const TOUCH_SECONDS: u64 = 60;

/// How many sign-ins may be tried: per name and per address, then one every twelve seconds.
#[derive(Debug)]
pub struct SignInLimits {
    by_name: DefaultKeyedRateLimiter<String>,
    by_address: DefaultKeyedRateLimiter<IpAddr>,
}

impl Default for SignInLimits {
    fn default() -> Self {
        let quota = |burst: u32| {
            Quota::with_period(Duration::from_secs(12))
                .expect("twelve seconds are not zero")
                .allow_burst(NonZeroU32::new(burst).expect("a burst is at least one"))
        };
        Self { by_name: RateLimiter::dashmap(quota(10)), by_address: RateLimiter::dashmap(quota(30)) }
    }
}

impl SignInLimits {
    fn check(&self, name: &str, address: IpAddr) -> Result<(), Refusal> {
        // Forgets those that are at rest again, so that made-up names do not fill the memory.
        if self.by_name.len() > 10_000 || self.by_address.len() > 10_000 {
            self.by_name.retain_recent();
            self.by_address.retain_recent();
        }
        let free = self.by_address.check_key(&address).is_ok() && self.by_name.check_key(&name.to_lowercase()).is_ok();
        if free { Ok(()) } else { Err(Refusal::new(ProblemType::TooManyRequests)) }
    }
}

/// A session that has just begun. The token is shown to its owner once.
pub struct Begun {
    /// 32 random bytes in base64url.
    pub token: Zeroizing<String>,
    /// When it ends whatever happens.
    pub expires_at: Micros,
    /// Whose it is.
    pub staff: Staff,
}

impl std::fmt::Debug for Begun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Begun").field("staff", &self.staff).finish_non_exhaustive()
    }
}

/// Signs somebody in by name and password.
pub async fn sign_in(app: &App, address: IpAddr, name: &str, word: Zeroizing<String>) -> Result<Begun, Refusal> {
    app.sign_in_limits.check(name, address)?;
    let known = store::by_name(&mut *app.db.read().acquire().await?, name).await?;
    let (staff, hash) = known.map_or((None, None), |(staff, hash)| (Some(staff), Some(hash)));
    let right = password::verify(word, hash).await;
    let now = app.now();
    let Some(staff) = staff.filter(|_| right) else {
        if let Some((known, _)) = store::by_name(&mut *app.db.read().acquire().await?, name).await? {
            app.db
                .write::<_, Refusal, _>(move |tx| {
                    Box::pin(async move { Ok(store::failed_sign_in(tx, now, known.staff_id).await?) })
                })
                .await?;
        }
        metrics::counter!("sign_ins_failed_total").increment(1);
        return Err(Refusal::because(ProblemType::NotSignedIn, "sign-in-wrong"));
    };
    let mut random = Zeroizing::new([0; 32]);
    app.random.fill(&mut *random).map_err(|_| Refusal::new(ProblemType::Internal))?;
    let token = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(*random));
    let (hash, who, expires_at) = (token_hash(&token), staff.staff_id, now.plus_seconds(LIFETIME_SECONDS));
    app.db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move { Ok(store::begin_session(tx, now, hash, who, expires_at).await?) })
        })
        .await?;
    Ok(Begun { token, expires_at, staff })
}

/// Ends the session that a request carries, if it carries one.
pub async fn sign_out(app: &App, headers: &HeaderMap) -> Result<(), Refusal> {
    let Some((token, _)) = token(headers) else { return Ok(()) };
    let hash = token_hash(&token);
    app.db.write::<_, Refusal, _>(move |tx| Box::pin(async move { Ok(store::end_session(tx, hash).await?) })).await
}

/// The member of staff behind a request.
#[derive(Clone, Debug)]
pub struct SignedIn(pub Staff);

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
        let refused = || Refusal::new(ProblemType::NotSignedIn);
        let (token, carrier) = token(&parts.headers).ok_or_else(refused)?;
        let hash = token_hash(&token);
        let session = store::session(&mut *app.db.read().acquire().await?, hash).await?.ok_or_else(refused)?;
        let now = app.now();
        let idle_for = now.distance(session.last_seen_at) / Micros::PER_SECOND.unsigned_abs();
        let too_idle = carrier == Carrier::Cookie && idle_for > app.config.sessions.idle_s.unsigned_abs();
        if now >= session.expires_at || too_idle {
            return Err(refused());
        }
        if idle_for >= TOUCH_SECONDS {
            app.db
                .write::<_, Refusal, _>(move |tx| {
                    Box::pin(async move { Ok(store::touch_session(tx, now, hash).await?) })
                })
                .await?;
        }
        Ok(Self(session.staff))
    }
}

/// How a request carries its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Carrier {
    Bearer,
    Cookie,
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

fn token_hash(token: &str) -> [u8; 32] {
    digest::digest(&digest::SHA256, token.as_bytes()).as_ref().try_into().expect("SHA-256 has 32 bytes")
}
