//! The holder's consent at the end of registration. The text consented to is not here, only its hash.

use minicbor::{Decoder, Encoder, encode::Write};

use crate::envelope::{EnvelopeError, cbor};

/// The holder takes the card and agrees to the text that was shown, by PIN and approval key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consent {
    /// SHA-256 of the UTF-8 text that the holder was shown and agreed to.
    pub text: [u8; 32],
}

impl Consent {
    pub(crate) fn encode<W: Write>(self, e: &mut Encoder<W>) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.map(1)?.u8(1)?.bytes(&self.text)?;
        Ok(())
    }

    pub(crate) fn decode(d: &mut Decoder<'_>) -> Result<Self, EnvelopeError> {
        cbor::map(d, 1)?;
        cbor::key(d, 1)?;
        Ok(Self { text: cbor::bytes(d)? })
    }
}
