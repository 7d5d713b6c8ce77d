//! Households: people who are registered together. One of them is the head, and each is related to the head somehow.
//!
//! Which records belong together lies there by ids; how somebody is related to the head is known of a person, so it is sealed
//! under that person's key. What was is kept: a membership ends, and another begins. Of two records of one person the one
//! that is kept stands in the household, whichever of them was taken into it. Not here: what the record says (`read`).

pub mod model;
pub mod pages;
pub mod rules;
mod seen;
pub(crate) mod store;
#[cfg(test)]
mod tests;
pub mod view;

use std::collections::BTreeSet;

use card_schema::clock::Micros;
use card_schema::ids::{HolderId, Shard};
use card_schema::wire::ProblemType;

use super::model::{ChangeReason, Facts, Field};
use super::protect::{self, SealingKey};
use super::{house, merge, read, require_known, reveal, store as persons};
use crate::app::App;
use crate::db::{Connection, Tx};
use crate::http::Refusal;
use crate::keys::{KeyError, seal};
use crate::people::{Purpose, StaffId};
use model::{HouseholdId, Member, Membership, Relationship};
use rules::MEMBERS_MAX;
use store::Becomes;

/// What the holder sees of a look at the household.
const READ: &str = "household";
/// The most people of a house among whom a household is looked for.
const NEIGHBOURS_MAX: u32 = 2_000;
/// The most households that are offered to a newcomer: each is a look at somebody's name.
const OFFERED_MAX: usize = 8;

fn conflict(key: &'static str) -> Refusal {
    Refusal::because(ProblemType::Conflict, key)
}

fn place(record: HolderId) -> Vec<u8> {
    protect::place(record.as_bytes(), "household_member", "sealed")
}

fn opened(key: &SealingKey, membership: &Membership) -> Result<Relationship, Refusal> {
    let opened = seal::open(key, &place(membership.record), &membership.sealed).map_err(|_| KeyError::WrongKey)?;
    let code = opened.first().copied().and_then(Relationship::from_code);
    Ok(code.ok_or(KeyError::Malformed("no relationship has such a code"))?)
}

/// The membership of a person: of the record itself, or of one that points to it.
pub(super) async fn of_person(connection: &mut Connection, person: HolderId) -> Result<Option<Membership>, Refusal> {
    for record in merge::records(&mut *connection, person).await? {
        if let Some(membership) = store::current(&mut *connection, record).await? {
            return Ok(Some(membership));
        }
    }
    Ok(None)
}

/// The members of a household, the head first. For deciding: showing them is `look`'s.
async fn members(app: &App, connection: &mut Connection, household: HouseholdId) -> Result<Vec<Member>, Refusal> {
    let mut members: Vec<Member> = Vec::new();
    for membership in store::members(&mut *connection, household).await? {
        let person = merge::primary(&mut *connection, membership.record).await?;
        // Of two records of one person that belong somewhere, one counts.
        if of_person(&mut *connection, person).await?.is_none_or(|counts| counts != membership) {
            continue;
        }
        let (_, key) = read::sealed(app, &mut *connection, membership.record).await?;
        members.push(Member { person, relationship: opened(&key, &membership)?, membership });
    }
    members.sort_by_key(|member| member.relationship != Relationship::Head);
    Ok(members)
}

/// The household of a person, the head first, and where in it the person stands; nothing where there is none.
async fn own(
    app: &App,
    connection: &mut Connection,
    person: HolderId,
) -> Result<Option<(Vec<Member>, usize)>, Refusal> {
    let Some(own) = of_person(&mut *connection, person).await? else { return Ok(None) };
    let members = members(app, connection, own.household).await?;
    let at = members.iter().position(|member| member.person == person);
    Ok(at.map(|at| (members, at)))
}

/// The shards of everybody whom something that is done with these people's households may touch.
async fn shards(connection: &mut Connection, people: &[HolderId]) -> Result<BTreeSet<Shard>, Refusal> {
    let mut shards: BTreeSet<_> = people.iter().map(HolderId::shard).collect();
    for person in people {
        let Some(own) = of_person(&mut *connection, *person).await? else { continue };
        for member in store::members(&mut *connection, own.household).await? {
            let found = merge::primary(&mut *connection, member.record).await?;
            shards.extend([member.record.shard(), found.shard()]);
        }
    }
    Ok(shards)
}

/// Locks all whom something may touch, and more shards with them. Whoever belongs to the households only since it was looked
/// is not locked: then somebody else was quicker.
pub(super) async fn lock(tx: &mut Tx, people: &[HolderId], more: &[Shard]) -> Result<(), Refusal> {
    let seen = shards(tx.conn(), people).await?;
    tx.lock(seen.iter().chain(more).copied()).await?;
    let now = shards(tx.conn(), people).await?;
    if now.is_subset(&seen) { Ok(()) } else { Err(conflict("household-meanwhile")) }
}

