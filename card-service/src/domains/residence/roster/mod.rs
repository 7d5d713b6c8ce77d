//! Lists that organisations are given of their own people: who works there, or lives in a home of theirs, as the record says.
//!
//! Whoever says so is found by keyed hashes of the organisation's name, without opening any record; what goes onto a list
//! is read from the record, with a leaf a field. Not here: reading sheets back (`import`), the register of organisations.

pub mod model;
pub mod pages;
pub mod rules;
pub mod store;
#[cfg(test)]
mod tests;
pub mod view;

use std::collections::BTreeSet;

use card_schema::clock::Micros;
use card_schema::ids::HolderId;
use ring::hmac;

use super::model::Facts;
use super::read;
use crate::app::App;
use crate::db::Tx;
use crate::http::Refusal;
use crate::keys::{KeyError, KeyStore, Role};
use crate::people::{Purpose, StaffId};
use model::{Tie, Whom};

/// How many records are read in one transaction: taps get their turn between them.
const AT_ONCE: usize = 50;

/// By what a person is found for lists, and up to when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ties {
    /// Keyed hashes of what the record says.
    pub marks: BTreeSet<i64>,
    /// The first day on which nobody expects the person there, where that is known.
    pub until: Option<Micros>,
}

impl Ties {
    /// Of what is known of a person.
    ///
    /// # Errors
    /// When the keys fail.
    pub(super) fn of(keys: &dyn KeyStore, facts: &Facts) -> Result<Self, KeyError> {
        let mut marks = BTreeSet::new();
        for tie in Tie::ALL {
            if let Some(name) = rules::normal(facts.get(tie.field())) {
                marks.insert(mark(keys, tie, &name)?);
            }
        }
        Ok(Self { marks, until: rules::until(facts) })
    }
}

fn mark(keys: &dyn KeyStore, tie: Tie, name: &str) -> Result<i64, KeyError> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &keys.derive(Role::BlindIndex, b"nrc/roster/v1", 32)?);
    let mut context = hmac::Context::with_key(&key);
    context.update(tie.name().as_bytes());
    context.update(&[0]);
    context.update(name.as_bytes());
    // Eight bytes: who is found by chance is told apart when the record is read.
    Ok(i64::from_be_bytes(context.sign().as_ref()[..8].try_into().expect("HMAC-SHA-256 has 32 bytes")))
}

/// Keeps in step with what is known of a person by what they are found.
pub(super) async fn follow(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    before: &Facts,
    after: &Facts,
) -> Result<(), Refusal> {
    let (before, after) = (Ties::of(&*app.keys, before)?, Ties::of(&*app.keys, after)?);
    if before != after {
        store::remove(tx, holder, &before).await?;
        store::add(tx, &[(holder, after)]).await?;
    }
    Ok(())
}

/// How many people an organisation of this name has, as their records say.
///
/// # Errors
/// When keys or database fail.
pub async fn count(app: &App, name: &str, tie: Tie) -> Result<u32, Refusal> {
    let Some(name) = rules::normal(name) else { return Ok(0) };
    Ok(store::count(&mut app.db.read().await?, mark(&*app.keys, tie, &name)?, app.today()).await?)
}

/// Reads the records of people whom an organisation of this name has, on behalf of somebody who says why. A few in each
/// transaction: where the work ends in between, more was said to be read than was shown, never less.
///
/// # Errors
/// When keys or database fail.
pub async fn list(
    app: &App,
    who: StaffId,
    purpose: Purpose,
    name: &str,
    Whom { tie, part }: Whom,
) -> Result<Vec<Facts>, Refusal> {
    let Some(name) = rules::normal(name) else { return Ok(Vec::new()) };
    let mark = mark(&*app.keys, tie, &name)?;
    let people = store::people(&mut app.db.read().await?, mark, app.today(), part).await?;
    let mut listed = Vec::with_capacity(people.len());
    for some in people.chunks(AT_ONCE) {
        let (shared, some, name) = (app.clone(), some.to_owned(), name.clone());
        let read = app.db.write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                tx.lock(some.iter().map(HolderId::shard)).await?;
                let mut read = Vec::with_capacity(some.len());
                for person in some {
                    let belongs = |facts: &Facts| rules::normal(facts.get(tie.field())).as_ref() == Some(&name);
                    read.extend(read::reveal_if(&shared, tx, who, person, purpose, belongs).await?);
                }
                Ok(read)
            })
        });
        listed.extend(read.await?);
    }
    Ok(listed)
}
