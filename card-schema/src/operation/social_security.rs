//! Social security: what a holder says of their own months.

use minicbor::{Decoder, Encoder, encode::Write};

use crate::{
    date::Date,
    envelope::{EnvelopeError, cbor},
    ids::OrganisationId,
    month::Month,
};

/// The holder says that a month is not as it should be: not declared, not paid, or not what was earned. The bureau answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dispute {
    /// The month.
    pub month: Month,
    /// The employer who had to see to it.
    pub employer: OrganisationId,
}

impl Dispute {
    pub(crate) fn encode<W: Write>(self, e: &mut Encoder<W>) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.map(2)?.u8(1)?.i64(self.month.first().days())?.u8(2)?.bytes(self.employer.as_bytes())?;
        Ok(())
    }

    pub(crate) fn decode(d: &mut Decoder<'_>) -> Result<Self, EnvelopeError> {
        cbor::map(d, 2)?;
        cbor::key(d, 1)?;
        let first = Date::from_days(d.i64()?).ok_or(EnvelopeError::UnknownValue("month"))?;
        let month = Month::of(first);
        // One month is written in one way.
        if month.first() != first {
            return Err(EnvelopeError::UnknownValue("month"));
        }
        cbor::key(d, 2)?;
        Ok(Self { month, employer: OrganisationId::from_bytes(cbor::bytes(d)?) })
    }
}
