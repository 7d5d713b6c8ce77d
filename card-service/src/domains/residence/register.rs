//! Registering people: once by document, sealed from the first row on. One person is a batch of one.

use std::collections::{BTreeMap, BTreeSet};

use card_schema::clock::Micros;
use card_schema::ids::{HolderId, Shard};
use card_schema::wire::ProblemType;
use ring::rand::SystemRandom;
use uuid::Uuid;

use super::agreement::model::{Form, Statement};
use super::house::{self, model::CellAnswer};
use super::household::{self, model::HouseholdAnswer};
use super::model::{ChangeReason, Facts, Field, Wrong};
use super::similar::{self, Distinction};
use super::store::{self, NewHolder, SealedPerson};
use super::view::DOCUMENT;
use super::{agreement, draft, merge, protect, roster, rules};
use crate::app::{App, random_bytes};
use crate::db::{DbError, Engine, Tx};
use crate::http::Refusal;
use crate::keys::KeyStore;
use crate::people::StaffId;

/// A person to be registered.
#[derive(Debug, Default)]
pub struct Registration {
    /// What is known, checked (`rules::check`).
    pub facts: Facts,
    /// Who was found to be alike and is somebody else.
    pub told_apart: BTreeMap<HolderId, Distinction>,
    /// In which grid cell the house lies, where it is not known.
    pub cell: Option<CellAnswer>,
    /// To whose household the person belongs.
    pub household: Option<HouseholdAnswer>,
    /// The form on which the person has agreed, and who signed it.
    pub agreed: Option<(Form, Statement)>,
    /// The draft that this was typed into. It goes.
    pub draft: Option<Uuid>,
}

impl Registration {
    /// Of facts alone.
    pub fn of(facts: Facts) -> Self {
        Self { facts, ..Self::default() }
    }
}

/// A person who is ready to be stored: sealed, with what they are found by.
#[derive(Debug)]
pub struct Newcomer {
    new: NewHolder,
    traits: BTreeSet<i64>,
    ties: roster::Ties,
    told_apart: BTreeMap<HolderId, Distinction>,
    draft: Option<Uuid>,
}

impl Newcomer {
    /// Draws an id and a key for a person and seals what is known. Needs no database, so many can be sealed at once.
    ///
    /// # Errors
    /// When the keys or the operating system's randomness fail.
    pub fn seal(
        keys: &dyn KeyStore,
        random: &SystemRandom,
        engine: Engine,
        registration: Registration,
    ) -> Result<Self, Refusal> {
        let Registration { facts, told_apart, cell: _, household: _, agreed: _, draft } = registration;
        let [shard] = *random_bytes(random)?;
        let holder = HolderId::new(Shard(shard % engine.shards()), *random_bytes(random)?);
        let key = random_bytes(random)?;
        let mut person = SealedPerson {
            wrapped_key: protect::wrap(keys, holder, &key, *random_bytes(random)?)?,
            facts: BTreeMap::new(),
        };
        for (field, text) in facts.iter() {
            person.facts.insert(field, protect::seal_field(&key, holder, field, text, *random_bytes(random)?));
        }
        let blind = protect::blind(keys, facts.get(Field::DocumentKind), facts.get(Field::DocumentNumber))?;
        let traits = similar::trait_hashes(keys, &facts)?;
        let ties = roster::Ties::of(keys, &facts)?;
        Ok(Self { new: NewHolder { holder, person, blind }, traits, ties, told_apart, draft })
    }
}

/// Stores people, each with a leaf of their own. Whose document somebody is registered with, also somebody before them, is
/// left out: none stands in their place.
///
/// # Errors
/// When the database fails.
pub async fn store_all(
    tx: &mut Tx,
    now: Micros,
    by: StaffId,
    newcomers: Vec<Newcomer>,
) -> Result<Vec<Option<HolderId>>, DbError> {
    let mut taken = store::registered(tx.conn(), newcomers.iter().map(|one| one.new.blind)).await?;
    let (mut stored, mut new, mut traits, mut ties, mut rest) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for Newcomer { new: one, traits: of_one, ties: tied, told_apart, draft } in newcomers {
        let is_new = taken.insert(one.blind);
        stored.push(is_new.then_some(one.holder));
        if is_new {
            rest.push((one.holder, told_apart, draft));
            traits.push((one.holder, of_one));
            ties.push((one.holder, tied));
            new.push(one);
        }
    }
    store::insert(tx, now, by, &new).await?;
    similar::store::add(tx, &traits).await?;
    roster::store::add(tx, &ties).await?;
    for (holder, told_apart, draft) in rest {
        for (other, distinction) in told_apart {
            similar::store::tell_apart(tx, now, by, holder, other, distinction.name()).await?;
        }
        if let Some(draft) = draft {
            draft::store::remove(tx, draft, by).await?;
        }
    }
    Ok(stored)
}

