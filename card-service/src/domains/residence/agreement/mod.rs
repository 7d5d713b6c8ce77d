//! Agreement on paper to what is done with a registration: by whoever has no card yet, or cannot sign with one, and by
//! guardians (decision 0035).
//!
//! A form is printed, signed by hand, and recorded by its number; an agreement is withdrawn. How a person's agreement
//! stands follows from all that was said, on paper and with cards, in all records of the person. Who signed is sealed
//! under the person's key; reading it states a purpose like every read of a record. Not here: what a card signs
//! (`cards::consent`), the texts (`crate::consent`).

pub mod model;
pub mod pages;
pub mod rules;
pub mod store;
#[cfg(test)]
mod tests;
pub mod view;

use card_schema::date::Date;
use card_schema::ids::HolderId;
use card_schema::wire::ProblemType;

use self::model::{Form, FormNumber, Means, Said, Signed, Standing, Statement};
use self::rules::{Bounds, Typed, Wrong};
use self::store::Deed;
use super::calendar::day_of;
use super::model::{Facts, Field};
use super::{Meanwhile, merge, protect, read, reveal, store as persons};
use crate::app::App;
use crate::cards;
use crate::consent::About;
use crate::db::{Connection, Tx};
use crate::http::Refusal;
use crate::people::{Purpose, Staff, StaffId};

/// What of a record stands on a form.
pub(super) const PRINTED: [Field; 3] = [Field::Name, Field::DocumentKind, Field::DocumentNumber];
/// What holders see that was read, where it is no field of their record.
const SIGNER: &str = "agreement_signer";

/// A form with the text that is in force, and a number that no other has.
///
/// # Errors
/// When the database or the operating system's randomness fails.
pub async fn new_form(app: &App) -> Result<Form, Refusal> {
    let mut connection = app.db.read().await?;
    loop {
        let number = FormNumber::from_random(*app.random_bytes()?);
        if store::form(&mut connection, number).await?.is_none() {
            return Ok(Form { number, printed: app.now(), version: About::Registration.version() });
        }
    }
}

/// For whom a form was printed, and whether it waits for its signature.
///
/// # Errors
/// When the database fails.
pub async fn whose_form(connection: &mut Connection, number: FormNumber) -> Result<Option<(HolderId, bool)>, Refusal> {
    let Some(known) = store::form(&mut *connection, number).await? else { return Ok(None) };
    Ok(Some((merge::primary(connection, known.record).await?, known.signed.is_none())))
}

/// What was said last on paper, in any record of a person.
async fn on_paper(connection: &mut Connection, holder: HolderId) -> Result<Option<Said>, Refusal> {
    let records = merge::records(&mut *connection, holder).await?;
    on_paper_in(connection, &records).await
}

async fn on_paper_in(connection: &mut Connection, records: &[HolderId]) -> Result<Option<Said>, Refusal> {
    let mut said = Vec::new();
    for record in records {
        said.extend(store::newest(&mut *connection, *record).await?);
    }
    Ok(said.into_iter().max_by_key(|said| said.at))
}

/// What holds of all that a person has said; nothing where nobody has agreed. Of the record only the day of birth is
/// looked at, to decide whether the person may agree alone.
///
/// # Errors
/// When keys or database fail.
pub async fn newest(app: &App, connection: &mut Connection, holder: HolderId) -> Result<Option<Said>, Refusal> {
    let records = merge::records(&mut *connection, holder).await?;
    let mut said = Vec::new();
    for record in records.iter().copied() {
        if let Some((at, version)) = cards::consent::store::given(&mut *connection, record).await? {
            let standing = Standing::Agreed { version, means: Means::Card };
            said.push(Said { standing, day: day_of(at), at, staff: String::new(), record });
        }
    }
    let birth = if said.is_empty() { None } else { birth(app, &mut *connection, holder).await? };
    said.extend(on_paper_in(connection, &records).await?);
    Ok(rules::newest(said, birth))
}

async fn birth(app: &App, connection: &mut Connection, record: HolderId) -> Result<Option<Date>, Refusal> {
    let (person, key) = read::sealed(app, connection, record).await?;
    Ok(rules::birth(&protect::open(&key, record, &person)?, app.today()))
}

