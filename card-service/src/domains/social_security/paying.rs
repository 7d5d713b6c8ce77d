//! Booking what has arrived for contributions, and what declarations take of it: as far as an employer's credit reaches, its oldest
//! month first, some shards in each transaction so that taps get their turn between them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use card_schema::clock::Micros;
use card_schema::date::Date;
use card_schema::ids::{OrganisationId, Shard};
use card_schema::money::Fen;

use super::cover;
use super::declaration::DeclarationId;
use super::model::Insurance;
use super::posting::{self, To};
use super::receipt::{self, Receipt};
use super::store::declaration::{self as declarations, Declaration};
use super::store::receipt::{self as receipts, Taken};
use crate::app::App;
use crate::clock;
use crate::db::{Connection, Db, DbError, Tx};
use crate::hex;
use crate::ledger::{self, Refused};
use crate::people::StaffId;
use crate::people::organisation::{self, Kind};

/// About how many lines are booked in one transaction.
const LINES_AT_ONCE: i64 = 500;
/// How often it is looked whether there is something to book of which nobody has told.
const LOOK_EVERY: Duration = Duration::from_mins(10);
/// And after the database has failed.
const AGAIN_AFTER: Duration = Duration::from_secs(5);
/// How many receipts are looked through for the day on which something was paid.
const ARRIVED: u32 = 1_000;

/// Why nothing more is booked.
#[derive(Debug, thiserror::Error)]
pub enum PayError {
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The ledger refuses a transfer: the books are not as they should be.
    #[error("a declaration cannot be booked: {0}")]
    Refused(Refused),
    /// What a declaration corrects is not in the books.
    #[error("what a declaration corrects is not in the books")]
    NotPaid,
}

/// Books as long as the service runs: whenever something was filed or has arrived, and from time to time, because another process may
/// have taken it.
pub async fn work(app: App) {
    loop {
        let wait = match pay(&app.db, clock::now).await {
            Ok(_) => LOOK_EVERY,
            Err(error) => {
                tracing::error!(%error, "what was declared was not booked");
                AGAIN_AFTER
            }
        };
        // What was told meanwhile is not missed: it is kept until somebody waits.
        let _told = tokio::time::timeout(wait, app.contributions.notified()).await;
    }
}

/// Takes lines of a bank's statement: those that are new stand to the credit of whoever paid, where that is known. How many were new; or
/// the numbers under which something else was taken before, and then none is taken.
///
/// # Errors
/// When the database fails.
pub async fn take(
    db: &Db,
    at: Micros,
    by: StaffId,
    statement: Vec<Receipt>,
) -> Result<Result<usize, Vec<String>>, PayError> {
    db.write(move |tx| {
        Box::pin(async move {
            tx.lock([Shard(0)]).await?;
            let known = receipts::by_numbers(tx.conn(), statement.iter().map(|one| one.number.as_str())).await?;
            let known: HashMap<_, _> =
                known.into_iter().map(|taken| (taken.receipt.number.clone(), taken.receipt)).collect();
            let other = |one: &&Receipt| known.get(&one.number).is_some_and(|known| known != *one);
            let others: Vec<_> = statement.iter().filter(other).map(|one| one.number.clone()).collect();
            if !others.is_empty() {
                return Ok(Err(others));
            }
            let employers = employers(tx.conn()).await?;
            let whose = |receipt: &Receipt| {
                receipt::whose(receipt, employers.iter().map(|(employer, name)| (*employer, name.as_str())))
            };
            let new: Vec<_> = statement
                .into_iter()
                .filter(|one| !known.contains_key(&one.number))
                .map(|receipt| Taken { employer: whose(&receipt), receipt })
                .collect();
            book(tx, at, by, &new).await?;
            Ok(Ok(new.len()))
        })
    })
    .await
}

