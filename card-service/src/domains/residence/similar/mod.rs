//! Finding who may be registered already under another document or spelling, without anything of it lying in clear.
//!
//! A person is found by traits (`likeness`), each kept as a keyed hash; who shares some is opened and compared, and only who
//! is alike enough is shown, to a clerk who states why. Exact documents are `register`'s.

mod likeness;
pub mod store;

use std::collections::BTreeSet;

use card_schema::ids::HolderId;
use ring::hmac;

use super::model::{Facts, Field};
use super::{merge, protect, reveal, store as persons};
use crate::app::App;
use crate::db::{Db, Tx};
use crate::http::Refusal;
use crate::keys::{KeyError, KeyStore, Role};
use crate::people::{Purpose, StaffId};

/// The keyed hashes of a person's traits.
pub(super) fn trait_hashes(keys: &dyn KeyStore, facts: &Facts) -> Result<BTreeSet<i64>, KeyError> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &keys.derive(Role::BlindIndex, b"nrc/person-trait/v1", 32)?);
    let hash = |one: String| {
        let tag = hmac::sign(&key, one.as_bytes());
        // Eight bytes: two of a hundred million traits meet by chance once in thousands of years of searching.
        i64::from_be_bytes(tag.as_ref()[..8].try_into().expect("HMAC-SHA-256 has 32 bytes"))
    };
    Ok(likeness::traits(facts).into_iter().map(hash).collect())
}

/// Who may be this person, most likely first. Nothing of anybody is shown by that.
pub async fn alike(db: &Db, keys: &dyn KeyStore, facts: &Facts) -> Result<Vec<HolderId>, Refusal> {
    let hashes = trait_hashes(keys, facts)?;
    let mut connection = db.read().await?;
    let mut alike = Vec::new();
    for holder in store::sharing(&mut connection, &hashes).await? {
        let Some(person) = persons::load(&mut connection, holder).await? else { continue };
        let key = protect::unwrap(keys, holder, &person.wrapped_key)?;
        if likeness::are_alike(facts, &protect::open(&key, holder, &person)?) {
            // Of two records of one person, the one under which that person is found.
            let found = merge::primary(&mut connection, holder).await?;
            if !alike.contains(&found) {
                alike.push(found);
            }
        }
    }
    Ok(alike)
}

/// Those who may be meant by what is known of somebody, most likely first, for a member of staff who says why. Each of them
/// can see that.
pub async fn look_for(
    app: &App,
    who: StaffId,
    purpose: Purpose,
    facts: &Facts,
) -> Result<Vec<(HolderId, Facts)>, Refusal> {
    let (people, shared, now) = (alike(&app.db, &*app.keys, facts).await?, app.clone(), app.now());
    app.db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                tx.lock(people.iter().map(HolderId::shard)).await?;
                let mut seen = Vec::with_capacity(people.len());
                for person in people {
                    seen.push((person, reveal(&shared, tx, now, who, person, purpose, &SHOWN).await?));
                }
                Ok(seen)
            })
        })
        .await
}

/// Which of these persons may be one that stands before them, by their places.
pub(super) fn repeated(persons: &[Facts]) -> BTreeSet<usize> {
    likeness::repeated(persons)
}

/// Keeps the traits of a record in step with what is known.
pub(super) async fn follow(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    before: &Facts,
    after: &Facts,
) -> Result<(), Refusal> {
    let (before, after) = (trait_hashes(&*app.keys, before)?, trait_hashes(&*app.keys, after)?);
    store::remove(tx, holder, &before.difference(&after).copied().collect()).await?;
    Ok(store::add(tx, &[(holder, after.difference(&before).copied().collect())]).await?)
}

/// What is shown of somebody who may be the same person: enough to tell, no more.
pub const SHOWN: [Field; 5] = [Field::Name, Field::LatinName, Field::Birth, Field::DocumentKind, Field::DocumentNumber];

/// Why two persons who are alike are not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Distinction {
    /// Another document of the same kind is in force for the other.
    OtherDocument,
    /// Twins or other relatives.
    Relatives,
    /// Nothing but the name, or its sound, is common.
    Namesakes,
}

impl Distinction {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::OtherDocument, Self::Relatives, Self::Namesakes];

    /// Its name in forms and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OtherDocument => "other_document",
            Self::Relatives => "relatives",
            Self::Namesakes => "namesakes",
        }
    }

    /// The distinction of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|distinction| distinction.name() == name)
    }
}
