//! Money in and out of the holder's purse. The purse itself lies with the service: the chip holds no balance.

use minicbor::{Decoder, Encoder, encode::Write};

use super::points::Movement;
use crate::{
    clock::Micros,
    envelope::{EnvelopeError, cbor},
    ids::{CardId, TapId},
    money::Fen,
};

/// A payment to the organisation that runs the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payment {
    /// What leaves the purse. Above zero; the service refuses anything else.
    pub amount: Fen,
    /// The terminal accepted it on its own, within the limits for that: it stands though the purse may not cover it.
    /// Decided before the card signs, and signed with it.
    pub accepted_offline: bool,
    /// What the payment does to the holder's points; nothing where the shop takes part in no programme.
    pub points: Option<Movement>,
}

impl Payment {
    /// A payment that the service decides, without points.
    pub const fn online(amount: Fen) -> Self {
        Self { amount, accepted_offline: false, points: None }
    }

    /// How many points are given for money off.
    pub const fn redeemed(&self) -> u32 {
        match self.points {
            Some(movement) => movement.redeemed,
            None => 0,
        }
    }

    pub(crate) fn encode<W: Write>(self, e: &mut Encoder<W>) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.map(3)?.u8(1)?.i64(self.amount.0)?.u8(2)?.bool(self.accepted_offline)?.u8(3)?;
        Movement::encode(self.points.as_ref(), e)
    }

    pub(crate) fn decode(d: &mut Decoder<'_>) -> Result<Self, EnvelopeError> {
        cbor::map(d, 3)?;
        cbor::key(d, 1)?;
        let amount = Fen(d.i64()?);
        cbor::key(d, 2)?;
        let accepted_offline = d.bool()?;
        cbor::key(d, 3)?;
        Ok(Self { amount, accepted_offline, points: Movement::decode(d)? })
    }
}

/// Cash handed over at the terminal and credited to the purse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopUp {
    /// Above zero; the service refuses anything else.
    pub amount: Fen,
    /// The card of the member of staff who has approved it: with the tap right before this one in its lane, a
    /// [`TopUpApproval`] of the same amount.
    pub approved_by: Option<CardId>,
}

impl TopUp {
    /// So much as needs nobody's approval.
    pub const fn cash(amount: Fen) -> Self {
        Self { amount, approved_by: None }
    }

    pub(crate) fn encode<W: Write>(self, e: &mut Encoder<W>) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.map(2)?.u8(1)?.i64(self.amount.0)?.u8(2)?;
        match self.approved_by {
            Some(card) => e.bytes(card.as_bytes())?,
            None => e.null()?,
        };
        Ok(())
    }

    pub(crate) fn decode(d: &mut Decoder<'_>) -> Result<Self, EnvelopeError> {
        cbor::map(d, 2)?;
        cbor::key(d, 1)?;
        let amount = Fen(d.i64()?);
        cbor::key(d, 2)?;
        Ok(Self { amount, approved_by: cbor::optional(d, |d| Ok(CardId::from_bytes(cbor::bytes(d)?)))? })
    }
}

/// A member of staff approves, with card and PIN, the top-up that follows in the same lane: the holder's card signs which tap
/// came before its own, so that no other top-up can take its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopUpApproval {
    /// Exactly so much.
    pub amount: Fen,
}

impl TopUpApproval {
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

/// The payment that is given back, as the terminal that took it knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Original {
    /// The payment's tap.
    pub tap: TapId,
    /// The terminal's clock in that tap: with it the service finds the payment among all that a holder ever paid.
    pub at: Micros,
}

/// What goes back from the organisation that took a payment to the holder who paid: by a refund a part or all of it, by a
/// void all of it, at the terminal that took it and soon after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Return {
    /// What was paid.
    pub original: Original,
    /// Above zero; the service refuses anything else, and more than is left of the payment. For a void, all of it.
    pub amount: Fen,
}

impl Return {
    pub(crate) fn encode<W: Write>(self, e: &mut Encoder<W>) -> Result<(), minicbor::encode::Error<W::Error>> {
        let Original { tap, at } = self.original;
        e.map(3)?.u8(1)?.bytes(&tap.0)?.u8(2)?.i64(at.0)?.u8(3)?.i64(self.amount.0)?;
        Ok(())
    }

    pub(crate) fn decode(d: &mut Decoder<'_>) -> Result<Self, EnvelopeError> {
        cbor::map(d, 3)?;
        cbor::key(d, 1)?;
        let tap = TapId(cbor::bytes(d)?);
        cbor::key(d, 2)?;
        let at = Micros(d.i64()?);
        cbor::key(d, 3)?;
        Ok(Self { original: Original { tap, at }, amount: Fen(d.i64()?) })
    }
}

/// A mini-statement (ISO 8583, processing code 38). It carries nothing: the receipt brings what is left, and the terminal asks for the
/// rest with the tap (`wire::terminal::StatementRequest`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement;

/// A balance inquiry (ISO 8583, processing code 31). It carries nothing: the receipt brings what is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inquiry;
