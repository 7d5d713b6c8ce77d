//! Booking what has arrived for contributions, and what declarations take of it: as far as an employer's credit reaches, its oldest
//! month first, some shards in each transaction so that taps get their turn between them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use card_schema::clock::Micros;
use card_schema::ids::{OrganisationId, Shard};
use card_schema::money::Fen;
use tokio::time::MissedTickBehavior;

use super::posting::{self, To};
use super::receipt::{self, Receipt};
use super::store::declaration::{self as declarations, Declaration};
use super::store::receipt::{self as receipts, Taken};
use crate::app::App;
use crate::clock;
use crate::db::{Connection, Db, DbError, Tx};
use crate::ledger::{self, Refused};
use crate::people::StaffId;
use crate::people::organisation::{self, Kind};

/// About how many lines are booked in one transaction.
const LINES_AT_ONCE: i64 = 500;
/// How often it is looked whether there is something to book.
const LOOK_EVERY: Duration = Duration::from_secs(1);

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

/// Books as long as the service runs.
pub async fn work(app: App) {
    let mut turn = tokio::time::interval(LOOK_EVERY);
    turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        turn.tick().await;
        if let Err(error) = pay(&app.db, clock::now).await {
            tracing::error!(%error, "what was declared was not booked");
        }
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

/// Employers that take part, by their names.
///
/// # Errors
/// When the database fails.
pub async fn employers(connection: &mut Connection) -> Result<Vec<(OrganisationId, String)>, DbError> {
    let all = organisation::store::all(connection).await?;
    let is_employer = |entry: &organisation::model::Entry| entry.kind == Some(Kind::Employer);
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

/// Books everything that can be: what was begun is ended first. How many declarations.
///
/// # Errors
/// When the database fails, or the books are not as they should be.
pub async fn pay(db: &Db, now: impl Fn() -> Micros) -> Result<usize, PayError> {
    let (mut paid, mut short) = (0, HashSet::new());
    let open = declarations::open(&mut db.read().await?).await?;
    for mut declaration in open {
        // An employer's later months wait for its earlier ones.
        if short.contains(&declaration.employer) {
            continue;
        }
        if declaration.paid_at.is_none() {
            let Some(begun) = begin(db, now(), declaration).await? else {
                short.insert(declaration.employer);
                continue;
            };
            declaration = begun;
        }
        lines(db, &now, &declaration).await?;
        let done = Declaration { posted: true, ..declaration };
        let at = now();
        db.write::<_, DbError, _>(move |tx| Box::pin(async move { declarations::put_paid(tx, at, &done).await }))
            .await?;
        paid += 1;
    }
    Ok(paid)
}

/// Says that a declaration is paid, where the employer's credit covers it.
async fn begin(db: &Db, at: Micros, declaration: Declaration) -> Result<Option<Declaration>, DbError> {
    db.write(move |tx| {
        Box::pin(async move {
            tx.lock([Shard(0)]).await?;
            let credit = declarations::credit(tx.conn(), declaration.employer).await?;
            if credit < declaration.due.max(Fen::ZERO) {
                return Ok(None);
            }
            let begun = Declaration { paid_at: Some(at), ..declaration };
            declarations::put_paid(tx, at, &begun).await?;
            Ok(Some(begun))
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
