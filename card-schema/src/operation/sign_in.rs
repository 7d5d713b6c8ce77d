//! Signing in with a card and its PIN. Opens no session by itself: whoever set the challenge decides.

use minicbor::{Decoder, Encoder, encode::Write};

use crate::envelope::{EnvelopeError, cbor};

/// The longest audience, in bytes of UTF-8.
pub const MAX_AUDIENCE_BYTES: usize = 255;

/// The card answers a challenge for one audience, so that an answer cannot be carried to another site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// The origin that asked, e.g. `https://console.example`; at most [`MAX_AUDIENCE_BYTES`].
    pub audience: String,
    /// What the audience wants signed, made fresh for this sign-in.
    pub challenge: [u8; 32],
}

impl SignIn {
    pub(crate) fn encode<W: Write>(&self, e: &mut Encoder<W>) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.map(2)?.u8(1)?.str(&self.audience)?.u8(2)?.bytes(&self.challenge)?;
        Ok(())
    }

    pub(crate) fn decode(d: &mut Decoder<'_>) -> Result<Self, EnvelopeError> {
        cbor::map(d, 2)?;
        cbor::key(d, 1)?;
        let audience = d.str()?;
        if audience.len() > MAX_AUDIENCE_BYTES {
            return Err(EnvelopeError::TooLong("audience"));
        }
        cbor::key(d, 2)?;
        Ok(Self { audience: audience.to_owned(), challenge: cbor::bytes(d)? })
    }
}
