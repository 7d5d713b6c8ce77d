//! Paper for people's hands: the certificate that a residence is registered, what a residence permit says. Whoever is shown
//! one can check it (`check`, decision 0030).
//!
//! Stored is what people did: issued, withdrawn. What a paper says is read from the record for whoever prints it, with a
//! purpose; how it stands follows from the record and the day (`rules`). Not here: residence permits (`permit`), slips about what
//! was done at the desk (`console::slip`).

pub mod check;
pub mod model;
pub mod pages;
pub mod rules;
pub mod store;
#[cfg(test)]
mod tests;
pub mod view;

use card_schema::clock::Micros;
use card_schema::date::Date;
use card_schema::envelope::paper::{Paper, PaperKind};
use card_schema::ids::{HolderId, PaperNumber};
use card_schema::paper::{CheckCode, Named};
use card_schema::wire::ProblemType;

use self::model::{Issued, Since, Standing, rests_on};
use self::rules::{Lives, REGULATIONS};
use super::model::{Facts, Field};
use super::permit::model::{NotNow, Permit, Stage};
use super::permit::rules::Clock;
use super::rules::day;
use super::{merge, permit, require_known, reveal, store as persons};
use crate::app::App;
use crate::db::{Connection, DbError, Tx};
use crate::http::Refusal;
use crate::keys::paper::square_code;
use crate::people::{Purpose, StaffId, member};

/// How a paper stands.
///
/// # Errors
/// When the database fails.
pub async fn standing(connection: &mut Connection, paper: &Issued, today: Date) -> Result<Standing, DbError> {
    let holder = paper.holder;
    let newest = persons::newest_change(&mut *connection, holder, rests_on(paper.kind)).await?;
    let is_there = persons::exists(&mut *connection, holder).await?;
    let merged = merge::store::current(&mut *connection, holder).await?;
    let ended = match paper.permit {
        None => false,
        Some(id) => permit::store::one(connection, holder, id).await?.is_none_or(|found| found.stage != Stage::Issued),
    };
    let since = Since {
        changed: newest.is_some_and(|newest| newest.leaf > paper.leaf),
        has_record: is_there && merged.is_none(),
        ended,
    };
    Ok(rules::standing(paper, since, today))
}

/// The papers of a holder and how they stand, newest first.
///
/// # Errors
/// When the database fails.
pub async fn of_holder(
    connection: &mut Connection,
    holder: HolderId,
    today: Date,
) -> Result<Vec<(Issued, Standing)>, DbError> {
    let mut found = Vec::new();
    for paper in store::of_holder(&mut *connection, holder).await? {
        let standing = standing(&mut *connection, &paper, today).await?;
        found.push((paper, standing));
    }
    Ok(found)
}

/// A paper of a holder and how it stands.
///
/// # Errors
/// `NotFound` where the holder has no such paper.
pub async fn one(
    connection: &mut Connection,
    holder: HolderId,
    number: PaperNumber,
    today: Date,
) -> Result<(Issued, Standing), Refusal> {
    let found = store::one(&mut *connection, number).await?.filter(|paper| paper.holder == holder);
    let paper = found.ok_or(Refusal::because(ProblemType::NotFound, "paper-unknown"))?;
    let standing = standing(connection, &paper, today).await?;
    Ok((paper, standing))
}

/// Issues a paper to a holder.
///
/// # Errors
/// What stands in the way, as a value; `NotFound` where there is no such holder.
pub async fn issue(
    app: &App,
    tx: &mut Tx,
    by: StaffId,
    holder: HolderId,
    kind: PaperKind,
) -> Result<Result<PaperNumber, NotNow>, Refusal> {
    // Whoever comes second sees what the first has done.
    tx.lock([holder.shard()]).await?;
    let (now, today) = (app.now(), app.today());
    require_known(tx.conn(), holder).await?;
    merge::require_primary(tx.conn(), holder).await?;
    let current = rules::valid_until(&of_holder(tx.conn(), holder, today).await?, kind);
    let (until, permit) = match kind {
        PaperKind::Certificate => {
            let rests = [Field::Address, Field::StayUntil];
            let facts = reveal(app, tx, now, by, holder, Purpose::Registration, &rests).await?;
            let lives =
                Lives { has_address: !facts.get(Field::Address).is_empty(), until: day(facts.get(Field::StayUntil)) };
            (rules::certificate(&REGULATIONS, lives, current, today), None)
        }
        PaperKind::Permit => {
            let found = permit::store::current(tx.conn(), holder).await?;
            let shown = found.as_ref().map(|permit| (permit, Clock::on(today).standing(permit)));
            (rules::permit(shown, current), found.map(|permit| permit.permit_id))
        }
    };
    let valid_until = match until {
        Ok(until) => until,
        Err(not_now) => return Ok(Err(not_now)),
    };
    let number = PaperNumber::new(holder.shard(), *app.random_bytes()?);
    store::issue(tx, now, by, holder, store::NewPaper { number, kind, valid_until, permit }).await?;
    Ok(Ok(number))
}

