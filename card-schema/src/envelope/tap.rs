//! One tap: what a card (or a terminal on its own) signs.

use minicbor::{Decoder, Encoder, encode::Write};

use super::{EnvelopeError, Payload, Purpose, cbor};
use crate::{
    clock::Micros,
    ids::{CardId, TapId, TerminalId},
    operation::{Operation, OperationCode},
};

/// The version of the payload that this program writes and reads.
const VERSION: u8 = 1;

/// A size and root of the log, so that two histories of one log cannot both be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogHead {
    /// Leaves in the tree.
    pub size: u64,
    /// RFC 9162 §2.1.1 root of that tree.
    pub root: [u8; 32],
}

impl LogHead {
    pub(super) fn encode<W: Write>(
        head: Option<&Self>,
        e: &mut Encoder<W>,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        match head {
            Some(head) => e.array(2)?.u64(head.size)?.bytes(&head.root)?,
            None => e.null()?,
        };
        Ok(())
    }

    pub(super) fn decode(d: &mut Decoder<'_>) -> Result<Option<Self>, EnvelopeError> {
        cbor::optional(d, |d| {
            if cbor::array(d, 2, "log head")? != 2 {
                return Err(EnvelopeError::Malformed("a log head has a size and a root".to_owned()));
            }
            Ok(Self { size: d.u64()?, root: cbor::bytes(d)? })
        })
    }
}

/// One operation at one terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tap {
    /// The card, or nothing for what a terminal says on its own.
    pub card: Option<CardId>,
    /// The terminal.
    pub terminal: TerminalId,
    /// The reader lane at that terminal; each has its own counter and chain.
    pub lane: u8,
    /// Counts up by one in its lane from 1 and is never used twice.
    pub counter: u64,
    /// The tap before this one in the lane, [`TapId::NONE`] for the first.
    pub previous: TapId,
    /// 128 random bits.
    pub nonce: [u8; 16],
    /// The terminal's clock, which the service does not trust.
    pub at: Micros,
    /// The newest log head that the terminal has seen.
    pub log_head: Option<LogHead>,
    /// The version of the status list that the terminal decided with, 0 if it had none.
    pub status_version: u64,
    /// What is asked.
    pub operation: Operation,
}

impl Payload for Tap {
    const PURPOSE: Purpose = Purpose::Tap;
    const MAX_BYTES: usize = 1024;

    fn encode<W: Write>(&self, e: &mut Encoder<W>) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.map(12)?.u8(1)?.u8(VERSION)?;
        e.u8(2)?.u16(self.operation.code().number())?;
        e.u8(3)?;
        match &self.card {
            Some(card) => e.bytes(card.as_bytes())?,
            None => e.null()?,
        };
        e.u8(4)?.bytes(self.terminal.as_bytes())?;
        e.u8(5)?.u8(self.lane)?;
        e.u8(6)?.u64(self.counter)?;
        e.u8(7)?.bytes(&self.previous.0)?;
        e.u8(8)?.bytes(&self.nonce)?;
        e.u8(9)?.i64(self.at.0)?;
        e.u8(10)?;
        LogHead::encode(self.log_head.as_ref(), e)?;
        e.u8(11)?.u64(self.status_version)?;
        e.u8(12)?;
        self.operation.encode(e)
    }

    fn decode(d: &mut Decoder<'_>) -> Result<Self, EnvelopeError> {
        cbor::map(d, 12)?;
        cbor::version(d, VERSION)?;
        cbor::key(d, 2)?;
        let code = OperationCode::from_number(d.u16()?).ok_or(EnvelopeError::UnknownValue("operation"))?;
        cbor::key(d, 3)?;
        let card = cbor::optional(d, cbor::bytes)?.map(CardId::from_bytes);
        cbor::key(d, 4)?;
        let terminal = TerminalId::from_bytes(cbor::bytes(d)?);
        cbor::key(d, 5)?;
        let lane = d.u8()?;
        cbor::key(d, 6)?;
        let counter = d.u64()?;
        cbor::key(d, 7)?;
        let previous = TapId(cbor::bytes(d)?);
        cbor::key(d, 8)?;
        let nonce = cbor::bytes(d)?;
        cbor::key(d, 9)?;
        let at = Micros(d.i64()?);
        cbor::key(d, 10)?;
        let log_head = LogHead::decode(d)?;
        cbor::key(d, 11)?;
        let status_version = d.u64()?;
        cbor::key(d, 12)?;
        let operation = Operation::decode(code, d)?;
        Ok(Self { card, terminal, lane, counter, previous, nonce, at, log_head, status_version, operation })
    }
}
