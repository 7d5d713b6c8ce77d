//! What the square code on a visitor's pass says: at which site its bearer may pass, and from when until when. It names nobody:
//! whoever has the paper is let in.

use minicbor::{Decoder, Encoder, encode::Write};

use super::{EnvelopeError, Payload, Purpose, cbor};
use crate::{
    clock::Micros,
    ids::{PaperNumber, SiteId},
};

/// The version of the payload that this program writes and reads.
const VERSION: u8 = 1;
/// Its number among the kinds of papers: after those of [`super::paper::PaperKind`].
const KIND: u8 = 3;

/// A visitor's pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pass {
    /// Its number.
    pub number: PaperNumber,
    /// Where it is good.
    pub site: SiteId,
    /// From when on it is good.
    pub from: Micros,
    /// From when on it is good no more.
    pub until: Micros,
}

impl Pass {
    /// Its name among the kinds of papers, in JSON.
    pub const KIND_NAME: &str = "gate_pass";

    /// Whether it is good at a moment, unless somebody has withdrawn it.
    pub fn is_good_at(&self, at: Micros) -> bool {
        (self.from..self.until).contains(&at)
    }
}

impl Payload for Pass {
    const PURPOSE: Purpose = Purpose::Paper;
    const MAX_BYTES: usize = 256;

    fn encode<W: Write>(&self, e: &mut Encoder<W>) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.map(6)?.u8(1)?.u8(VERSION)?;
        e.u8(2)?.u8(KIND)?;
        e.u8(3)?.bytes(&self.number.0)?;
        e.u8(4)?.bytes(self.site.as_bytes())?;
        e.u8(5)?.i64(self.from.0)?;
        e.u8(6)?.i64(self.until.0)?;
        Ok(())
    }

    fn decode(d: &mut Decoder<'_>) -> Result<Self, EnvelopeError> {
        cbor::map(d, 6)?;
        cbor::version(d, VERSION)?;
        cbor::key(d, 2)?;
        if d.u8()? != KIND {
            return Err(EnvelopeError::UnknownValue("kind of paper"));
        }
        cbor::key(d, 3)?;
        let number = PaperNumber(cbor::bytes(d)?);
        cbor::key(d, 4)?;
        let site = SiteId::from_bytes(cbor::bytes(d)?);
        cbor::key(d, 5)?;
        let from = Micros(d.i64()?);
        cbor::key(d, 6)?;
        Ok(Self { number, site, from, until: Micros(d.i64()?) })
    }
}
