//! What a terminal says on its own, without a card.

use minicbor::{Decoder, Encoder, encode::Write};

use crate::envelope::{EnvelopeError, cbor};

/// Why a reserved counter was never used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AbandonReason {
    /// The daemon stopped between reserving the counter and storing the signed tap.
    Restart = 1,
    /// The card left the reader before it had signed.
    CardRemoved = 2,
    /// The card refused to sign, or signed with another key than its own.
    CardRefused = 3,
    /// The PIN was wrong. Which card it was of is not said.
    WrongPin = 4,
}

/// A counter that was reserved and never used: it fills its place in the lane's chain, so that a gap always means loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abandoned {
    /// Why.
    pub reason: AbandonReason,
}

impl Abandoned {
    pub(crate) fn encode<W: Write>(self, e: &mut Encoder<W>) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.map(1)?.u8(1)?.u8(self.reason as u8)?;
        Ok(())
    }

    pub(crate) fn decode(d: &mut Decoder<'_>) -> Result<Self, EnvelopeError> {
        cbor::map(d, 1)?;
        cbor::key(d, 1)?;
        let reason = match d.u8()? {
            1 => AbandonReason::Restart,
            2 => AbandonReason::CardRemoved,
            3 => AbandonReason::CardRefused,
            4 => AbandonReason::WrongPin,
            _ => return Err(EnvelopeError::UnknownValue("abandon reason")),
        };
        Ok(Self { reason })
    }
}
