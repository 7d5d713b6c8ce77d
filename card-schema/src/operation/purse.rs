//! Money in and out of the holder's purse. The purse itself lies with the service: the chip holds no balance.

use minicbor::{Decoder, Encoder, encode::Write};

use crate::{
    envelope::{EnvelopeError, cbor},
    money::Fen,
};

/// A payment to the organisation that runs the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Above zero; the service refuses anything else.
    pub amount: Fen,
    /// The terminal accepted it on its own, within the limits for that: it stands though the purse may not cover it.
    /// Decided before the card signs, and signed with it.
    pub accepted_offline: bool,
}

impl Payment {
    /// A payment that the service decides.
    pub const fn online(amount: Fen) -> Self {
        Self { amount, accepted_offline: false }
    }

    pub(crate) fn encode<W: Write>(self, e: &mut Encoder<W>) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.map(2)?.u8(1)?.i64(self.amount.0)?.u8(2)?.bool(self.accepted_offline)?;
        Ok(())
    }

    pub(crate) fn decode(d: &mut Decoder<'_>) -> Result<Self, EnvelopeError> {
        cbor::map(d, 2)?;
        cbor::key(d, 1)?;
        let amount = Fen(d.i64()?);
        cbor::key(d, 2)?;
        Ok(Self { amount, accepted_offline: d.bool()? })
    }
}

/// Cash handed over at the terminal and credited to the purse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopUp {
    /// Above zero; the service refuses anything else.
    pub amount: Fen,
}

impl TopUp {
    pub(crate) fn encode<W: Write>(self, e: &mut Encoder<W>) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.map(1)?.u8(1)?.i64(self.amount.0)?;
        Ok(())
    }

    pub(crate) fn decode(d: &mut Decoder<'_>) -> Result<Self, EnvelopeError> {
        cbor::map(d, 1)?;
        cbor::key(d, 1)?;
        Ok(Self { amount: Fen(d.i64()?) })
    }
}