/// Withdraws a paper that is not withdrawn yet.
///
/// # Errors
/// `NotFound` where the holder has no such paper, `Conflict` where it is withdrawn already.
pub async fn withdraw(
    app: &App,
    tx: &mut Tx,
    by: StaffId,
    (holder, number): (HolderId, PaperNumber),
    reason: &'static str,
) -> Result<(), Refusal> {
    tx.lock([holder.shard()]).await?;
    let (paper, standing) = one(tx.conn(), holder, number, app.today()).await?;
    if standing == Standing::Withdrawn {
        return Err(Refusal::because(ProblemType::Conflict, "paper-not-valid"));
    }
    Ok(store::withdraw(tx, app.now(), by, &paper, reason).await?)
}

/// Everything that is printed on a paper.
#[derive(Debug)]
pub struct Sheet {
    /// The paper.
    pub paper: Issued,
    /// What it says of the holder.
    pub facts: Facts,
    /// The residence permit that it shows, and the days on which that was endorsed.
    pub permit: Option<(Permit, Vec<Micros>)>,
    /// The station that issued it, where it is known.
    pub station: Option<String>,
    /// The digits that are beside the square code and not in it.
    pub code: CheckCode,
    /// The text of the square code.
    pub text: String,
}

/// Opens what a paper says, to be printed. Every part leaves a leaf and a line that the holder can see. Each print has a check
/// code of its own.
///
/// # Errors
/// `NotFound` where the holder has no such paper, `Conflict` where it is not valid.
pub async fn sheet(
    app: &App,
    by: StaffId,
    (holder, number): (HolderId, PaperNumber),
    purpose: Purpose,
) -> Result<Sheet, Refusal> {
    let shared = app.clone();
    let (paper, facts, permit) = app
        .db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                tx.lock([holder.shard()]).await?;
                let (paper, standing) = one(tx.conn(), holder, number, shared.today()).await?;
                if standing != Standing::Valid {
                    return Err(Refusal::because(ProblemType::Conflict, "paper-not-valid"));
                }
                let facts = reveal(&shared, tx, shared.now(), by, holder, purpose, rests_on(paper.kind)).await?;
                let permit = match paper.permit {
                    None => None,
                    Some(id) => permit::store::one(tx.conn(), holder, id).await?,
                };
                let permit = match permit {
                    None => None,
                    Some(found) => {
                        let endorsed = permit::store::endorsed(tx.conn(), holder, found.permit_id).await?;
                        Some((found, endorsed))
                    }
                };
                Ok((paper, facts, permit))
            })
        })
        .await?;
    let station = member::store::station(&mut app.db.read().await?, paper.by).await?;
    let code = CheckCode::from_random(*app.random_bytes()?);
    let (shared, signs, named, shown) = (app.clone(), paper.clone(), facts.clone(), code.clone());
    // Hashing takes its time.
    let text = tokio::task::spawn_blocking(move || signed(&shared, &signs, &named, &shown));
    let text = text.await.map_err(Refusal::internal)??;
    Ok(Sheet { paper, facts, permit, station, code, text })
}

/// The text of a paper's square code.
fn signed(app: &App, paper: &Issued, facts: &Facts, code: &CheckCode) -> Result<String, Refusal> {
    let named = Named { name: facts.get(Field::Name), document_number: facts.get(Field::DocumentNumber), code };
    let payload = Paper {
        kind: paper.kind,
        number: paper.number,
        valid_until: paper.valid_until,
        binding: named.binding(&paper.number),
    };
    Ok(square_code(&*app.keys, &payload, &app.public_url)?)
}