/// Says whose it is that has arrived; false where somebody has said so already, or there is no such number.
///
/// # Errors
/// When the database fails.
pub async fn assign(
    db: &Db,
    at: Micros,
    by: StaffId,
    number: String,
    employer: OrganisationId,
) -> Result<bool, PayError> {
    db.write(move |tx| {
        Box::pin(async move {
            tx.lock([Shard(0)]).await?;
            let found = receipts::by_numbers(tx.conn(), std::iter::once(number.as_str())).await?.pop();
            let Some(found) = found.filter(|found| found.employer.is_none()) else { return Ok(false) };
            book(tx, at, by, &[Taken { employer: Some(employer), ..found }]).await?;
            Ok(true)
        })
    })
    .await
}

/// Employers that work, by their names.
///
/// # Errors
/// When the database fails.
pub async fn employers(connection: &mut Connection) -> Result<Vec<(OrganisationId, String)>, DbError> {
    let all = organisation::store::all(connection).await?;
    let is_employer = |entry: &organisation::model::Entry| entry.kind == Some(Kind::Employer) && !entry.closed;
    let named = |entry: organisation::model::Entry| (entry.organisation.organisation_id, entry.organisation.name);
    Ok(all.into_iter().filter(is_employer).map(named).collect())
}

async fn book(tx: &mut Tx, at: Micros, by: StaffId, new: &[Taken]) -> Result<(), PayError> {
    receipts::put(tx, at, by, new).await?;
    let arrival = |taken: &Taken| {
        let Receipt { number, amount, .. } = &taken.receipt;
        taken.employer.map(|employer| vec![posting::arrival(employer, *amount, number)])
    };
    let chains: Vec<_> = new.iter().filter_map(arrival).collect();
    for outcome in ledger::post(tx, at, &chains).await? {
        outcome.map_err(PayError::Refused)?;
    }
    Ok(())
}

/// Books everything that can be: what was begun is ended first. How many declarations. What cannot be booked keeps no other employer
/// waiting.
///
/// # Errors
/// When the database fails.
pub async fn pay(db: &Db, now: impl Fn() -> Micros) -> Result<usize, DbError> {
    let begun = declarations::begun(&mut db.read().await?).await?;
    let mut paid = book_all(db, &now, begun).await?;
    let unpaid = declarations::unpaid(&mut db.read().await?).await?;
    for of_employer in unpaid.chunk_by(|one, other| one.employer == other.employer) {
        let employer = of_employer[0].employer;
        // Most wait for money, and nobody is kept from writing to see so.
        let credit = declarations::credit(&mut db.read().await?, employer).await?;
        if cover::reaches(credit, of_employer.iter().map(|one| one.due)) > 0 {
            let begun = begin(db, now(), employer).await?;
            paid += book_all(db, &now, begun).await?;
        }
    }
    Ok(paid)
}

/// Books declarations that are paid, each employer's in their order. How many.
async fn book_all(db: &Db, now: &impl Fn() -> Micros, begun: Vec<Declaration>) -> Result<usize, DbError> {
    let (mut booked, mut failed) = (0, HashSet::new());
    for declaration in begun {
        // What corrects another comes after it.
        if failed.contains(&declaration.employer) {
            continue;
        }
        match one(db, now, declaration).await {
            Ok(()) => booked += 1,
            Err(PayError::Db(error)) => return Err(error),
            Err(error) => {
                tracing::error!(?error, declaration = %hex::encode(&declaration.id.0), "a declaration was not booked");
                failed.insert(declaration.employer);
            }
        }
    }
    Ok(booked)
}

async fn one(db: &Db, now: &impl Fn() -> Micros, declaration: Declaration) -> Result<(), PayError> {
    lines(db, now, &declaration).await?;
    let (at, done) = (now(), Declaration { posted: true, ..declaration });
    db.write::<_, DbError, _>(move |tx| Box::pin(async move { declarations::put_paid(tx, at, &done).await })).await?;
    Ok(())
}

