//! Taps on their way from a terminal to the service.

use minicbor::{Decoder, Encoder, encode::Write};

use super::{EnvelopeError, Payload, Purpose, cbor, tap::Tap};
use crate::{clock::Micros, ids::TerminalId};

/// The version of the payload that this program writes and reads.
const VERSION: u8 = 1;

/// The most taps that one batch may carry.
pub const MAX_TAPS: usize = 256;

/// Signed taps, in the order in which the terminal stored them. Each is an envelope of its own and is decoded by
/// itself, so that a bad one does not spoil its neighbours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The terminal that signs the batch.
    pub terminal: TerminalId,
    /// The terminal's clock when it made the batch.
    pub at: Micros,
    /// The envelopes, at most [`MAX_TAPS`], each at most [`Tap::MAX_BYTES`].
    pub taps: Vec<Vec<u8>>,
}

impl Payload for Batch {
    const PURPOSE: Purpose = Purpose::Batch;
    const MAX_BYTES: usize = MAX_TAPS * (Tap::MAX_BYTES + 3) + 256;

    fn encode<W: Write>(&self, e: &mut Encoder<W>) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.map(4)?.u8(1)?.u8(VERSION)?;
        e.u8(2)?.bytes(self.terminal.as_bytes())?;
        e.u8(3)?.i64(self.at.0)?;
        e.u8(4)?.array(self.taps.len() as u64)?;
        for tap in &self.taps {
            e.bytes(tap)?;
        }
        Ok(())
    }

    fn decode(d: &mut Decoder<'_>) -> Result<Self, EnvelopeError> {
        cbor::map(d, 4)?;
        cbor::version(d, VERSION)?;
        cbor::key(d, 2)?;
        let terminal = TerminalId::from_bytes(cbor::bytes(d)?);
        cbor::key(d, 3)?;
        let at = Micros(d.i64()?);
        cbor::key(d, 4)?;
        let count = cbor::array(d, MAX_TAPS, "list of taps")?;
        let taps = (0..count)
            .map(|_| match d.bytes()? {
                tap if tap.len() <= Tap::MAX_BYTES => Ok(tap.to_vec()),
                _ => Err(EnvelopeError::TooLong("tap")),
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { terminal, at, taps })
    }
}