/// A clerk who does something with households, now.
struct Desk<'a> {
    app: &'a App,
    by: StaffId,
    at: Micros,
}

impl<'a> Desk<'a> {
    fn of(app: &'a App, by: StaffId) -> Self {
        Self { app, by, at: app.now() }
    }

    async fn put(
        &self,
        tx: &mut Tx,
        record: HolderId,
        ends: Option<(i64, ChangeReason)>,
        begins: Option<(HouseholdId, Relationship)>,
    ) -> Result<(), Refusal> {
        let begins = match begins {
            Some((household, relationship)) => {
                let (_, key) = read::sealed(self.app, tx.conn(), record).await?;
                let nonce = *self.app.random_bytes()?;
                let sealed = seal::seal(&key, nonce, &place(record), &[relationship.code()]);
                Some((household, sealed, self.at))
            }
            None => None,
        };
        Ok(store::put(tx, self.at, self.by, record, Becomes { ends, begins }).await?)
    }

    /// Another relationship in the same household.
    async fn becomes(
        &self,
        tx: &mut Tx,
        member: &Member,
        relationship: Relationship,
        reason: ChangeReason,
    ) -> Result<(), Refusal> {
        let Membership { record, opened, household, .. } = member.membership;
        self.put(tx, record, Some((opened, reason)), Some((household, relationship))).await
    }
}

/// Takes somebody into the household of a person, who becomes the head of a new one where there is none.
///
/// # Errors
/// `Conflict` where one of them belongs elsewhere or points to another record, or the household is full; `NotFound` where
/// there is no such person.
pub async fn join(
    app: &App,
    tx: &mut Tx,
    by: StaffId,
    joins: HolderId,
    (person, relationship): (HolderId, Relationship),
) -> Result<(), Refusal> {
    lock(tx, &[person, joins], &[]).await?;
    for one in [person, joins] {
        require_known(tx.conn(), one).await?;
        merge::require_primary(tx.conn(), one).await?;
    }
    if person == joins {
        return Err(conflict("household-same"));
    }
    if of_person(tx.conn(), joins).await?.is_some() {
        return Err(conflict("household-belongs"));
    }
    let desk = Desk::of(app, by);
    let household = match own(app, tx.conn(), person).await? {
        Some((members, _)) if members.len() >= MEMBERS_MAX => return Err(conflict("household-full")),
        Some((members, at)) => members[at].membership.household,
        None => {
            let household = HouseholdId(app.new_id());
            desk.put(tx, person, None, Some((household, Relationship::Head))).await?;
            household
        }
    };
    desk.put(tx, joins, None, Some((household, relationship))).await
}

/// The household of somebody who has to have one, locked, and where in it the person stands.
async fn locked(app: &App, tx: &mut Tx, person: HolderId) -> Result<(Vec<Member>, usize), Refusal> {
    lock(tx, &[person], &[]).await?;
    own(app, tx.conn(), person).await?.ok_or(conflict("household-none"))
}

/// Ends somebody's membership. Who is left alone is no household.
///
/// # Errors
/// `Conflict` where the person belongs to none, or is the head of others.
pub async fn leave(app: &App, tx: &mut Tx, by: StaffId, person: HolderId, reason: ChangeReason) -> Result<(), Refusal> {
    let (members, at) = locked(app, tx, person).await?;
    if let Some(key) = rules::stays(&members, &members[at]) {
        return Err(conflict(key));
    }
    let desk = Desk::of(app, by);
    for member in members.iter().filter(|member| member.person == person || members.len() <= 2) {
        desk.put(tx, member.membership.record, Some((member.membership.opened, reason)), None).await?;
    }
    Ok(())
}

/// Says anew how somebody is related to the head.
///
/// # Errors
/// `Conflict` where the person belongs to no household, or is the head.
pub async fn relate(
    app: &App,
    tx: &mut Tx,
    by: StaffId,
    person: HolderId,
    (relationship, reason): (Relationship, ChangeReason),
) -> Result<(), Refusal> {
    let (members, at) = locked(app, tx, person).await?;
    match members[at].relationship {
        Relationship::Head => Err(conflict("household-head-is")),
        same if same == relationship => Ok(()),
        _ => Desk::of(app, by).becomes(tx, &members[at], relationship, reason).await,
    }
}

/// Makes a member the head; `before` is how the head before is related to the new one. How the others are is to be said anew.
///
/// # Errors
/// `Conflict` where the person belongs to no household.
pub async fn head(app: &App, tx: &mut Tx, by: StaffId, person: HolderId, before: Relationship) -> Result<(), Refusal> {
    let (members, at) = locked(app, tx, person).await?;
    let desk = Desk::of(app, by);
    for (member, becomes) in members.iter().zip(rules::headed(&members, &members[at], before)) {
        if becomes != member.relationship {
            desk.becomes(tx, member, becomes, ChangeReason::Changed).await?;
        }
    }
    Ok(())
}

