//! Which card is this, and what are its keys? A known card costs SELECT and GET DATA; the first time a terminal sees
//! one it also reads and verifies the certificate.
//!
//! Proves nothing yet: everything read here can be copied. The signature does.

use std::collections::HashMap;

use card_schema::{card::Slot, clock::Micros, ids::CardId, wire::terminal::Trust};

use super::{TapError, certificate};
use crate::{
    card::link::Link,
    outbox::{KnownCard, Outbox},
    piv::PivCard,
};

/// Keys kept in memory; the outbox holds all.
const IN_MEMORY_MAX: usize = 2_048;

/// Verified keys by card and slot.
#[derive(Debug, Default)]
pub struct KnownKeys(HashMap<(CardId, Slot), KnownCard>);

impl KnownKeys {
    /// The card's verified key for a slot: remembered, or read from the card now.
    ///
    /// # Errors
    /// [`TapError::Certificate`] for a card that is not ours; [`TapError::Card`].
    pub async fn find<L: Link>(
        &mut self,
        card: CardId,
        slot: Slot,
        piv: &mut PivCard<L>,
        outbox: &Outbox,
        trust: &Trust,
        now: Micros,
    ) -> Result<KnownCard, TapError> {
        if let Some(known) = self.0.get(&(card, slot)) {
            return Ok(*known);
        }
        let known = match outbox.known_card(card, slot).await? {
            Some(known) => known,
            None => first_sight(card, slot, piv, outbox, trust, now).await?,
        };
        if self.0.len() >= IN_MEMORY_MAX {
            self.0.clear();
        }
        self.0.insert((card, slot), known);
        Ok(known)
    }
}

async fn first_sight<L: Link>(
    card: CardId,
    slot: Slot,
    piv: &mut PivCard<L>,
    outbox: &Outbox,
    trust: &Trust,
    now: Micros,
) -> Result<KnownCard, TapError> {
    let contents = piv.get_data(certificate::object(slot))?.ok_or(certificate::CertificateError::Missing)?;
    let known = certificate::verify(certificate::in_object(&contents)?, card, slot, trust, now)?;
    outbox.learn_card(card, slot, &known).await?;
    Ok(known)
}
