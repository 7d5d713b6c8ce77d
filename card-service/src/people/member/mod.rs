//! Members of staff as an administrator sees them: who works where, in which role, and whether they may.
//!
//! Not here: signing in (`people::session`), what somebody changes about themselves (`people::account`).

mod card;
pub mod model;
pub mod pages;
pub mod rules;
pub mod store;
#[cfg(test)]
pub(crate) mod tests;

use card_schema::clock::Micros;
use card_schema::ids::{CardId, OrganisationId, Shard};
use card_schema::wire::ProblemType;
use uuid::Uuid;
use zeroize::Zeroizing;

use self::model::{Member, Past, Post, State, Wish};
use super::approval::{self, Asked, model::Deed};
use super::{Staff, StaffId, StaffRole, factor, password};
use crate::app::App;
use crate::cards::expiry::rules::Clock;
use crate::cards::{self, Bearer, CardState};
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
    /// Where they work, if it is said.
    pub organisation: Option<OrganisationId>,
}

/// Somebody who was added. The password is shown to whoever added them, once.
#[derive(Debug)]
pub struct Added {
    /// Who.
    pub staff_id: StaffId,
    /// What they sign in with for the first time.
    pub first_password: Zeroizing<String>,
    /// The request to which somebody else has to agree first.
    pub waits: Option<Uuid>,
}

/// Why nothing was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undone {
    /// What is wished for cannot be.
    Wrong(Wrong),
    /// Somebody else has done something with the same member, of which whoever wishes did not know.
    Meanwhile(Past),
}

/// What came of a wish.
#[derive(Debug)]
pub enum Done {
    /// It is so.
    Now,
    /// Somebody else has to agree to this request first.
    Waits(Uuid),
    /// It is so, and there is a password to be shown once.
    Password(Zeroizing<String>),
}

fn unknown() -> Refusal {
    Refusal::because(ProblemType::NotFound, "staff-unknown")
}

/// Whoever asks, as they are now: somebody may have been suspended since the request came in.
async fn administrator(tx: &mut Tx, by: StaffId) -> Result<Member, Refusal> {
    let by = store::one(tx.conn(), by).await?.ok_or_else(unknown)?;
    let may = by.post.state == State::Working && by.staff.role.may(Permission::Administer);
    if may { Ok(by) } else { Err(Refusal::new(ProblemType::Forbidden)) }
}

/// Whether somebody of this role may work there.
async fn employs(connection: &mut Connection, organisation: OrganisationId, role: StaffRole) -> Result<bool, DbError> {
    let entry = organisation::store::one(connection, organisation).await?;
    Ok(entry.is_some_and(|entry| entry.kind == Some(Kind::of_work(role)) && !entry.closed))
}

/// Adds a member of staff with a password that is to be changed at the first sign-in.
pub async fn add(app: &App, by: StaffId, new: New) -> Result<Result<Added, Wrong>, Refusal> {
    let Some(name) = model::name(&new.name) else { return Ok(Err(("name", "staff-name-bad"))) };
    let first_password = password::invented(&app.random)?;
    let hash = password::hashed(first_password.clone()).await?;
    let staff = Staff { staff_id: StaffId(app.new_id()), name: name.to_owned(), role: new.role };
    let (staff_id, now, request) = (staff.staff_id, app.now(), app.new_id());
    let added = app.db.write::<_, Refusal, _>(move |tx| {
        Box::pin(async move {
            tx.lock([Shard(0)]).await?;
            administrator(tx, by).await?;
            if super::store::by_name(tx.conn(), &staff.name).await?.is_some() {
                return Ok(Err(("name", "staff-name-taken")));
            }
            if let Some(organisation) = new.organisation
                && !employs(tx.conn(), organisation, new.role).await?
            {
                return Ok(Err(("station", "staff-station-missing")));
            }
            let deed = Deed::Admit { staff: staff_id, role: staff.role };
            let waits = match approval::ask(tx, now, request, by, deed).await? {
                Ok(Asked::Go) => None,
                Ok(Asked::Waits(request)) => Some(request),
                Err(key) => return Ok(Err(("name", key))),
            };
            let post = Post {
                organisation: new.organisation,
                state: if waits.is_some() { State::Waiting } else { State::Working },
                password_given: true,
                admitted: Some((by, now)),
                ..Post::working(now)
            };
            store::insert(tx, now, &staff, &post, &hash).await?;
            Ok(Ok(waits))
        })
    });
    Ok(added.await?.map(|waits| Added { staff_id, first_password, waits }))
}

