//! Registering a person: once by document, sealed from the first row on.

use std::collections::BTreeMap;

use card_schema::ids::{HolderId, Shard};
use card_schema::wire::ProblemType;
use uuid::Uuid;

use super::model::{Facts, Field, Wrong};
use super::similar::{self, Distinction};
use super::store::{self, SealedPerson};
use super::view::DOCUMENT;
use super::{draft, merge, protect, rules};
use crate::app::App;
use crate::http::Refusal;
use crate::people::StaffId;

/// A person to be registered.
#[derive(Debug, Default)]
pub struct Registration {
    /// What is known, checked (`rules::check`).
    pub facts: Facts,
    /// Who was found to be alike and is somebody else.
    pub told_apart: BTreeMap<HolderId, Distinction>,
    /// The draft that this was typed into. It goes.
    pub draft: Option<Uuid>,
}

impl Registration {
    /// Of facts alone.
    pub fn of(facts: Facts) -> Self {
        Self { facts, ..Self::default() }
    }
}

/// Seals and stores a person.
///
/// # Errors
/// `Conflict` where somebody is registered with this document.
pub async fn register(app: &App, by: StaffId, registration: Registration) -> Result<HolderId, Refusal> {
    let Registration { facts, told_apart, draft } = registration;
    let [shard] = *app.random_bytes()?;
    let holder = HolderId::new(Shard(shard % app.db.engine().shards()), *app.random_bytes()?);
    let key = app.random_bytes()?;
    let mut person = SealedPerson {
        wrapped_key: protect::wrap(&*app.keys, holder, &key, *app.random_bytes()?)?,
        facts: BTreeMap::new(),
    };
    for (field, text) in facts.iter() {
        person.facts.insert(field, protect::seal_field(&key, holder, field, text, *app.random_bytes()?));
    }
    let blind = protect::blind(&*app.keys, facts.get(Field::DocumentKind), facts.get(Field::DocumentNumber))?;
    let traits = similar::trait_hashes(&*app.keys, &facts)?;
    let now = app.now();
    app.db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                if store::by_document(tx.conn(), blind).await?.is_some() {
                    return Err(Refusal::because(ProblemType::Conflict, "holder-known"));
                }
                store::insert(tx, now, by, holder, &person, blind).await?;
                similar::store::add(tx, holder, &traits).await?;
                for (other, distinction) in told_apart {
                    similar::store::tell_apart(tx, now, by, holder, other, distinction.name()).await?;
                }
                if let Some(draft) = draft {
                    draft::store::remove(tx, draft, by).await?;
                }
                Ok(holder)
            })
        })
        .await
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
        Some(holder) => merge::primary(&mut connection, holder).await.map(Some),
        None => Ok(None),
    }
}