/// Opens what stands on a form of a holder, and writes down that it was printed. Every part leaves a leaf and a line
/// that the holder can see.
///
/// # Errors
/// `NotFound` where there is no such holder, `Conflict` where the record points to another.
pub async fn print(app: &App, tx: &mut Tx, by: StaffId, holder: HolderId, form: Form) -> Result<Facts, Refusal> {
    tx.lock([holder.shard()]).await?;
    merge::require_primary(tx.conn(), holder).await?;
    let facts = reveal(app, tx, app.now(), by, holder, Purpose::Registration, &PRINTED).await?;
    store::put(tx, app.now(), by, holder, Deed::Printed(form)).await?;
    Ok(facts)
}

/// Why nothing was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotRecorded {
    /// What was typed cannot be.
    Wrong(Vec<Wrong>),
    /// Somebody else has recorded something meanwhile.
    Meanwhile(Meanwhile),
}

/// What was typed on a page about an agreement.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Who signed and when.
    pub typed: Typed,
    /// The newest that the page knew of, by the moment at which it was recorded; 0 where it knew of nothing.
    pub seen: i64,
}

/// Whether something was recorded of which the page did not know. What somebody sends twice is the same thing.
fn overtaken(newest: Option<&Said>, wish: &Wish, by: &Staff, is_same: impl Fn(&Said) -> bool) -> Option<Overtaken> {
    let newest = newest.filter(|newest| newest.at.0 > wish.seen)?;
    if newest.staff == by.name && is_same(newest) {
        return Some(Overtaken::BySelf);
    }
    let meanwhile = Meanwhile { leaf: newest.at.0, at: newest.at, staff: newest.staff.clone() };
    Some(Overtaken::ByAnother(meanwhile))
}

enum Overtaken {
    BySelf,
    ByAnother(Meanwhile),
}

/// Records that the form with a number was signed.
///
/// # Errors
/// What stands in the way, as a value; `Conflict` where the record points to another.
pub async fn record(
    app: &App,
    tx: &mut Tx,
    by: &Staff,
    holder: HolderId,
    (number, wish): (Option<FormNumber>, &Wish),
) -> Result<Result<(), NotRecorded>, Refusal> {
    let (known, wrong) = match its_form(tx.conn(), holder, number).await? {
        Ok(known) => (Some(known), None),
        Err(key) => (None, Some(Wrong::at("form", key))),
    };
    let record = known.as_ref().map_or(holder, |known| known.record);
    // Whoever comes second sees what the first has done.
    tx.lock([holder.shard(), record.shard()]).await?;
    merge::require_primary(tx.conn(), holder).await?;
    let newest = on_paper(tx.conn(), holder).await?;
    let is_same = |said: &Said| {
        let of_form =
            matches!(said.standing, Standing::Agreed { means: Means::Paper(form), .. } if Some(form) == number);
        of_form && super::rules::day(&wish.typed.day) == Some(said.day)
    };
    match overtaken(newest.as_ref(), wish, by, is_same) {
        None => {}
        Some(Overtaken::BySelf) => return Ok(Ok(())),
        Some(Overtaken::ByAnother(meanwhile)) => return Ok(Err(NotRecorded::Meanwhile(meanwhile))),
    }
    let printed = known.as_ref().map(|known| (known.form.day(), "agreement-day-printed"));
    let withdrawn = newest.filter(|said| said.standing == Standing::Withdrawn);
    let withdrawn = withdrawn.map(|said| (said.day, "agreement-day-withdrawn"));
    let since = printed.into_iter().chain(withdrawn).max_by_key(|(day, _)| *day);
    let bounds = Bounds { birth: birth(app, tx.conn(), record).await?, since, today: app.today() };
    match (known, rules::check(&wish.typed, &bounds)) {
        (Some(known), Ok(statement)) => Ok(Ok(keep(app, tx, by.staff_id, record, known.form, statement).await?)),
        (_, checked) => {
            let wrong = wrong.into_iter().chain(checked.err().into_iter().flatten()).collect();
            Ok(Err(NotRecorded::Wrong(wrong)))
        }
    }
}

