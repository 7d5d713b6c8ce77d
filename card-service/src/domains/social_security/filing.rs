//! Enrolling workers and declaring what is contributed for them. Who somebody is and when they were born is found out by whoever calls
//! (`console`): a room knows no record of a person.

use std::collections::HashMap;

use card_schema::clock::Micros;
use card_schema::date::Date;
use card_schema::ids::{HolderId, OrganisationId, Shard};
use card_schema::money::Fen;
use card_schema::month::Month;
use card_schema::wire::ProblemType;
use ring::hmac;

use super::declaration::{self, DeclarationId, Declared, Insured, Known, Of, Totals};
use super::employment::{self, Employment};
use super::scheme::Scheme;
use super::store;
use super::store::declaration::Declaration;
use super::store::employment::Found;
use crate::app::App;
use crate::db::Connection;
use crate::http::Refusal;
use crate::keys::{KeyError, KeyStore, Role};
use crate::people::StaffId;
use crate::plain;

/// By what an employer's rows name a worker, as a keyed hash that differs from employer to employer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mark(pub [u8; 32]);

impl Mark {
    /// Of a number by which the bureau knows somebody.
    ///
    /// # Errors
    /// When the keys fail.
    pub fn of_number(keys: &dyn KeyStore, employer: OrganisationId, number: &str) -> Result<Self, KeyError> {
        Self::of(keys, employer, b"number", &plain::compact(number))
    }

    /// Of a name.
    ///
    /// # Errors
    /// When the keys fail.
    pub fn of_name(keys: &dyn KeyStore, employer: OrganisationId, name: &str) -> Result<Self, KeyError> {
        Self::of(keys, employer, b"name", &plain::normal(name))
    }

    fn of(keys: &dyn KeyStore, employer: OrganisationId, what: &[u8], text: &str) -> Result<Self, KeyError> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &keys.derive(Role::BlindIndex, b"nrc/insured/v1", 32)?);
        let mut context = hmac::Context::with_key(&key);
        context.update(employer.as_bytes());
        context.update(what);
        context.update(&[0]);
        context.update(text.as_bytes());
        Ok(Self(context.sign().as_ref().try_into().expect("HMAC-SHA-256 has 32 bytes")))
    }
}

/// Who does it, and when.
pub type By = (StaffId, Micros);

/// How an employer names a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// By what the worker is known to the bureau.
    pub number: String,
    /// The name.
    pub name: String,
}

/// Somebody who is to be enrolled.
#[derive(Clone, Debug)]
pub struct Enrolment {
    /// All records of the person: the first is the one that holds, the others point to it.
    pub records: Vec<HolderId>,
    /// How the employer names them.
    pub named: Named,
    /// As what.
    pub employment: Employment,
}

/// Enrols people through an employer, all or none: what to do about those who cannot be, by their places.
///
/// # Errors
/// When keys or database fail.
pub async fn enrol(app: &App, (by, now): By, all: Vec<Enrolment>) -> Result<Vec<(usize, employment::Wrong)>, Refusal> {
    let mut new = Vec::with_capacity(all.len());
    for Enrolment { records, named, employment } in all {
        let number = Mark::of_number(&*app.keys, employment.employer, &named.number)?;
        let name = Mark::of_name(&*app.keys, employment.employer, &named.name)?;
        new.push((Found { holder: records[0], employment, number, name }, records));
    }
    let this = Month::of(Date::in_china(now));
    app.db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                let records = new.iter().flat_map(|(_, records)| records);
                tx.lock(records.clone().map(HolderId::shard)).await?;
                let mut others: HashMap<HolderId, Vec<Employment>> = HashMap::new();
                for found in store::employment::of_holders(tx.conn(), records.copied()).await? {
                    others.entry(found.holder).or_default().push(found.employment);
                }
                let (mut wrong, mut again, mut first) = (Vec::new(), Vec::new(), Vec::new());
                for (place, (found, records)) in new.into_iter().enumerate() {
                    let known: Vec<_> = records.iter().filter_map(|one| others.get(one)).flatten().copied().collect();
                    if let Err(why) = found.employment.check(&known, this) {
                        wrong.push((place, why));
                        continue;
                    }
                    // Whoever never began may begin after all.
                    let key = (found.employment.employer, found.employment.from);
                    let is_there = known.iter().any(|one| (one.employer, one.from) == key);
                    if is_there {
                        again.push(found);
                    } else {
                        first.push(found);
                    }
                    // Of two that name the same person the second sees the first.
                    others.entry(found.holder).or_default().push(found.employment);
                }
                if wrong.is_empty() {
                    store::employment::add(tx, now, by, &first).await?;
                    for found in &again {
                        store::employment::put(tx, now, by, found).await?;
                    }
                }
                Ok(wrong)
            })
        })
        .await
}

