//! From bytes to taps of which it is known who signed them. No database, no clock; says nothing about permission.

use std::sync::Arc;

use card_schema::card::Slot;
use card_schema::envelope::batch::Batch;
use card_schema::envelope::tap::Tap;
use card_schema::envelope::{Envelope, EnvelopeError, Kid, PublicKey};
use card_schema::ids::{BatchId, CardId, TapId, TerminalId};
use ring::digest;

use super::memory::Cards;
use crate::cards::CardForIntake;

/// A batch whose bytes are in order. Not yet verified.
#[derive(Debug)]
pub struct OpenBatch {
    /// Its identifier.
    pub id: BatchId,
    envelope: Envelope<Batch>,
    taps: Vec<Opened>,
}

#[derive(Debug)]
enum Opened {
    Malformed(TapId),
    Tap(Box<Envelope<Tap>>, Vec<u8>),
}

/// A tap and who signed it.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Its identifier; SHA-256 of the bytes where they are no tap.
    pub id: TapId,
    /// The bytes as they came.
    pub cose: Vec<u8>,
    /// What they say, or nothing where they are no tap.
    pub tap: Option<Tap>,
    /// The card with whose keys its signature was checked.
    pub card: Option<Arc<CardForIntake>>,
    /// Whose signature it bears.
    pub signed_by: SignedBy,
}

/// Who signed a tap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignedBy {
    /// The card that the tap names, with the key in this slot.
    Card(Slot),
    /// The terminal that brought it.
    Terminal,
    /// Nobody who could have: another key, another purpose, or an unknown card.
    Nobody,
}

impl Candidate {
    /// Who signed it by what is known now. The signature is checked again only where the card's keys have changed since
    /// it was.
    pub fn signed_by(&self, terminal_key: &PublicKey, now: Option<&CardForIntake>) -> SignedBy {
        if self.card.as_deref().map(|card| &card.keys) == now.map(|card| &card.keys) {
            return self.signed_by;
        }
        match Envelope::<Tap>::decode(&self.cose) {
            Ok(envelope) => signed_by(&envelope, terminal_key, now),
            Err(_) => SignedBy::Nobody,
        }
    }
}

impl OpenBatch {
    /// Reads a batch and each tap in it. A tap that cannot be read does not spoil the others.
    ///
    /// # Errors
    /// Those of [`Envelope::decode`], for the batch itself.
    pub fn decode(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let mut envelope = Envelope::<Batch>::decode(bytes)?;
        let taps = std::mem::take(&mut envelope.payload.taps)
            .into_iter()
            .map(|cose| match Envelope::<Tap>::decode(&cose) {
                // The database counts to the end of a signed 64-bit number; a lane never comes that far.
                Ok(tap) if i64::try_from(tap.payload.counter).is_ok() => Opened::Tap(Box::new(tap), cose),
                _ => Opened::Malformed(TapId(sha256(&cose))),
            })
            .collect();
        Ok(Self { id: BatchId(envelope.digest()), envelope, taps })
    }

    /// The terminal that the batch says it comes from.
    pub const fn terminal(&self) -> TerminalId {
        self.envelope.payload.terminal
    }

    /// How many taps it brings.
    pub fn len(&self) -> usize {
        self.taps.len()
    }

    /// Whether it brings none.
    pub fn is_empty(&self) -> bool {
        self.taps.is_empty()
    }

    /// The cards that the taps name.
    pub fn cards(&self) -> Vec<CardId> {
        let cards = self.taps.iter().filter_map(|tap| match tap {
            Opened::Tap(tap, _) => tap.payload.card,
            Opened::Malformed(_) => None,
        });
        let mut cards: Vec<_> = cards.collect();
        cards.sort_unstable();
        cards.dedup();
        cards
    }

    /// Checks that this terminal key signed the batch.
    ///
    /// # Errors
    /// [`EnvelopeError::SignatureMismatch`], also where the batch names another key.
    pub fn verify(&self, terminal_key: &PublicKey) -> Result<(), EnvelopeError> {
        if self.envelope.kid != Kid::Key(terminal_key.key_id()) {
            return Err(EnvelopeError::SignatureMismatch);
        }
        self.envelope.verify(terminal_key)
    }

    /// Finds out who signed each tap. This is where the processor time goes: about 70 µs a tap.
    pub(super) fn check_taps(self, terminal_key: &PublicKey, cards: &Cards) -> Vec<Candidate> {
        let check = |opened| match opened {
            Opened::Malformed(id) => {
                Candidate { id, cose: Vec::new(), tap: None, card: None, signed_by: SignedBy::Nobody }
            }
            Opened::Tap(envelope, cose) => {
                let card = envelope.payload.card.and_then(|card| cards.get(&card)).cloned();
                Candidate {
                    id: TapId(envelope.digest()),
                    signed_by: signed_by(&envelope, terminal_key, card.as_deref()),
                    tap: Some(envelope.payload),
                    card,
                    cose,
                }
            }
        };
        self.taps.into_iter().map(check).collect()
    }
}

fn signed_by(envelope: &Envelope<Tap>, terminal_key: &PublicKey, card: Option<&CardForIntake>) -> SignedBy {
    match (envelope.kid, envelope.payload.card) {
        (Kid::Card(slot), Some(_)) => {
            let key = card.and_then(|card| card.keys.get(slot));
            match key.map(|key| envelope.verify(key)) {
                Some(Ok(())) => SignedBy::Card(slot),
                _ => SignedBy::Nobody,
            }
        }
        (Kid::Key(id), None) if id == terminal_key.key_id() && envelope.verify(terminal_key).is_ok() => {
            SignedBy::Terminal
        }
        _ => SignedBy::Nobody,
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest::digest(&digest::SHA256, bytes).as_ref().try_into().expect("SHA-256 has 32 bytes")
}
