//! Sessions: signing in by password, and whose session a token is.
//!
//! A session is one row. How a request carries its token is `http::signed_in`'s.

use std::net::IpAddr;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use card_schema::clock::Micros;
use card_schema::ids::Shard;
use card_schema::wire::ProblemType;
use ring::digest;
use zeroize::Zeroizing;

use super::member::model::State;
use super::model::{Owed, SignedInBy, Staff, StaffId};
use super::{factor, member, password, store};
use crate::app::App;
use crate::console::view::minute;
use crate::http::Refusal;

/// A session ends after a working day whatever happens.
const LIFETIME_SECONDS: i64 = 12 * 3600;
/// How exactly "last seen" is kept: a write a minute, not one a request.
const TOUCH_SECONDS: u64 = 60;

/// A session that has just begun. The token is shown to its owner once.
pub struct Begun {
    /// 32 random bytes in base64url.
    pub token: Zeroizing<String>,
    /// When it ends whatever happens.
    pub expires_at: Micros,
    /// Whose it is.
    pub staff: Staff,
    /// What has to be done in it before anything else.
    pub owed: Option<Owed>,
}

impl std::fmt::Debug for Begun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Begun").field("staff", &self.staff).finish_non_exhaustive()
    }
}

/// Signs somebody in by name and password.
pub async fn sign_in(app: &App, address: IpAddr, name: &str, word: Zeroizing<String>) -> Result<Begun, Refusal> {
    if !app.sign_in_limits.allow(name, address) {
        return Err(Refusal::new(ProblemType::TooManyRequests));
    }
    let known = store::by_name(&mut app.db.read().await?, name).await?;
    let right = password::verify(word, known.as_ref().map(|(_, hash, _)| hash.clone())).await;
    let refused = match known {
        Some((staff, hash, true)) if right => return begin(app, staff, hash).await,
        // Whoever knows the password may know why it does not let them in.
        Some(_) if right => "account-suspended",
        _ => "sign-in-wrong",
    };
    if let Some((staff, ..)) = known {
        let now = app.now();
        app.db
            .write::<_, Refusal, _>(move |tx| {
                Box::pin(async move { Ok(store::failed_sign_in(tx, now, staff.staff_id).await?) })
            })
            .await?;
    }
    metrics::counter!("sign_ins_failed_total").increment(1);
    Err(Refusal::because(ProblemType::NotSignedIn, refused))
}

/// Begins a session for somebody whose password was proven, while it is still theirs.
async fn begin(app: &App, staff: Staff, proven: String) -> Result<Begun, Refusal> {
    let now = app.now();
    let token = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(*app.random_bytes::<32>()?));
    let (hash, expires_at, who) = (token_hash(&token), now.plus_seconds(LIFETIME_SECONDS), staff.clone());
    let owed = app
        .db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                // Checking took a while, in which somebody may have been suspended or given another password.
                tx.lock([Shard(0)]).await?;
                let known = store::by_name(tx.conn(), &who.name).await?;
                let still = known.is_some_and(|(_, hash, works)| works && proven == hash);
                if !still {
                    return Err(Refusal::because(ProblemType::NotSignedIn, "sign-in-wrong"));
                }
                let post = member::store::one(tx.conn(), who.staff_id).await?;
                let (given, factor) = post.map_or((false, false), |it| (it.post.password_given, it.second_factor));
                let owed = Owed::of(who.role, given, factor, SignedInBy::Password);
                store::begin_session(tx, now, hash, who.staff_id, expires_at, SignedInBy::Password).await?;
                // Somebody of whom a code is asked has not signed in before it has come.
                if owed != Some(Owed::Code) {
                    store::signed_in(tx, now, who.staff_id).await?;
                }
                Ok(owed)
            })
        })
        .await?;
    Ok(Begun { token, expires_at, staff, owed })
}

