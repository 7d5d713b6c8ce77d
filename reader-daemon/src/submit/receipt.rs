//! Is this receipt the service's, for this batch, about these taps? Pure.

use card_schema::{
    envelope::{
        Envelope, EnvelopeError, Kid, PublicKey,
        receipt::{Receipt, TapOutcome},
    },
    ids::{BatchId, TapId},
    wire::Bytes,
};
use ring::digest;

use crate::outbox::PendingTap;

/// Why a receipt settles nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReceiptError {
    #[error("the receipt: {0}")]
    Envelope(#[from] EnvelopeError),
    #[error("the receipt is signed by a key that this terminal does not trust")]
    UnknownKey,
    #[error("the receipt is for another batch")]
    OtherBatch,
    #[error("the receipt names none of the batch's taps")]
    NamesNothing,
}

/// A verified receipt, joined to the taps that it names.
#[derive(Debug)]
pub(crate) struct Verified {
    pub(crate) receipt: Receipt,
    /// The taps that leave the queue now, in their order.
    pub(crate) settled: Vec<(PendingTap, TapOutcome)>,
}

/// Verifies a receipt and finds what it settles.
pub(crate) fn verify(
    bytes: &[u8],
    batch: BatchId,
    taps: Vec<PendingTap>,
    trusted: &[Bytes],
) -> Result<Verified, ReceiptError> {
    let receipt = open(bytes, batch, trusted)?;
    let settled: Vec<_> = taps
        .into_iter()
        .filter_map(|tap| {
            let named = |outcome: &&TapOutcome| outcome.tap == tap.tap_id || outcome.tap == hash(&tap.cose);
            receipt.outcomes.iter().find(named).copied().map(|outcome| (tap, outcome))
        })
        .collect();
    if settled.is_empty() {
        return Err(ReceiptError::NamesNothing);
    }
    Ok(Verified { receipt, settled })
}

/// A receipt that the service has signed for this batch.
pub(crate) fn open(bytes: &[u8], batch: BatchId, trusted: &[Bytes]) -> Result<Receipt, ReceiptError> {
    let envelope = Envelope::<Receipt>::decode(bytes)?;
    let Kid::Key(kid) = envelope.kid else { return Err(ReceiptError::UnknownKey) };
    let key = trusted
        .iter()
        .filter_map(|spki| PublicKey::from_spki(&spki.0).ok())
        .find(|key| key.key_id() == kid)
        .ok_or(ReceiptError::UnknownKey)?;
    envelope.verify(&key)?;
    let receipt = envelope.payload;
    if receipt.batch != batch {
        return Err(ReceiptError::OtherBatch);
    }
    Ok(receipt)
}

/// How a receipt names bytes that are no tap to the service.
fn hash(cose: &[u8]) -> TapId {
    TapId(digest::digest(&digest::SHA256, cose).as_ref().try_into().expect("SHA-256 has 32 bytes"))
}
