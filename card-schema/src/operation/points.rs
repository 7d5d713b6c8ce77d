//! Points that a card signs for: with a payment, for a purchase that was paid otherwise, or for goods. Who has how many
//! lies with the service.

use minicbor::{Decoder, Encoder, encode::Write};

use super::purse::Original;
use crate::{
    clock::Micros,
    envelope::{EnvelopeError, cbor},
    ids::TapId,
    money::Fen,
    points::ProgrammeId,
};

/// What a payment does to the holder's points: signed with it, so neither comes about without the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Movement {
    /// Of which programme.
    pub programme: ProgrammeId,
    /// The points that the terminal has promised; the service gives no more than the programme's rules allow.
    pub earned: u32,
    /// The points that are given for [`Self::discount`].
    pub redeemed: u32,
    /// What they have taken off the price; the amount of the payment is what was left.
    pub discount: Fen,
}

impl Movement {
    /// What is promised, less what is given.
    pub const fn net(&self) -> i64 {
        self.earned as i64 - self.redeemed as i64
    }

    pub(super) fn encode<W: Write>(
        movement: Option<&Self>,
        e: &mut Encoder<W>,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        match movement {
            None => e.null()?,
            Some(Self { programme, earned, redeemed, discount }) => {
                e.array(4)?.u32(programme.0)?.u32(*earned)?.u32(*redeemed)?.i64(discount.0)?
            }
        };
        Ok(())
    }

    pub(super) fn decode(d: &mut Decoder<'_>) -> Result<Option<Self>, EnvelopeError> {
        cbor::optional(d, |d| {
            if cbor::array(d, 4, "movement of points")? != 4 {
                return Err(EnvelopeError::Malformed("a movement of points has four parts".to_owned()));
            }
            let programme = ProgrammeId(d.u32()?);
            Ok(Self { programme, earned: d.u32()?, redeemed: d.u32()?, discount: Fen(d.i64()?) })
        })
    }
}

/// Points for a purchase that was not paid with the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Award {
    /// What was paid.
    pub paid: Fen,
    /// Of which programme.
    pub programme: ProgrammeId,
    /// The points that the terminal has promised.
    pub earned: u32,
}

impl Award {
    pub(crate) fn encode<W: Write>(self, e: &mut Encoder<W>) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.map(3)?.u8(1)?.i64(self.paid.0)?.u8(2)?.u32(self.programme.0)?.u8(3)?.u32(self.earned)?;
        Ok(())
    }

    pub(crate) fn decode(d: &mut Decoder<'_>) -> Result<Self, EnvelopeError> {
        cbor::map(d, 3)?;
        cbor::key(d, 1)?;
        let paid = Fen(d.i64()?);
        cbor::key(d, 2)?;
        let programme = ProgrammeId(d.u32()?);
        cbor::key(d, 3)?;
        Ok(Self { paid, programme, earned: d.u32()? })
    }
}

/// Points given for goods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Redemption {
    /// Of which programme.
    pub programme: ProgrammeId,
    /// Above zero; the service refuses anything else.
    pub points: u32,
}

impl Redemption {
    pub(crate) fn encode<W: Write>(self, e: &mut Encoder<W>) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.map(2)?.u8(1)?.u32(self.programme.0)?.u8(2)?.u32(self.points)?;
        Ok(())
    }

    pub(crate) fn decode(d: &mut Decoder<'_>) -> Result<Self, EnvelopeError> {
        cbor::map(d, 2)?;
        cbor::key(d, 1)?;
        let programme = ProgrammeId(d.u32()?);
        cbor::key(d, 2)?;
        Ok(Self { programme, points: d.u32()? })
    }
}

/// An award or a redemption is undone, all of it. What a payment has done to points goes back with the payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undo {
    /// The award or the redemption.
    pub original: Original,
}

impl Undo {
    pub(crate) fn encode<W: Write>(self, e: &mut Encoder<W>) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.map(2)?.u8(1)?.bytes(&self.original.tap.0)?.u8(2)?.i64(self.original.at.0)?;
        Ok(())
    }

    pub(crate) fn decode(d: &mut Decoder<'_>) -> Result<Self, EnvelopeError> {
        cbor::map(d, 2)?;
        cbor::key(d, 1)?;
        let tap = TapId(cbor::bytes(d)?);
        cbor::key(d, 2)?;
        Ok(Self { original: Original { tap, at: Micros(d.i64()?) } })
    }
}
