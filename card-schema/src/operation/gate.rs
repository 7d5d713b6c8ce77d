//! A gate's question. It carries nothing: which gate asks is the terminal, and the answer is yes or no.

use minicbor::{Decoder, Encoder, encode::Write};

use crate::envelope::{EnvelopeError, cbor};

/// May this card pass here, now?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check;

impl Check {
    pub(crate) fn encode<W: Write>(e: &mut Encoder<W>) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.map(0)?;
        Ok(())
    }

    pub(crate) fn decode(d: &mut Decoder<'_>) -> Result<Self, EnvelopeError> {
        cbor::map(d, 0)?;
        Ok(Self)
    }
}