/// Ends that somebody is insured through an employer; what to do about it where that cannot be.
///
/// # Errors
/// When keys or database fail.
pub async fn leave(
    app: &App,
    (by, now): By,
    employer: OrganisationId,
    named: &Named,
    until: Month,
) -> Result<Result<(), employment::Wrong>, Refusal> {
    let number = Mark::of_number(&*app.keys, employer, &named.number)?;
    let name = Mark::of_name(&*app.keys, employer, &named.name)?;
    let stranger = Ok(Err(("number", "insured-stranger")));
    let this = Month::of(Date::in_china(now));
    let found = store::employment::by_numbers(&mut app.db.read().await?, employer, std::iter::once(number)).await?;
    let Some(holder) = found.iter().find(|found| found.name == name).map(|found| found.holder) else { return stranger };
    app.db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                tx.lock([holder.shard()]).await?;
                let found = store::employment::of_holder(tx.conn(), holder).await?;
                let own = found.into_iter().filter(|found| found.employment.employer == employer);
                let newest = own.max_by_key(|found| (found.employment.until.is_none(), found.employment.from));
                let Some(newest) = newest else { return Ok(Err(("number", "insured-stranger"))) };
                let ended = newest.employment.ended(until, this);
                if let Ok(employment) = ended {
                    store::employment::put(tx, now, by, &Found { employment, ..newest }).await?;
                }
                Ok(ended.map(|_| ()))
            })
        })
        .await
}

/// Looks up the workers that an employer's rows name.
///
/// # Errors
/// When keys or database fail.
pub async fn known(
    app: &App,
    connection: &mut Connection,
    employer: OrganisationId,
    of: Of,
    declared: &[Declared],
) -> Result<Known<HolderId>, Refusal> {
    let mut marks = HashMap::with_capacity(declared.len());
    for one in declared {
        marks.insert(Mark::of_number(&*app.keys, employer, &one.number)?, one);
    }
    let found = store::employment::by_numbers(connection, employer, marks.keys().copied()).await?;
    let newest = store::declaration::newest(connection, employer, of.month).await?;
    let mut known = HashMap::with_capacity(found.len());
    for found in found.into_iter().filter(|found| found.employment.is_in(of.month)) {
        let one = marks[&found.number];
        let insured = Insured {
            holder: found.holder,
            household: found.employment.household,
            born: None,
            is_called_so: Mark::of_name(&*app.keys, employer, &one.name)? == found.name,
            earlier: newest.get(&found.holder).copied(),
        };
        known.insert(one.number.clone(), insured);
    }
    Ok(Known(known))
}

/// What an employer files.
#[derive(Clone, Debug)]
pub struct Filing {
    /// Who files.
    pub employer: OrganisationId,
    /// Of which month, and whether it is a correction.
    pub of: Of,
    /// What is said of all rows together.
    pub totals: Totals,
    /// The rows.
    pub declared: Vec<Declared>,
    /// Whom they are about.
    pub known: Known<HolderId>,
}

/// Takes a declaration, whole; what is wrong with it where it cannot be taken.
///
/// # Errors
/// When the database fails; `Conflict` where something was declared meanwhile for the same month.
pub async fn file(
    app: &App,
    scheme: &Scheme,
    (by, now): By,
    risk: u8,
    filing: Filing,
) -> Result<Result<DeclarationId, declaration::Wrong>, Refusal> {
    let Filing { employer, of, totals, declared, known } = filing;
    let lines = of
        .check(Month::of(Date::in_china(now)))
        .and_then(|()| declaration::check_totals(&declared, totals))
        .and_then(|()| declaration::reckon(scheme, of, risk, &declared, &known));
    let lines = match lines {
        Ok(lines) => lines,
        Err(wrong) => return Ok(Err(wrong)),
    };
    let mut new = Declaration {
        id: DeclarationId(*app.random_bytes()?),
        employer,
        of,
        totals,
        due: Fen(lines.iter().map(|line| line.net().0).sum()),
        filed_at: now,
        by,
        paid_at: None,
        posted: false,
    };
    app.db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                tx.lock(std::iter::once(Shard(0)).chain(lines.iter().map(|line| line.holder.shard()))).await?;
                let newest = store::declaration::newest(tx.conn(), employer, of.month).await?;
                if lines.iter().any(|line| newest.get(&line.holder).copied() != line.corrects) {
                    return Err(Refusal::because(ProblemType::Conflict, "filing-meanwhile"));
                }
                // Later is what is filed later, whatever the clock says.
                let last = store::declaration::last_filed(tx.conn(), employer, of.month).await?;
                new.filed_at = last.map_or(now, |last| now.max(Micros(last.0 + 1)));
                store::declaration::file(tx, &new, &lines).await?;
                Ok(Ok(new.id))
            })
        })
        .await
}