/// The deed behind a wish that may take two.
const fn deed(member: &Member, wish: Wish) -> Option<Deed> {
    let (staff, role) = (member.staff.staff_id, member.staff.role);
    match wish {
        Wish::Admit => Some(Deed::Admit { staff, role }),
        Wish::Resume => Some(Deed::Resume { staff, role }),
        Wish::Role(to) => Some(Deed::ChangeRole { staff, from: role, to }),
        Wish::TakeSecondFactor => Some(Deed::TakeSecondFactor { staff }),
        Wish::SignInWithCard(card) => Some(Deed::SignInWithCard { staff, role, card }),
        Wish::Move(_) | Wish::Suspend | Wish::GivePassword | Wish::SignOut => None,
    }
}

/// Does what an administrator wants done with a member of staff, or asks for it where that takes two. `seen` is the newest
/// deed of which they know.
pub async fn change(
    app: &App,
    by: StaffId,
    about: StaffId,
    wish: Wish,
    seen: i64,
) -> Result<Result<Done, Undone>, Refusal> {
    let given = if wish == Wish::GivePassword { Some(password::invented(&app.random)?) } else { None };
    let hash = match &given {
        Some(word) => Some(password::hashed(word.clone()).await?),
        None => None,
    };
    let (now, request) = (app.now(), app.new_id());
    let done = app.db.write::<_, Refusal, _>(move |tx| {
        Box::pin(async move {
            // Whoever comes second sees what the first has done.
            tx.lock([Shard(0)]).await?;
            let by = administrator(tx, by).await?.staff.staff_id;
            let member = store::one(tx.conn(), about).await?.ok_or_else(unknown)?;
            if let Some(newest) = store::newest(tx.conn(), about).await?.filter(|newest| newest.leaf > seen) {
                return Ok(Err(Undone::Meanwhile(newest)));
            }
            if let Wish::Move(Some(organisation)) = wish
                && !employs(tx.conn(), organisation, member.staff.role).await?
            {
                return Ok(Err(Undone::Wrong(("station", "staff-station-missing"))));
            }
            let changed = match rules::changed(&member, &wish, by, now) {
                Ok(changed) => changed,
                Err(wrong) => return Ok(Err(Undone::Wrong(wrong))),
            };
            if let Wish::SignInWithCard(card) = wish
                && !bears(tx, &member, card, now).await?
            {
                return Ok(Err(Undone::Wrong((wish.name(), "staff-card-not-in-use"))));
            }
            if let Some(deed) = deed(&member, wish) {
                match approval::ask(tx, now, request, by, deed).await? {
                    Ok(Asked::Go) => {}
                    Ok(Asked::Waits(request)) => return Ok(Ok(Done::Waits(request))),
                    Err(key) => return Ok(Err(Undone::Wrong((wish.name(), key)))),
                }
            }
            let deed = model::Deed { by: Some(by), wish };
            match wish {
                // What they may do stays as it is, and so do their sessions.
                Wish::Move(_) => store::update(tx, now, &changed, None, Some(deed)).await?,
                _ => apply(tx, now, &changed, deed, hash.as_deref()).await?,
            }
            Ok(Ok(Done::Now))
        })
    });
    Ok(done.await?.map(|done| given.map_or(done, Done::Password)))
}

/// Whether a card is theirs and in use, and they do not sign in with it yet.
pub async fn bears(tx: &mut Tx, member: &Member, card: CardId, now: Micros) -> Result<bool, DbError> {
    let found = cards::store::one(tx.conn(), card).await?;
    Ok(found.is_some_and(|card| {
        card.bearer == Bearer::Staff(member.staff.staff_id)
            && Clock::at(now).state(&card) == CardState::Active
            && !card.signs_in
    }))
}

/// Keeps what a wish has made of somebody. Their sessions end at once.
pub async fn apply(
    tx: &mut Tx,
    now: Micros,
    member: &Member,
    deed: model::Deed,
    password_hash: Option<&str>,
) -> Result<(), DbError> {
    match deed.wish {
        Wish::TakeSecondFactor => factor::store::remove(tx, now, member.staff.staff_id).await?,
        Wish::SignInWithCard(card) => cards::store::set_signs_in(tx, now, card, true).await?,
        // What a card opens was agreed to for the role before.
        Wish::Role(_) => {
            for card in cards::store::of(tx.conn(), Bearer::Staff(member.staff.staff_id)).await? {
                if card.signs_in {
                    cards::store::set_signs_in(tx, now, card.card_id, false).await?;
                }
            }
        }
        _ => {}
    }
    store::update(tx, now, member, password_hash, Some(deed)).await?;
    super::store::end_sessions_of(tx, member.staff.staff_id).await
}
