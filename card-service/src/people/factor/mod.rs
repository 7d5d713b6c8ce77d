//! The second factor beside the password: codes that change every thirty seconds (RFC 6238), and recovery codes
//! (decision 0028).
//!
//! Not here: passwords (`people::password`), what a session still lacks (`people::model::Owed`).

mod address;
pub mod pages;
pub mod rules;
pub mod store;
#[cfg(test)]
mod tests;

use card_schema::clock::Micros;
use card_schema::ids::Shard;
use card_schema::qr::Picture;
use card_schema::wire::ProblemType;
use ring::digest;
use totp_rs::{Builder, Totp};
use zeroize::Zeroizing;

use self::rules::Tried;
use super::session::Open;
use super::{StaffId, password, store as sessions};
use crate::app::App;
use crate::db::Tx;
use crate::http::Refusal;
use crate::keys::{KeyError, KeyStore, seal};

/// Bytes of a secret: as many as SHA-1 has (RFC 4226 §4, R6).
const SECRET_BYTES: usize = 20;
/// How many recovery codes there are.
const RECOVERY_CODES: usize = 10;

/// What a code turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Right, and used from now on.
    Right,
    /// Wrong, or used before.
    Wrong,
    /// Not looked at: too many were wrong; until when.
    TooMany(Micros),
}

/// SHA-1, six digits, thirty seconds, one step of tolerance: what every authenticator takes.
pub(crate) fn totp(secret: &[u8]) -> Totp {
    Builder::new().with_secret(secret.to_vec()).build().expect("the secret is long enough")
}

fn place(who: StaffId) -> Vec<u8> {
    seal::place(who.0.as_bytes(), "second_factor", "sealed")
}

fn key(keys: &dyn KeyStore, who: StaffId) -> Result<seal::SealingKey, KeyError> {
    seal::derived(keys, b"nrc/second-factor/v1", who.0.as_bytes())
}

/// A secret as it is stored.
pub(crate) fn sealed(keys: &dyn KeyStore, who: StaffId, secret: &[u8], nonce: [u8; 12]) -> Result<Vec<u8>, KeyError> {
    Ok(seal::seal(&*key(keys, who)?, nonce, &place(who), secret))
}

fn opened(keys: &dyn KeyStore, who: StaffId, sealed: &[u8]) -> Result<Totp, KeyError> {
    let secret = seal::open(&*key(keys, who)?, &place(who), sealed).map_err(|_| KeyError::WrongKey)?;
    if secret.len() == SECRET_BYTES { Ok(totp(&secret)) } else { Err(KeyError::Malformed("a second factor's length")) }
}

/// Under what a recovery code is stored. It is random enough that no salt is needed, and each person's differ.
fn recovery_hash(who: StaffId, code: &str) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(b"nrc/recovery-code/v1\0");
    context.update(who.0.as_bytes());
    context.update(code.as_bytes());
    context.finish().as_ref().try_into().expect("SHA-256 has 32 bytes")
}

/// The step of the present moment at which a code is right.
fn step(totp: &Totp, code: &str, now: Micros) -> Option<i64> {
    totp.check(code, now.seconds().try_into().ok()?)?.try_into().ok()
}

/// Looks at a code of somebody whose second factor is on, and uses it up.
async fn check(tx: &mut Tx, app: &App, who: StaffId, typed: &str, now: Micros) -> Result<Outcome, Refusal> {
    // Of two who try at once the second sees what the first has used up.
    tx.lock([Shard(0)]).await?;
    let Some(factor) = store::one(tx.conn(), who).await?.filter(|factor| factor.on) else {
        return Ok(Outcome::Wrong);
    };
    let tried = store::tried(tx.conn(), who).await?;
    let code: Zeroizing<String> =
        Zeroizing::new(typed.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect());
    let is_recovery = code.chars().any(|c| !c.is_ascii_digit());
    let after = if is_recovery {
        // Nobody guesses one of 2^80: they are looked at also while codes are not.
        let right = store::take_recovery_code(tx, recovery_hash(who, &code)).await?;
        if right { Some(Tried { wrong: 0, wait_until: Micros(0), ..tried }) } else { None }
    } else {
        if now < tried.wait_until {
            return Ok(Outcome::TooMany(tried.wait_until));
        }
        step(&opened(&*app.keys, who, &factor.sealed)?, &code, now).and_then(|step| tried.right(step))
    };
    store::put_tried(tx, who, after.unwrap_or_else(|| tried.wrong(now))).await?;
    Ok(if after.is_some() { Outcome::Right } else { Outcome::Wrong })
}

