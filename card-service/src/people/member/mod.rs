//! Members of staff as an administrator sees them: who works where, in which role, and whether they may.
//!
//! Not here: signing in (`people::session`), what somebody changes about themselves (`people::account`).

pub mod model;
pub mod pages;
pub mod rules;
pub mod store;
#[cfg(test)]
mod tests;

use card_schema::ids::{OrganisationId, Shard};
use card_schema::wire::ProblemType;
use zeroize::Zeroizing;

use self::model::{Member, Post, State, Wish};
use super::{Staff, StaffId, StaffRole, password};
use crate::app::App;
use crate::db::{Connection, DbError, Tx};
use crate::http::Refusal;
use crate::people::model::Permission;
use crate::people::organisation::{self, Kind};

/// A field and the key of what is wrong with it.
pub type Wrong = (&'static str, &'static str);

/// A member of staff to be added.
#[derive(Clone, Debug)]
pub struct New {
    /// What they will type to sign in.
    pub name: String,
    /// What they are employed to do.
    pub role: StaffRole,
    /// Their station, if it is said.
    pub organisation: Option<OrganisationId>,
}

/// Somebody who was added. The password is shown to whoever added them, once.
#[derive(Debug)]
pub struct Added {
    /// Who.
    pub staff_id: StaffId,
    /// What they sign in with for the first time.
    pub first_password: Zeroizing<String>,
}

/// What came of a wish.
#[derive(Debug)]
pub enum Done {
    /// It is so.
    Now,
    /// It is so, and there is a password to be shown once.
    Password(Zeroizing<String>),
}

fn unknown() -> Refusal {
    Refusal::because(ProblemType::NotFound, "staff-unknown")
}

/// A password that nobody chose: 80 bits in four groups, without letters that look like digits.
fn first_password(app: &App) -> Result<Zeroizing<String>, Refusal> {
    const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";
    let mut word = Zeroizing::new(String::with_capacity(19));
    for (at, byte) in app.random_bytes::<16>()?.iter().enumerate() {
        if at > 0 && at % 4 == 0 {
            word.push('-');
        }
        word.push(char::from(ALPHABET[usize::from(byte % 32)]));
    }
    Ok(word)
}

/// Whoever asks, as they are now: somebody may have been suspended since the request came in.
async fn administrator(tx: &mut Tx, by: StaffId) -> Result<Member, Refusal> {
    let by = store::one(tx.conn(), by).await?.ok_or_else(unknown)?;
    let may = by.post.state == State::Working && by.staff.role.may(Permission::Administer);
    if may { Ok(by) } else { Err(Refusal::new(ProblemType::Forbidden)) }
}

/// Whether staff may work there: a station that is not closed.
async fn employs(connection: &mut Connection, organisation: OrganisationId) -> Result<bool, DbError> {
    let entry = organisation::store::one(connection, organisation).await?;
    Ok(entry.is_some_and(|entry| entry.kind == Some(Kind::Station) && !entry.closed))
}

/// Adds a member of staff with a password that is to be changed at the first sign-in.
pub async fn add(app: &App, by: StaffId, new: New) -> Result<Result<Added, Wrong>, Refusal> {
    let Some(name) = model::name(&new.name) else { return Ok(Err(("name", "staff-name-bad"))) };
    let first_password = first_password(app)?;
    let hash = password::hashed(first_password.clone()).await?;
    let staff = Staff { staff_id: StaffId(app.new_id()), name: name.to_owned(), role: new.role };
    let (staff_id, now) = (staff.staff_id, app.now());
    let added = app.db.write::<_, Refusal, _>(move |tx| {
        Box::pin(async move {
            tx.lock([Shard(0)]).await?;
            administrator(tx, by).await?;
            if let Some(organisation) = new.organisation
                && !employs(tx.conn(), organisation).await?
            {
                return Ok(Err(("station", "staff-station-missing")));
            }
            let post = Post {
                organisation: new.organisation,
                password_given: true,
                admitted: Some((by, now)),
                ..Post::working(now)
            };
            let added = store::insert(tx, now, &staff, &post, &hash).await?;
            Ok(if added { Ok(()) } else { Err(("name", "staff-name-taken")) })
        })
    });
    Ok(added.await?.map(|()| Added { staff_id, first_password }))
}

/// Does what an administrator wants done with a member of staff. Whatever changes what somebody may do ends their
/// sessions at once.
pub async fn change(app: &App, by: StaffId, about: StaffId, wish: Wish) -> Result<Result<Done, Wrong>, Refusal> {
    let given = if wish == Wish::GivePassword { Some(first_password(app)?) } else { None };
    let hash = match &given {
        Some(word) => Some(password::hashed(word.clone()).await?),
        None => None,
    };
    let now = app.now();
    let done = app.db.write::<_, Refusal, _>(move |tx| {
        Box::pin(async move {
            // Whoever comes second sees what the first has done.
            tx.lock([Shard(0)]).await?;
            let by = administrator(tx, by).await?;
            let member = store::one(tx.conn(), about).await?.ok_or_else(unknown)?;
            if let Wish::Move(Some(organisation)) = wish
                && !employs(tx.conn(), organisation).await?
            {
                return Ok(Err(("station", "staff-station-missing")));
            }
            let changed = match rules::changed(&member, &wish, by.staff.staff_id, now) {
                Ok(changed) => changed,
                Err(wrong) => return Ok(Err(wrong)),
            };
            store::update(tx, now, &changed, hash.as_deref()).await?;
            if !matches!(wish, Wish::Move(_)) {
                super::store::end_sessions_of(tx, about).await?;
            }
            Ok(Ok(()))
        })
    });
    Ok(done.await?.map(|()| given.map_or(Done::Now, Done::Password)))
}