/// The form with a number, where it is one of this person's that nobody has signed.
async fn its_form(
    connection: &mut Connection,
    holder: HolderId,
    number: Option<FormNumber>,
) -> Result<Result<store::Known, &'static str>, Refusal> {
    let Some(number) = number else { return Ok(Err("agreement-form-bad")) };
    let Some(known) = store::form(&mut *connection, number).await? else { return Ok(Err("agreement-form-unknown")) };
    Ok(if merge::primary(connection, known.record).await? == holder {
        if known.signed.is_none() { Ok(known) } else { Err("agreement-form-used") }
    } else {
        Err("agreement-form-of-another")
    })
}

/// Writes down that a form was signed, with whoever signed it sealed. The shard of the record is locked.
///
/// # Errors
/// When keys or database fail.
pub async fn keep(
    app: &App,
    tx: &mut Tx,
    by: StaffId,
    record: HolderId,
    form: Form,
    statement: Statement,
) -> Result<(), Refusal> {
    let sealed = sealed(app, tx.conn(), record, Some(form.number), &statement.signed).await?;
    Ok(store::put(tx, app.now(), by, record, Deed::Signed(form, statement.day, sealed)).await?)
}

/// Records that a person, or who may do so for the person, withdraws the agreement.
///
/// # Errors
/// What stands in the way, as a value; `Conflict` where there is no agreement, or where the record points to another.
pub async fn withdraw(
    app: &App,
    tx: &mut Tx,
    by: &Staff,
    holder: HolderId,
    wish: &Wish,
) -> Result<Result<(), NotRecorded>, Refusal> {
    tx.lock([holder.shard()]).await?;
    merge::require_primary(tx.conn(), holder).await?;
    let is_same =
        |said: &Said| said.standing == Standing::Withdrawn && super::rules::day(&wish.typed.day) == Some(said.day);
    match overtaken(on_paper(tx.conn(), holder).await?.as_ref(), wish, by, is_same) {
        None => {}
        Some(Overtaken::BySelf) => return Ok(Ok(())),
        Some(Overtaken::ByAnother(meanwhile)) => return Ok(Err(NotRecorded::Meanwhile(meanwhile))),
    }
    let agreed = newest(app, tx.conn(), holder).await?;
    let agreed = agreed.filter(|said| said.standing != Standing::Withdrawn);
    let since = agreed.ok_or(Refusal::because(ProblemType::Conflict, "agreement-none"))?.day;
    let since = Some((since, "agreement-day-agreed"));
    let bounds = Bounds { birth: birth(app, tx.conn(), holder).await?, since, today: app.today() };
    let statement = match rules::check(&wish.typed, &bounds) {
        Ok(statement) => statement,
        Err(wrong) => return Ok(Err(NotRecorded::Wrong(wrong))),
    };
    let sealed = sealed(app, tx.conn(), holder, None, &statement.signed).await?;
    store::put(tx, app.now(), by.staff_id, holder, Deed::Withdrawn(statement.day, sealed)).await?;
    Ok(Ok(()))
}

fn place(record: HolderId, form: Option<FormNumber>) -> Vec<u8> {
    let number = form.map_or(0, FormNumber::stored).to_be_bytes();
    protect::place(&[&record.as_bytes()[..], &number].concat(), "consent_act", "signer")
}

async fn sealed(
    app: &App,
    connection: &mut Connection,
    record: HolderId,
    form: Option<FormNumber>,
    signed: &Signed,
) -> Result<Vec<u8>, Refusal> {
    let (_, key) = read::sealed(app, connection, record).await?;
    protect::seal_typed(&key, &place(record, form), signed, *app.random_bytes()?)
}

/// Who signed what was said last in a record, for somebody who says why. It leaves a leaf and a line that the holder
/// can see.
///
/// # Errors
/// `NotFound` where there is no such holder.
pub async fn signer(
    app: &App,
    tx: &mut Tx,
    who: StaffId,
    record: HolderId,
    purpose: Purpose,
) -> Result<Option<Signed>, Refusal> {
    let Some((form, sealed)) = store::signer(tx.conn(), record).await? else { return Ok(None) };
    let (_, key) = read::sealed(app, tx.conn(), record).await?;
    persons::record_read(tx, app.now(), record, who, purpose, SIGNER).await?;
    protect::open_typed(&key, &place(record, form), &sealed).map(Some)
}
