//! What the insurance pays at a clinic: whether somebody who has checked in is covered, and what a bill comes to. It puts together what
//! rooms know that know nothing of one another: months of social security, bills of clinics, and which records are of one person.
//!
//! Not here: what is covered by which rules (`domains::clinic::coverage`), and settling a bill, which is a tap (`intake`, `domains::clinic`).

pub mod api;
#[cfg(test)]
mod tests;

use card_schema::coverage::{Eligibility, Line};
use card_schema::date::Date;
use card_schema::envelope::receipt::Outcome;
use card_schema::ids::{CardId, ClaimId, HolderId, OrganisationId, TapId};
use card_schema::money::Fen;
use card_schema::month::Month;
use card_schema::operation::{Operation, clinic};
use card_schema::wire::ProblemType;
use card_schema::wire::clinic::{BilledLine, ClaimReply, ClaimRequest, MAX_DIAGNOSIS, MAX_LINES, VisitReply};

use crate::app::App;
use crate::cards;
use crate::db::{Connection, DbError};
use crate::domains::clinic::coverage::model::{Bill, Explained, Visit, Wrong};
use crate::domains::clinic::coverage::rules::{calculate, eligibility, left, uncovered, version};
use crate::domains::clinic::model::{Claim, Payers};
use crate::domains::clinic::sealed::Content;
use crate::domains::clinic::{self as room, changes, is_open, so_far};
use crate::domains::residence::merge;
use crate::http::Refusal;
use crate::intake;
use crate::ledger::{self, AccountKey, AccountKind, Unit};
use crate::statement::insurance;

/// A visit that a clinic may write bills of.
struct CheckedIn {
    tap: TapId,
    holder: HolderId,
    /// All records of the person.
    records: Vec<HolderId>,
    clinic: OrganisationId,
    visit: Visit,
}

/// The visit that has begun with a tap at a terminal of this clinic.
async fn checked_in(
    app: &App,
    connection: &mut Connection,
    clinic: OrganisationId,
    (card, tap): (CardId, TapId),
) -> Result<CheckedIn, Refusal> {
    let over = || Refusal::because(ProblemType::Conflict, "visit-over");
    let kept = intake::kept(&mut *connection, card, tap).await?.ok_or_else(over)?;
    let Operation::ClinicCheckIn(clinic::CheckIn { benefit }) = kept.operation else { return Err(over()) };
    let day = Date::in_china(kept.received_at);
    let here = crate::terminals::store::one(&mut *connection, kept.terminal).await?;
    let is_here = here.is_some_and(|terminal| terminal.organisation.organisation_id == clinic);
    if kept.outcome != Outcome::Accepted || !is_here || !is_open(benefit, day, app.today()) {
        return Err(over());
    }
    let no_level = Refusal::because(ProblemType::Conflict, "visit-no-level");
    let level = room::store::level(&mut *connection, clinic).await?.ok_or(no_level)?;
    let found = cards::store::one(&mut *connection, card).await?;
    let holder = found.and_then(|card| card.bearer.holder()).ok_or_else(over)?;
    let person = merge::primary(&mut *connection, holder).await?;
    let records = merge::records(&mut *connection, person).await?;
    Ok(CheckedIn { tap, holder, records, clinic, visit: Visit { benefit, level, day, referred: false } })
}

impl CheckedIn {
    /// Whether the person is covered on the day of the visit, by the months that count by now.
    async fn standing(&self, app: &App, connection: &mut Connection) -> Result<Eligibility, DbError> {
        let person = self.records[0];
        let insured = insurance::of(connection, person, app.now(), Month::of(app.today())).await?;
        let counted = insured.months.iter().filter(|of| of.state.counts()).map(|of| of.month).collect();
        Ok(eligibility(&app.coverage.policy, &counted, self.visit.day))
    }

    /// What is in the own account of the card's holder. What lies under another record of the person stays there until it is moved.
    async fn account(&self, connection: &mut Connection) -> Result<Fen, DbError> {
        let (shard, kind) = (self.holder.shard(), AccountKind::MedicalAccount);
        let key = AccountKey { shard, owner: self.holder.into(), kind, unit: Unit::CnyFen };
        Ok(Fen(ledger::store::balance(connection, &key).await?.max(0)))
    }
}

/// What is wrong with a bill, as whoever has written it reads it.
fn refused(wrong: Wrong, lines: &[Line]) -> Refusal {
    Refusal::worded(ProblemType::MalformedRequest, wrong.words(lines))
}

/// What a clinic is told of somebody who has checked in there.
async fn told(app: &App, clinic: OrganisationId, tap: (CardId, TapId)) -> Result<VisitReply, Refusal> {
    let mut connection = app.db.read().await?;
    let checked_in = checked_in(app, &mut connection, clinic, tap).await?;
    let visit = checked_in.visit;
    let standing = checked_in.standing(app, &mut connection).await?;
    let account_fen = checked_in.account(&mut connection).await?;
    let claims = room::store::claim::of_records(&mut connection, &checked_in.records).await?;
    let before = so_far(&claims, visit.benefit, visit.day, checked_in.tap);
    let covered = match standing {
        Eligibility::Covered { .. } => {
            Some(left(&app.coverage.policy, &visit, &before).map_err(|wrong| refused(wrong, &[]))?)
        }
        _ => None,
    };
    Ok(VisitReply { benefit: visit.benefit, level: visit.level, standing, covered, account_fen })
}

