//! Cards that are in another state because of a tap: from the next one on.

use std::sync::Arc;

use card_schema::clock::Micros;
use card_schema::envelope::receipt;
use card_schema::ids::CardId;

use super::Part;
use crate::cards::{self, CardState};
use crate::db::{DbError, Tx};
use crate::intake::submission::Submission;

impl Part {
    /// The holder has agreed to a text: if it is the one that was sent, the card is active from the next tap on, and no
    /// other of the holder's is.
    pub(super) async fn consent(
        &mut self,
        tx: &mut Tx,
        submission: &Submission,
        id: CardId,
        text: &[u8; 32],
    ) -> Result<receipt::Outcome, DbError> {
        let consent = cards::on_consent(tx, submission.received_at, id, text).await?;
        if consent.outcome == receipt::Outcome::Accepted {
            self.becomes(id, CardState::Active, submission.received_at);
        }
        for replaced in &consent.replaced {
            self.becomes(*replaced, CardState::Replaced, submission.received_at);
        }
        Ok(consent.outcome)
    }

    /// A card has spent what it did not have.
    pub(super) async fn suspend(&mut self, tx: &mut Tx, at: Micros, id: CardId) -> Result<(), DbError> {
        let Some(found) = cards::store::one(tx.conn(), id).await? else { return Ok(()) };
        if cards::store::overspent(tx, at, &found).await? {
            self.becomes(id, CardState::Suspended, at);
        }
        Ok(())
    }

    /// A card is in another state from the next tap on.
    fn becomes(&mut self, card: CardId, state: CardState, at: Micros) {
        if let Some(card) = self.cards.get_mut(&card) {
            let card = Arc::make_mut(card);
            (card.state, card.changed_at) = (state, at);
        }
    }
}
