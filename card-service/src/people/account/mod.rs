//! What members of staff do about themselves: choose a password.
//!
//! Not here: signing in and out (`people::session`), what administrators do about others (`people::member`).

pub mod pages;

use card_schema::ids::Shard;
use card_schema::wire::ProblemType;
use zeroize::Zeroizing;

use super::member::{self, Wrong, model::Post};
use super::model::Owed;
use super::session::Open;
use super::{password, store};
use crate::app::App;
use crate::http::Refusal;

/// Chooses another password. Every other session of the person ends.
///
/// Whoever has just signed in with a password that somebody gave them is not asked for it again.
pub async fn choose_password(
    app: &App,
    session: &Open,
    present: Zeroizing<String>,
    new: Zeroizing<String>,
    repeated: &str,
) -> Result<Result<(), Wrong>, Refusal> {
    if new.chars().count() < password::MIN_CHARS {
        return Ok(Err(("new", "password-too-short")));
    }
    if new.as_str() != repeated {
        return Ok(Err(("repeated", "account-password-differs")));
    }
    let who = session.staff.staff_id;
    let known = store::by_name(&mut app.db.read().await?, &session.staff.name).await?;
    let Some((_, hash, _)) = known else { return Err(Refusal::new(ProblemType::NotSignedIn)) };
    if session.owed != Some(Owed::Password) {
        if !app.sign_in_limits.allow_name(&session.staff.name) {
            return Err(Refusal::new(ProblemType::TooManyRequests));
        }
        if !password::verify(present, Some(hash.clone())).await {
            return Ok(Err(("present", "account-password-wrong")));
        }
    }
    if password::verify(new.clone(), Some(hash.clone())).await {
        return Ok(Err(("new", "account-password-same")));
    }
    let (now, new, kept, name) =
        (app.now(), password::hashed(new).await?, session.token_hash, session.staff.name.clone());
    app.db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                tx.lock([Shard(0)]).await?;
                // An administrator may have given them another meanwhile.
                let unchanged = store::by_name(tx.conn(), &name).await?.is_some_and(|(_, now, _)| now == hash);
                let member = member::store::one(tx.conn(), who).await?.filter(|_| unchanged);
                let mut member = member.ok_or_else(|| Refusal::new(ProblemType::NotSignedIn))?;
                member.post = Post { password_given: false, ..member.post };
                member::store::update(tx, now, &member, Some(&new), None).await?;
                store::end_other_sessions(tx, who, kept).await?;
                Ok(Ok(()))
            })
        })
        .await
}