/// What is wrong with a bill before anything is reckoned.
fn check(request: &ClaimRequest) -> Result<(), Refusal> {
    let refuse = |key| Err(Refusal::because(ProblemType::MalformedRequest, key));
    let diagnosis = request.diagnosis.trim();
    if diagnosis.is_empty() || diagnosis.chars().count() > MAX_DIAGNOSIS || diagnosis.chars().any(char::is_control) {
        return refuse("claim-diagnosis");
    }
    if request.lines.is_empty() || request.lines.len() > MAX_LINES {
        return refuse("claim-lines");
    }
    Ok(())
}

/// A line as the clinic is told it.
fn told_of(line: &Explained<'_>) -> BilledLine {
    BilledLine {
        item: line.item.code.clone(),
        name: line.item.name.clone(),
        name_en: line.item.name_en.clone(),
        class: line.item.class,
        quantity: line.quantity,
        price_fen: line.price_fen,
        amount_fen: line.amount_fen,
        eligible_fen: line.eligible_fen,
        pieces: line.pieces.clone(),
        shares: line.shares,
    }
}

/// Who pays a bill, where so much is in the holder's own account.
fn payers(app: &App, day: Date, bill: &Bill<'_>, account: Fen) -> Payers {
    let may = version(&app.coverage.policy, day).map_or(Fen::ZERO, |version| version.from_account(&bill.shares));
    let account = may.min(account);
    let eligible = Fen(bill.lines.iter().map(|line| line.eligible_fen.0).sum());
    Payers { eligible, fund: bill.shares.fund_fen, account, rest: Fen(bill.shares.own().0 - account.0) }
}

/// Takes a bill: reckons it on top of all that was settled before, and keeps it until its holder has settled it. What was written of the
/// same visit and waits is gone with it.
async fn take(app: &App, clinic: OrganisationId, request: ClaimRequest) -> Result<ClaimReply, Refusal> {
    check(&request)?;
    let (checked_in, standing) = {
        let mut connection = app.db.read().await?;
        let checked_in = checked_in(app, &mut connection, clinic, (request.card_id, request.tap_id)).await?;
        let standing = checked_in.standing(app, &mut connection).await?;
        (checked_in, standing)
    };
    let id = ClaimId::new(checked_in.holder.shard(), *app.random_bytes()?);
    let nonce = *app.random_bytes()?;
    let (app, now) = (app.clone(), app.now());
    let db = app.db.clone();
    db.write::<_, Refusal, _>(move |tx| {
        Box::pin(async move {
            // Nothing of the person is settled meanwhile.
            tx.lock(checked_in.records.iter().map(HolderId::shard)).await?;
            let claims = room::store::claim::of_records(tx.conn(), &checked_in.records).await?;
            let of_visit = || claims.iter().filter(|claim| claim.visit == checked_in.tap);
            if of_visit().any(Claim::stands) {
                return Err(Refusal::because(ProblemType::Conflict, "claim-settled"));
            }
            let account = checked_in.account(tx.conn()).await?;
            let visit = Visit { referred: request.referred, ..checked_in.visit };
            let bill = reckon(&app, standing, (&visit, checked_in.tap), &claims, &request.lines)?;
            let claim = Claim {
                id,
                visit: checked_in.tap,
                holder: checked_in.holder,
                clinic: checked_in.clinic,
                benefit: visit.benefit,
                day: visit.day,
                made_at: now,
                seen: changes(&claims),
                payers: payers(&app, visit.day, &bill, account),
                settled: None,
                reversed_at: None,
                is_cleared: false,
            };
            let content = Content {
                diagnosis: request.diagnosis.trim().to_owned(),
                referred: request.referred,
                standing,
                lines: bill.lines.iter().map(told_of).collect(),
            };
            let sealed = content.seal(&*app.keys, id, nonce)?;
            let waiting: Vec<_> = of_visit().filter(|claim| claim.waits()).map(|claim| claim.id).collect();
            room::store::claim::put(tx, &claim, &sealed, &waiting).await?;
            let Payers { account: account_fen, rest: rest_fen, .. } = claim.payers;
            let Content { lines, .. } = content;
            Ok(ClaimReply { claim_id: id, standing, lines, shares: bill.shares, account_fen, rest_fen })
        })
    })
    .await
}

/// What a bill costs, on top of what was settled before.
fn reckon<'a>(
    app: &'a App,
    standing: Eligibility,
    (visit, tap): (&Visit, TapId),
    claims: &[Claim],
    lines: &[Line],
) -> Result<Bill<'a>, Refusal> {
    let coverage = &app.coverage;
    let bill = if standing.is_covered() {
        let before = so_far(claims, visit.benefit, visit.day, tap);
        calculate(&coverage.policy, &coverage.catalogue, visit, &before, lines)
    } else {
        uncovered(&coverage.catalogue, visit.day, lines)
    };
    bill.map_err(|wrong| refused(wrong, lines))
}