/// Says of an employer's declarations that they are paid, as far as its credit covers them. None while others of it are being booked: what
/// these take stands to its credit still.
async fn begin(db: &Db, at: Micros, employer: OrganisationId) -> Result<Vec<Declaration>, DbError> {
    db.write(move |tx| {
        Box::pin(async move {
            tx.lock([Shard(0)]).await?;
            let mut open = declarations::open_of(tx.conn(), employer).await?;
            if open.iter().any(|one| one.paid_at.is_some()) {
                return Ok(Vec::new());
            }
            let credit = declarations::credit(tx.conn(), employer).await?;
            open.truncate(cover::reaches(credit, open.iter().map(|one| one.due)));
            let left = Fen(credit.0 - open.iter().map(|one| one.due.0).sum::<i64>());
            let arrived = receipts::of_employer(tx.conn(), employer, ARRIVED).await?;
            let arrived = arrived.iter().map(|taken| (taken.receipt.day, taken.receipt.amount));
            // Paid is what has come to the bank, however late somebody brings its statement.
            let since = cover::since(left, arrived).map_or(at, Date::start_in_china);
            for one in &mut open {
                one.paid_at = Some(since.max(one.filed_at).min(at));
                declarations::put_paid(tx, at, one).await?;
            }
            Ok(open)
        })
    })
    .await
}

/// Books the lines of a declaration; those that are in the books already move nothing once more.
async fn lines(db: &Db, now: &impl Fn() -> Micros, declaration: &Declaration) -> Result<(), PayError> {
    let shards = declarations::shards(&mut db.read().await?, declaration.id).await?;
    let mut part: (Vec<Shard>, i64) = <_>::default();
    for (place, (shard, lines)) in shards.iter().enumerate() {
        part.0.push(*shard);
        part.1 += lines;
        if part.1 >= LINES_AT_ONCE || place + 1 == shards.len() {
            let (some, _) = std::mem::take(&mut part);
            let (at, declaration) = (now(), *declaration);
            db.write(move |tx| Box::pin(async move { some_shards(tx, at, &declaration, &some).await })).await?;
        }
    }
    Ok(())
}

/// How many of the workers of a declaration that is being booked are in the books.
///
/// # Errors
/// When the database fails.
pub async fn booked(connection: &mut Connection, id: DeclarationId) -> Result<i64, DbError> {
    let shards = declarations::shards(&mut *connection, id).await?;
    let funds = |shard: Shard| Insurance::ALL.map(|insurance| (shard, To::Fund(insurance).cause(id)));
    let causes: Vec<_> = shards.iter().flat_map(|(shard, _)| funds(*shard)).collect();
    let moved = ledger::store::caused(connection, &causes).await?;
    let done: HashSet<_> = moved.into_iter().map(|entry| entry.transfer.debit.shard).collect();
    Ok(shards.iter().filter(|(shard, _)| done.contains(shard)).map(|(_, lines)| lines).sum())
}

async fn some_shards(tx: &mut Tx, at: Micros, declaration: &Declaration, shards: &[Shard]) -> Result<(), PayError> {
    tx.lock(shards.iter().copied()).await?;
    let by_shard = declarations::lines(tx.conn(), declaration.id, shards).await?;
    let mut wanted: BTreeSet<(Shard, To, _)> = BTreeSet::new();
    for (shard, lines) in &by_shard {
        wanted.extend(posting::corrected(lines).into_iter().map(|(to, earlier)| (*shard, to, earlier)));
    }
    let causes: Vec<_> = wanted.iter().map(|(shard, to, earlier)| (*shard, to.cause(*earlier))).collect();
    let entries = ledger::store::caused(tx.conn(), &causes).await?;
    let posted: HashMap<_, _> = entries
        .into_iter()
        .filter_map(|entry| Some(((entry.transfer.debit.shard, entry.transfer.reference?), entry)))
        .collect();
    let mut chains = Vec::with_capacity(by_shard.len());
    for (shard, lines) in &by_shard {
        let of_shard = wanted.iter().filter(|(of, ..)| of == shard);
        let earlier: BTreeMap<_, _> = of_shard
            .filter_map(|(_, to, earlier)| {
                let entry = posted.get(&(*shard, to.cause(*earlier)))?;
                Some(((*to, *earlier), *entry))
            })
            .collect();
        let transfers = posting::transfers(*shard, declaration.employer, declaration.id, lines, &earlier);
        chains.push(transfers.map_err(|posting::NotPaid| PayError::NotPaid)?);
    }
    for outcome in ledger::post(tx, at, &chains).await? {
        outcome.map_err(PayError::Refused)?;
    }
    Ok(())
}