/// Begins a session for somebody who has shown a card and its PIN, while they may work.
///
/// # Errors
/// `NotSignedIn` where they may not.
pub async fn begin_with_card(app: &App, who: StaffId) -> Result<Begun, Refusal> {
    let now = app.now();
    let token = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(*app.random_bytes::<32>()?));
    let (hash, expires_at) = (token_hash(&token), now.plus_seconds(LIFETIME_SECONDS));
    let staff = app
        .db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                tx.lock([Shard(0)]).await?;
                let member = member::store::one(tx.conn(), who).await?;
                let member = member.filter(|member| member.post.state == State::Working);
                let member = member.ok_or(Refusal::because(ProblemType::NotSignedIn, "account-suspended"))?;
                store::begin_session(tx, now, hash, who, expires_at, SignedInBy::Card).await?;
                store::signed_in(tx, now, who).await?;
                Ok(member.staff)
            })
        })
        .await?;
    Ok(Begun { token, expires_at, staff, owed: None })
}

/// Signs in with a code too, where one is asked for: a program shows all at once.
pub async fn sign_in_with_code(
    app: &App,
    address: IpAddr,
    name: &str,
    word: Zeroizing<String>,
    code: Option<&str>,
) -> Result<Begun, Refusal> {
    let mut begun = sign_in(app, address, name, word).await?;
    if begun.owed != Some(Owed::Code) {
        return Ok(begun);
    }
    let session = of(app, &begun.token, Carrier::Bearer).await?;
    let shown = match code {
        Some(code) => factor::show(app, &session, code).await,
        None => Err(Refusal::because(ProblemType::NotSignedIn, Owed::Code.key())),
    };
    let refused = match shown {
        Ok(factor::Outcome::Right) => {
            begun.owed = of(app, &begun.token, Carrier::Bearer).await?.owed;
            return Ok(begun);
        }
        Ok(factor::Outcome::Wrong) => Refusal::because(ProblemType::NotSignedIn, "factor-code-wrong"),
        Ok(factor::Outcome::TooMany(until)) => {
            Refusal::saying(ProblemType::TooManyRequests, "factor-code-too-many", &minute(until))
        }
        Err(refusal) => refusal,
    };
    sign_out(app, &begun.token).await?;
    Err(refused)
}

/// How a request carries its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// A program's: lasts as long as the session.
    Bearer,
    /// A browser's: ends when nobody has used it for a while.
    Cookie,
}

/// A session that goes on.
#[derive(Clone, Debug)]
pub struct Open {
    /// Whose it is.
    pub staff: Staff,
    /// What has to be done in it before anything else.
    pub owed: Option<Owed>,
    /// Which it is.
    pub token_hash: [u8; 32],
}

/// Whose session a token is; refused where it is nobody's, or over.
pub async fn of(app: &App, token: &str, carrier: Carrier) -> Result<Open, Refusal> {
    let refused = || Refusal::new(ProblemType::NotSignedIn);
    let hash = token_hash(token);
    let session = store::session(&mut app.db.read().await?, hash).await?.ok_or_else(refused)?;
    let now = app.now();
    let idle_for = now.distance(session.last_seen_at) / Micros::PER_SECOND.unsigned_abs();
    let too_idle = carrier == Carrier::Cookie && idle_for > app.config.sessions.idle_s.unsigned_abs();
    if now >= session.expires_at || too_idle || !session.works {
        return Err(refused());
    }
    if idle_for >= TOUCH_SECONDS {
        app.db
            .write::<_, Refusal, _>(move |tx| Box::pin(async move { Ok(store::touch_session(tx, now, hash).await?) }))
            .await?;
    }
    Ok(Open { owed: session.owed, staff: session.staff, token_hash: hash })
}

/// Ends the session of a token.
pub async fn sign_out(app: &App, token: &str) -> Result<(), Refusal> {
    let hash = token_hash(token);
    app.db.write::<_, Refusal, _>(move |tx| Box::pin(async move { Ok(store::end_session(tx, hash).await?) })).await
}

/// Ends every session of somebody, in whatever browser or program.
pub async fn sign_out_everywhere(app: &App, who: StaffId) -> Result<(), Refusal> {
    app.db.write::<_, Refusal, _>(move |tx| Box::pin(async move { Ok(store::end_sessions_of(tx, who).await?) })).await
}

/// Under what a session is stored: the token itself is nowhere.
pub(crate) fn token_hash(token: &str) -> [u8; 32] {
    digest::digest(&digest::SHA256, token.as_bytes()).as_ref().try_into().expect("SHA-256 has 32 bytes")
}