/// Somebody of a household, for a reader who said why.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Under which record the person is found.
    pub person: HolderId,
    /// The name.
    pub name: String,
    /// How the person is related to the head.
    pub relationship: Relationship,
    /// Since when.
    pub since: Micros,
}

/// The household of a person, for a reader who said why.
#[derive(Clone, Debug, Default)]
pub struct Household {
    /// Who belongs to it, the head first; nobody where there is none.
    pub members: Vec<Seen>,
    /// What the person was in households before: from when, up to when, and how related to the head.
    pub earlier: Vec<(Micros, Micros, Relationship)>,
}

/// Looks at the household of a person. Each of its members can see that.
///
/// # Errors
/// `NotFound` where there is no such person; `Conflict` where somebody joined meanwhile.
pub async fn look(
    app: &App,
    tx: &mut Tx,
    who: StaffId,
    person: HolderId,
    purpose: Purpose,
) -> Result<Household, Refusal> {
    lock(tx, &[person], &[]).await?;
    let now = app.now();
    let mut seen = Household::default();
    for member in own(app, tx.conn(), person).await?.map(|(members, _)| members).unwrap_or_default() {
        persons::record_read(tx, now, member.membership.record, who, purpose, READ).await?;
        let name = reveal(app, tx, now, who, member.person, purpose, &[Field::Name]).await?;
        seen.members.push(Seen {
            person: member.person,
            name: name.get(Field::Name).to_owned(),
            relationship: member.relationship,
            since: member.membership.since,
        });
    }
    let earlier = store::earlier(tx.conn(), person).await?;
    if !earlier.is_empty() {
        let (_, key) = read::sealed(app, tx.conn(), person).await?;
        persons::record_read(tx, now, person, who, purpose, READ).await?;
        for before in earlier {
            let Some(until) = before.until else { continue };
            seen.earlier.push((before.since, until, opened(&key, &before)?));
        }
    }
    Ok(seen)
}

/// The name of somebody's head of household, or of who will be the head: for saying how another is related.
async fn head_of(app: &App, connection: &mut Connection, person: HolderId) -> Result<HolderId, Refusal> {
    let members = own(app, connection, person).await?.map(|(members, _)| members).unwrap_or_default();
    let head = members.iter().find(|member| member.relationship == Relationship::Head);
    Ok(head.map_or(person, |head| head.person))
}

/// Whose household a newcomer may belong to: heads of households, and people who belong to none, in the same room of the
/// same house. Nobody where there are too many to look at all: then somebody says later whom the person lives with.
pub(super) async fn candidates(
    app: &App,
    connection: &mut Connection,
    facts: &Facts,
) -> Result<Vec<HolderId>, Refusal> {
    if !rules::forms_households(facts) {
        return Ok(Vec::new());
    }
    let house = house::known(app, &mut *connection, facts.get(Field::Address)).await?;
    let Some(house) = house else { return Ok(Vec::new()) };
    let day = app.today().start_utc();
    let mut people = BTreeSet::new();
    for one in store::neighbours(&mut *connection, house.id, day, NEIGHBOURS_MAX).await? {
        let key = protect::unwrap(&*app.keys, one.record, &one.wrapped_key)?;
        let room = one.room.map(|sealed| protect::open_field(&key, one.record, Field::Room, &sealed)).transpose()?;
        if rules::same_room(room.as_ref().map_or("", |room| room.as_str()), facts.get(Field::Room)) {
            people.insert(one.record);
        }
        if people.len() > MEMBERS_MAX * OFFERED_MAX {
            return Ok(Vec::new());
        }
    }
    let mut heads = BTreeSet::new();
    for record in people {
        let person = merge::primary(&mut *connection, record).await?;
        heads.insert(head_of(app, &mut *connection, person).await?);
    }
    Ok(if heads.len() > OFFERED_MAX { Vec::new() } else { heads.into_iter().collect() })
}

/// The names of people, for who registers somebody beside them. Each can see that.
async fn names(app: &App, who: StaffId, people: Vec<HolderId>) -> Result<Vec<(HolderId, String)>, Refusal> {
    let (shared, now) = (app.clone(), app.now());
    app.db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                tx.lock(people.iter().map(HolderId::shard)).await?;
                let mut names = Vec::with_capacity(people.len());
                for person in people {
                    let read = reveal(&shared, tx, now, who, person, Purpose::Registration, &[Field::Name]).await?;
                    names.push((person, read.get(Field::Name).to_owned()));
                }
                Ok(names)
            })
        })
        .await
}

/// The name of one of them.
async fn name_of(app: &App, who: StaffId, person: HolderId) -> Result<String, Refusal> {
    Ok(names(app, who, vec![person]).await?.remove(0).1)
}
