//! Taps that were held, once a person has decided about them. They are recorded already: what is written now is the decision,
//! and what they move.

use card_schema::envelope::receipt::Outcome;
use card_schema::money::Fen;

use super::{Booked, Part, Placed};
use crate::db::{DbError, Tx};
use crate::domains::Decision;
use crate::evidence::{self, ActionKind};
use crate::intake::quarantine::store::{self, SettlementRow};
use crate::intake::submission::Means;

/// The money that it was about, where it was booked: what was moved, and for an award what was paid otherwise.
fn counts(placed: &Placed, booked: &Booked) -> Fen {
    let amount = placed.tap().operation.amount().filter(|_| booked.outcome == Outcome::Accepted);
    amount.unwrap_or(Fen::ZERO)
}

/// Decides taps in their order and writes what follows: as the checks and the rooms say, or not at all. `rows` has for each
/// what is to be written about it; the leaf, the outcome and what it was about are filled in.
pub(in crate::intake) async fn settle(
    tx: &mut Tx,
    means: &Means,
    taps: &[Placed],
    mut rows: Vec<SettlementRow>,
) -> Result<(), DbError> {
    let mut part = Part { is_settling: true, ..Part::load(tx, means, taps).await? };
    for (placed, row) in taps.iter().zip(&mut rows) {
        let (decision, holder) = if row.reason.books() {
            part.judge(tx, means, placed).await?
        } else {
            (Decision::plain(Outcome::Rejected), None)
        };
        let booked: Booked = part.book(tx, placed.tap().card, decision, row.at).await?;
        part.may_be_given_back(placed, holder, row.at, &booked);
        row.leaf = evidence::reserve(tx, placed.shard);
        (row.outcome, row.moved) = (booked.outcome, counts(placed, &booked));
        part.record(row.leaf, row.at, (ActionKind::TapSettled, row.image()), booked);
    }
    part.write(tx).await?;
    store::add(tx.conn(), &rows).await
}