/// Seals and stores a person.
///
/// # Errors
/// `Conflict` where somebody is registered with this document, or cannot be taken into the household.
pub async fn register(app: &App, by: StaffId, registration: Registration) -> Result<HolderId, Refusal> {
    let (facts, cell) = (registration.facts.clone(), registration.cell.clone());
    let agreed = registration.agreed.clone();
    let joins = match registration.household {
        Some(HouseholdAnswer::Of { person, relationship: Some(relationship) }) => Some((person, relationship)),
        _ => None,
    };
    let newcomer = Newcomer::seal(&*app.keys, &app.random, app.db.engine(), registration)?;
    let (now, shared) = (app.now(), app.clone());
    app.db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                // A house that nobody knew is the office's.
                let more = [Shard(0), newcomer.new.holder.shard()];
                household::lock(tx, joins.map(|(person, _)| person).as_slice(), &more).await?;
                let stored = store_all(tx, now, by, vec![newcomer]).await?.into_iter().flatten().next();
                let holder = stored.ok_or(Refusal::because(ProblemType::Conflict, "holder-known"))?;
                house::follow(&shared, tx, by, holder, (&facts, cell.as_ref()), ChangeReason::Changed).await?;
                if let Some(joins) = joins {
                    household::join(&shared, tx, by, holder, joins).await?;
                }
                if let Some((form, statement)) = agreed {
                    agreement::keep(&shared, tx, by, holder, form, statement).await?;
                }
                Ok(holder)
            })
        })
        .await
}

/// Takes a registration back, as if it had never been made; what the log says of it stays. False where something was done
/// with the record since: then it stays too.
///
/// # Errors
/// When keys or database fail.
pub async fn unregister(app: &App, tx: &mut Tx, holder: HolderId) -> Result<bool, Refusal> {
    tx.lock([holder.shard()]).await?;
    if !store::is_untouched(tx.conn(), holder).await? {
        return Ok(false);
    }
    let Some(person) = store::load(tx.conn(), holder).await? else { return Ok(false) };
    let facts = protect::open(&protect::unwrap(&*app.keys, holder, &person.wrapped_key)?, holder, &person)?;
    let blind = protect::blind(&*app.keys, facts.get(Field::DocumentKind), facts.get(Field::DocumentNumber))?;
    similar::store::remove(tx, holder, &similar::trait_hashes(&*app.keys, &facts)?).await?;
    roster::store::remove(tx, holder, &roster::Ties::of(&*app.keys, &facts)?).await?;
    house::store::remove(tx, app.now(), holder).await?;
    store::remove(tx, app.now(), holder, &person, blind).await?;
    Ok(true)
}

/// Who is registered with the document that was typed; what is wrong with it, where that can be nobody's.
pub async fn whose_document(app: &App, typed: &Facts) -> Result<Result<Option<HolderId>, Vec<Wrong>>, Refusal> {
    match rules::check_fields(DOCUMENT, typed, app.today()) {
        Ok(checked) => registered_with(app, &checked).await.map(Ok),
        Err(wrong) => Ok(Err(wrong)),
    }
}

/// Who is registered with the document among these facts, which were checked; of two records of one person, the one under
/// which that person is found.
pub async fn registered_with(app: &App, facts: &Facts) -> Result<Option<HolderId>, Refusal> {
    let blind = protect::blind(&*app.keys, facts.get(Field::DocumentKind), facts.get(Field::DocumentNumber))?;
    let mut connection = app.db.read().await?;
    match store::by_document(&mut connection, blind).await? {
        Some(holder) => Ok(Some(merge::primary(&mut connection, holder).await?)),
        None => Ok(None),
    }
}
