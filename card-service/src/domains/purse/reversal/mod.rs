//! Reversals: what a payment or a top-up has moved goes back, all of it or a part, by a member of staff who says why; above
//! a limit it takes two (decision 0034).
//!
//! Not here: what the ledger allows (`ledger/reversal.rs`), who agrees to what (`people::approval`).

pub mod model;
pub mod pages;
pub mod rules;
pub mod store;
#[cfg(test)]
mod tests;

use card_schema::clock::Micros;
use card_schema::ids::Shard;
use card_schema::money::Fen;
use card_schema::wire::ProblemType;
use uuid::Uuid;

use self::model::{Reason, Reversal, Undone};
use crate::app::App;
use crate::db::{DbError, Tx};
use crate::domains::{self, Effect};
use crate::http::Refusal;
use crate::ledger::{self, Book, Needs, Posted, Refused, Transfer};
use crate::people::approval::model::{Deed, Done, Hands, Request};
use crate::people::approval::{self, Asked};
use crate::people::model::Permission;
use crate::people::{StaffId, member};

fn unknown() -> Refusal {
    Refusal::because(ProblemType::NotFound, "reversal-unknown")
}

/// Reverses what a tap has booked, or asks for it where that takes two. `id` is the form's.
pub async fn reverse(app: &App, by: StaffId, id: Uuid, wanted: Reversal) -> Result<Result<Done, Undone>, Refusal> {
    let (now, limit) = (app.now(), approval::limit(app));
    app.db
        .write::<_, Refusal, _>(move |tx| Box::pin(async move { carry_out(tx, now, limit, by, id, wanted).await }))
        .await
}

async fn carry_out(
    tx: &mut Tx,
    now: Micros,
    limit: Fen,
    by: StaffId,
    id: Uuid,
    wanted: Reversal,
) -> Result<Result<Done, Undone>, Refusal> {
    // What one does alone is counted wherever it lies: whoever comes second sees what the first has done.
    tx.lock([Shard(0), wanted.card.shard()]).await?;
    let everybody = member::store::all(tx.conn()).await?;
    // Somebody may have been suspended since the request came in.
    if !approval::rules::is_able(by, Permission::ReverseTransfers, &everybody) {
        return Err(Refusal::new(ProblemType::Forbidden));
    }
    if let Some(before) = sent_before(tx, by, id, wanted).await? {
        return Ok(before);
    }
    let posting = match Posting::of(tx, now, id, &wanted).await? {
        Ok(posting) => posting,
        Err(undone) => return Ok(Err(undone)),
    };
    if approval::rules::is_beyond(wanted.amount, approval::alone(tx.conn(), now, by, &everybody).await?, limit) {
        match approval::ask(tx, now, id, by, Deed::Reverse(wanted)).await? {
            Ok(Asked::Go) => {}
            Ok(Asked::Waits(request)) => return Ok(Ok(Done::Waits(request))),
            Err(_) => return Ok(Err(Undone::Asked)),
        }
    }
    posting.post(tx, now, id, &wanted, Hands { by, agreed_by: None }).await?;
    Ok(Ok(Done::Now))
}

/// Does what another member of staff has agreed to, if it can still be done; the key of a text where it cannot.
pub async fn agreed(
    tx: &mut Tx,
    now: Micros,
    request: &Request,
    wanted: Reversal,
    by: StaffId,
) -> Result<Result<(), &'static str>, Refusal> {
    tx.lock([wanted.card.shard()]).await?;
    let id = request.approval_id;
    Ok(match Posting::of(tx, now, id, &wanted).await? {
        Ok(posting) => {
            let hands = Hands { by: request.asked_by, agreed_by: Some(by) };
            posting.post(tx, now, id, &wanted, hands).await?;
            Ok(())
        }
        Err(Undone::Short { .. }) => Err("reversal-overtaken-short"),
        Err(Undone::Over { .. } | Undone::Asked | Undone::Sent) => Err("reversal-overtaken-over"),
    })
}

/// What came of the form with this id when it was sent before.
async fn sent_before(
    tx: &mut Tx,
    by: StaffId,
    id: Uuid,
    wanted: Reversal,
) -> Result<Option<Result<Done, Undone>>, DbError> {
    if let Some(before) = store::sent(tx.conn(), wanted.card, id).await? {
        return Ok(Some(if before == (wanted, by) { Ok(Done::Now) } else { Err(Undone::Sent) }));
    }
    let request = approval::store::one(tx.conn(), id).await?;
    Ok(request.map(|request| {
        let is_same = request.deed == Deed::Reverse(wanted) && request.asked_by == by;
        if is_same { Ok(Done::Waits(id)) } else { Err(Undone::Sent) }
    }))
}

/// A reversal that the ledger admits, and the book in which it stands. What goes back on a payment for which the issuer
/// has advanced something goes on to the issuer first.
#[derive(Debug)]
pub struct Posting {
    transfers: Vec<Transfer>,
    effects: Vec<Effect>,
    book: Book,
}

impl Posting {
    /// Tries it, in a shard that is locked. `id` is the form's.
    pub async fn of(tx: &mut Tx, now: Micros, id: Uuid, wanted: &Reversal) -> Result<Result<Self, Undone>, Refusal> {
        let booked = store::booked(tx.conn(), wanted.card, wanted.tap).await?.ok_or_else(unknown)?;
        let store::Booked { moved, advance, caused, made_at } = booked;
        if !Reason::of(moved.entry.transfer.kind).contains(&wanted.reason) {
            return Err(Refusal::new(ProblemType::MalformedRequest));
        }
        let (amount, reference) = (wanted.amount.0, rules::reference(id));
        let mut transfers = ledger::give_back(&moved, advance.as_ref(), amount, Some(reference));
        let returned = moved.reversed.saturating_add(amount);
        let (points, effects) = domains::points_back(tx, now, &caused, (&moved, returned), made_at, reference).await?;
        transfers.extend(points);
        let book = ledger::store::load(tx, &Needs::of(&transfers)).await?;
        match book.clone().post_linked(now, &transfers) {
            Ok(_) => Ok(Ok(Self { transfers, effects, book })),
            Err(Refused { reason, .. }) => {
                let left = Fen(moved.entry.transfer.amount - moved.reversed);
                rules::undone(reason, left).map(Err).ok_or_else(|| Refusal::internal(reason))
            }
        }
    }

    /// Posts it and writes down who did it.
    pub async fn post(
        mut self,
        tx: &mut Tx,
        now: Micros,
        id: Uuid,
        wanted: &Reversal,
        hands: Hands,
    ) -> Result<(), Refusal> {
        let posted = ledger::store::post_in(tx, now, &[self.transfers], &mut self.book).await?.remove(0);
        match posted.map_err(Refusal::internal)? {
            Posted::New(entries) => {
                domains::write_effects(tx.conn(), &self.effects).await?;
                Ok(store::add(tx, now, id, wanted, entries[0].id, hands).await?)
            }
            // A form's cause stands together with the row of its form, which was looked for.
            Posted::Repeated => Err(Refusal::new(ProblemType::Conflict)),
        }
    }
}
