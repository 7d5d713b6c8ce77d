//! Correcting and changing a record: what was there before stays, with who changed it and why.

use card_schema::clock::Micros;
use card_schema::ids::{HolderId, Shard};
use card_schema::wire::ProblemType;

use super::house::{self, model::CellAnswer};
use super::model::{ChangeReason, Facts, Field, Wrong};
use super::{protect, read, roster, rules, similar, store};
use crate::app::App;
use crate::db::Tx;
use crate::http::Refusal;
use crate::people::StaffId;

/// What is to be changed in a record.
#[derive(Debug)]
pub struct Correction {
    /// The fields; one that is empty is to be known no longer.
    pub fields: &'static [Field],
    /// What was typed in them.
    pub typed: Facts,
    /// Why.
    pub reason: ChangeReason,
    /// In which grid cell the house lies, where the address is another and somebody was asked.
    pub cell: Option<CellAnswer>,
    /// The newest change of these fields that whoever corrects them knew of.
    pub seen: i64,
}

/// Why nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unchanged {
    /// What was typed cannot be.
    Wrong(Vec<Wrong>),
    /// Somebody else has changed the same meanwhile.
    Meanwhile(Meanwhile),
    /// The house is not known, and nobody was asked in which cell it lies.
    NoCell,
}

/// A change of which whoever came second did not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meanwhile {
    /// Its number, to be known next time.
    pub leaf: i64,
    /// When it was.
    pub at: Micros,
    /// Who made it: the name to sign in with.
    pub staff: String,
}

/// Changes fields of a record, after checking them together with what else is known. Nothing of that is shown to anybody.
///
/// # Errors
/// What stands in the way, as a value; `NotFound` where there is no such holder, `Conflict` where another is
/// registered with the document.
pub async fn change(
    app: &App,
    tx: &mut Tx,
    by: StaffId,
    holder: HolderId,
    correction: &Correction,
) -> Result<Result<(), Unchanged>, Refusal> {
    // Whoever comes second sees what the first has done.
    // A house that is not known yet leaves its leaf in shard 0.
    let lives = [Field::Address, Field::StayUntil].iter().any(|field| correction.fields.contains(field));
    tx.lock(lives.then_some(Shard(0)).into_iter().chain([holder.shard()])).await?;
    let now = app.now();
    if let Some(newest) = store::newest_change(tx.conn(), holder, correction.fields).await?
        && newest.leaf > correction.seen
    {
        return Ok(Err(Unchanged::Meanwhile(newest)));
    }
    let (person, key) = read::sealed(app, tx.conn(), holder).await?;
    let known = protect::open(&key, holder, &person)?;
    let with = |from: &Facts| {
        correction.fields.iter().fold(known.clone(), |facts, field| facts.with(*field, from.get(*field)))
    };
    let checked = match rules::check_fields(correction.fields, &with(&correction.typed), app.today()) {
        Ok(checked) => checked,
        Err(wrong) => return Ok(Err(Unchanged::Wrong(wrong))),
    };
    if correction.fields.contains(&Field::Address)
        && correction.cell.is_none()
        && house::is_to_be_asked(app, tx.conn(), checked.get(Field::Address)).await?
    {
        return Ok(Err(Unchanged::NoCell));
    }
    if correction.fields.contains(&Field::DocumentNumber) {
        let blind = |facts: &Facts| {
            protect::blind(&*app.keys, facts.get(Field::DocumentKind), facts.get(Field::DocumentNumber))
        };
        let (before, after) = (blind(&known)?, blind(&checked)?);
        if store::by_document(tx.conn(), after).await?.is_some_and(|other| other != holder) {
            return Err(Refusal::because(ProblemType::Conflict, "holder-known"));
        }
        if before != after {
            store::move_document(tx, holder, before, after).await?;
        }
    }
    let mut changes = Vec::new();
    for field in correction.fields.iter().copied().filter(|field| checked.get(*field) != known.get(*field)) {
        let (text, nonce) = (checked.get(field), *app.random_bytes()?);
        let sealed = (!text.is_empty()).then(|| protect::seal_field(&key, holder, field, text, nonce));
        changes.push((field, person.facts.get(&field).cloned(), sealed));
    }
    if !changes.is_empty() {
        store::change(tx, now, by, holder, correction.reason, &changes).await?;
        similar::follow(app, tx, holder, &known, &with(&checked)).await?;
        roster::follow(app, tx, holder, &known, &with(&checked)).await?;
    }
    if lives {
        house::follow(app, tx, by, holder, (&with(&checked), correction.cell.as_ref()), correction.reason).await?;
    }
    Ok(Ok(()))
}
