//! Cards that are in another state because of a tap, from the next one on, and cards that a terminal could not know to be.

use std::collections::hash_map::Entry;
use std::sync::Arc;

use card_schema::clock::Micros;
use card_schema::envelope::receipt;
use card_schema::ids::CardId;

use super::{Part, Placed};
use crate::cards::{self, CardState, status};
use crate::db::{DbError, Tx};
use crate::intake::store;
use crate::intake::submission::{Policy, Submission};

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

    /// Whether a terminal that accepted a tap on its own could not know that the card is out of use.
    pub(super) async fn is_in_good_faith(
        &mut self,
        tx: &mut Tx,
        placed: &Placed,
        policy: Policy,
    ) -> Result<bool, DbError> {
        let tap = placed.tap();
        let Some(card) = tap.card.filter(|_| placed.is_accepted_offline()) else { return Ok(false) };
        let Some(out_since) = self.cards.get(&card).filter(|known| known.state != CardState::Active) else {
            return Ok(false);
        };
        let out_since = out_since.changed_at;
        let longest_s = i64::from(policy.limits.offline.freeze_days) * 86_400;
        if !status::hides(tx.conn(), tap.status_version, card, tap.at, longest_s).await? {
            return Ok(false);
        }
        // No more than an honest terminal lets wait: whoever makes some up is not paid for it.
        let brought = match self.brought.entry((card, tap.terminal)) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                entry.insert(store::payments_since(tx.conn(), card, tap.terminal, out_since).await?)
            }
        };
        *brought = brought.saturating_add(1);
        Ok(*brought <= policy.limits.offline.card_count)
    }
}
