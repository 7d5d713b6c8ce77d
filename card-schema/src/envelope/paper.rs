//! What the square code on a printed paper says: which paper it is, until when it is valid, and to whom it was given, told
//! only to somebody who has the paper (`crate::paper`). What says nothing of anybody is `pass`.

use minicbor::{Decoder, Encoder, encode::Write};

use super::{EnvelopeError, Payload, Purpose, cbor, pass::Pass};
use crate::{date::Date, ids::PaperNumber};

/// The version of the payload that this program writes and reads.
const VERSION: u8 = 1;

/// What is printed for a holder. The number 3 is a visitor's pass ([`Pass`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PaperKind {
    /// 居住登记凭证: that somebody's residence is registered.
    Certificate = 1,
    /// 居住证 on paper: what a residence permit says.
    Permit = 2,
}

impl PaperKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Certificate, Self::Permit];

    /// The number in signed bytes.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The kind of a number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }

    /// The name in JSON, in forms and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::Permit => "permit",
        }
    }

    /// The kind of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A printed paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paper {
    /// What it is.
    pub kind: PaperKind,
    /// Its number.
    pub number: PaperNumber,
    /// The last day on which it is valid.
    pub valid_until: Date,
    /// What the name, the document number and the check code on it come to: [`crate::paper::Named::binding`].
    pub binding: [u8; 16],
}

/// Whatever a square code may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Printed {
    /// A paper of a holder's.
    Paper(Paper),
    /// A visitor's pass, which is whoever's has it.
    Pass(Pass),
}

impl Printed {
    /// Its number.
    pub const fn number(&self) -> PaperNumber {
        match self {
            Self::Paper(paper) => paper.number,
            Self::Pass(pass) => pass.number,
        }
    }
}

impl Payload for Printed {
    const PURPOSE: Purpose = Purpose::Paper;
    const MAX_BYTES: usize = 256;

    fn encode<W: Write>(&self, e: &mut Encoder<W>) -> Result<(), minicbor::encode::Error<W::Error>> {
        match self {
            Self::Paper(paper) => paper.encode(e),
            Self::Pass(pass) => pass.encode(e),
        }
    }

    fn decode(d: &mut Decoder<'_>) -> Result<Self, EnvelopeError> {
        // They differ in how much they say.
        match d.probe().map()? {
            Some(6) => Pass::decode(d).map(Self::Pass),
            _ => Paper::decode(d).map(Self::Paper),
        }
    }
}

impl Payload for Paper {
    const PURPOSE: Purpose = Purpose::Paper;
    const MAX_BYTES: usize = 256;

    fn encode<W: Write>(&self, e: &mut Encoder<W>) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.map(5)?.u8(1)?.u8(VERSION)?;
        e.u8(2)?.u8(self.kind.number())?;
        e.u8(3)?.bytes(&self.number.0)?;
        e.u8(4)?.i64(self.valid_until.days())?;
        e.u8(5)?.bytes(&self.binding)?;
        Ok(())
    }

    fn decode(d: &mut Decoder<'_>) -> Result<Self, EnvelopeError> {
        cbor::map(d, 5)?;
        cbor::version(d, VERSION)?;
        cbor::key(d, 2)?;
        let kind = PaperKind::from_number(d.u8()?).ok_or(EnvelopeError::UnknownValue("kind of paper"))?;
        cbor::key(d, 3)?;
        let number = PaperNumber(cbor::bytes(d)?);
        cbor::key(d, 4)?;
        let valid_until = Date::from_days(d.i64()?).ok_or(EnvelopeError::UnknownValue("day"))?;
        cbor::key(d, 5)?;
        Ok(Self { kind, number, valid_until, binding: cbor::bytes(d)? })
    }
}