/// Shows a code in a session that lacks it: with the right one the sign-in is complete.
pub async fn show(app: &App, session: &Open, typed: &str) -> Result<Outcome, Refusal> {
    if !app.sign_in_limits.allow_code(&session.staff.name) {
        return Err(Refusal::new(ProblemType::TooManyRequests));
    }
    let typed = Zeroizing::new(typed.to_owned());
    let (shared, now, who, token) = (app.clone(), app.now(), session.staff.staff_id, session.token_hash);
    let shown = app.db.write::<_, Refusal, _>(move |tx| {
        Box::pin(async move {
            let outcome = check(tx, &shared, who, &typed, now).await?;
            match outcome {
                Outcome::Right => {
                    sessions::prove_session(tx, token).await?;
                    sessions::signed_in(tx, now, who).await?;
                }
                Outcome::Wrong => sessions::failed_sign_in(tx, now, who).await?,
                Outcome::TooMany(_) => {}
            }
            Ok(outcome)
        })
    });
    let outcome = shown.await?;
    if outcome != Outcome::Right {
        metrics::counter!("sign_ins_failed_total").increment(1);
    }
    Ok(outcome)
}

/// A secret that is shown while it is set up.
#[derive(Debug)]
pub struct Setup {
    /// In base32, to be typed.
    pub secret: Zeroizing<String>,
    /// Drawn, to be photographed.
    pub picture: Picture,
}

fn setup(app_name: &str, totp: &Totp, name: &str) -> Setup {
    let secret = Zeroizing::new(totp.secret().to_base32());
    let picture = Picture::of(&address::address(app_name, name, &secret));
    Setup { secret, picture }
}

/// Begins to set up a second factor, with a secret that is worth nothing before one right code has come.
pub async fn begin(app: &App, session: &Open, app_name: &str) -> Result<Setup, Refusal> {
    let (who, now) = (session.staff.staff_id, app.now());
    let secret = app.random_bytes::<SECRET_BYTES>()?;
    let sealed = sealed(&*app.keys, who, &*secret, *app.random_bytes::<12>()?)?;
    app.db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                tx.lock([Shard(0)]).await?;
                if store::one(tx.conn(), who).await?.is_some_and(|factor| factor.on) {
                    return Err(Refusal::because(ProblemType::Conflict, "factor-on-already"));
                }
                Ok(store::put(tx, now, who, &store::Factor { on: false, changed_at: now, sealed }).await?)
            })
        })
        .await?;
    Ok(setup(app_name, &totp(&*secret), &session.staff.name))
}

/// What came of the first code.
#[derive(Debug)]
pub enum Confirmed {
    /// The second factor is on: the recovery codes, to be shown once.
    On(Vec<Zeroizing<String>>),
    /// The code is wrong; the secret once more.
    Wrong(Setup),
    /// There is nothing to confirm.
    Nothing,
}

/// Confirms the second factor that is being set up by a code of it. Every other session of the person ends.
pub async fn confirm(app: &App, session: &Open, typed: &str, app_name: &str) -> Result<Confirmed, Refusal> {
    let codes = (0..RECOVERY_CODES).map(|_| password::invented(&app.random)).collect::<Result<Vec<_>, _>>()?;
    let (who, now, token, shared) = (session.staff.staff_id, app.now(), session.token_hash, app.clone());
    let hashes: Vec<_> = codes.iter().map(|code| recovery_hash(who, code)).collect();
    let typed: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
    let done = app.db.write::<_, Refusal, _>(move |tx| {
        Box::pin(async move {
            tx.lock([Shard(0)]).await?;
            let Some(factor) = store::one(tx.conn(), who).await?.filter(|factor| !factor.on) else { return Ok(None) };
            let totp = opened(&*shared.keys, who, &factor.sealed)?;
            let Some(step) = step(&totp, &typed, now) else { return Ok(Some(Err(totp))) };
            store::put(tx, now, who, &store::Factor { on: true, changed_at: now, ..factor }).await?;
            store::put_tried(tx, who, Tried { step, ..Tried::default() }).await?;
            store::put_recovery_codes(tx, who, &hashes).await?;
            sessions::prove_session(tx, token).await?;
            sessions::end_other_sessions(tx, who, token).await?;
            Ok(Some(Ok(())))
        })
    });
    Ok(match done.await? {
        None => Confirmed::Nothing,
        Some(Ok(())) => Confirmed::On(codes),
        Some(Err(totp)) => Confirmed::Wrong(setup(app_name, &totp, &session.staff.name)),
    })
}

/// Takes one's own second factor away, to set up another, against a code of it.
pub async fn remove(app: &App, session: &Open, typed: &str) -> Result<Outcome, Refusal> {
    if !app.sign_in_limits.allow_code(&session.staff.name) {
        return Err(Refusal::new(ProblemType::TooManyRequests));
    }
    let typed = Zeroizing::new(typed.to_owned());
    let (shared, now, who) = (app.clone(), app.now(), session.staff.staff_id);
    let removed = app.db.write::<_, Refusal, _>(move |tx| {
        Box::pin(async move {
            let outcome = check(tx, &shared, who, &typed, now).await?;
            if outcome == Outcome::Right {
                store::remove(tx, now, who).await?;
            }
            Ok(outcome)
        })
    });
    removed.await
}
