//! One command in, its whole answer out: chaining, GET RESPONSE (61xx), corrected length (6Cxx), all bounded.
//!
//! Counts what it costs and keeps a trace when asked. Judges no status word beyond those that steer transport.

use std::time::Instant;

use zeroize::Zeroizing;

use super::apdu::{Answer, Command, Lengths, ProtocolError, StatusWord, Visibility, ins, split_response};
use super::link::{Link, LinkError};
use super::trace::{Exchanged, Usage};

/// A link with counting, tracing and the transport rules of ISO/IEC 7816-4.
#[derive(Debug)]
pub struct Channel<L> {
    link: L,
    lengths: Lengths,
    usage: Usage,
    trace: Option<Vec<Exchanged>>,
}

impl<L: Link> Channel<L> {
    /// A channel that writes short lengths and keeps no trace.
    pub fn new(link: L) -> Self {
        Self { link, lengths: Lengths::Short, usage: Usage::default(), trace: None }
    }

    /// Uses extended lengths from now on, for a card that is known to take them.
    pub fn use_lengths(&mut self, lengths: Lengths) {
        self.lengths = lengths;
    }

    /// Keeps a trace from now on.
    pub fn keep_trace(&mut self) {
        self.trace.get_or_insert_default();
    }

    /// The trace so far; empty unless [`Self::keep_trace`] was called.
    pub fn trace(&self) -> &[Exchanged] {
        self.trace.as_deref().unwrap_or_default()
    }

    /// What was exchanged so far.
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// Sends a command and answers the card's whole answer, of at most `answer_max` data bytes.
    ///
    /// # Errors
    /// [`LinkError`] from the link, or [`LinkError::Protocol`] when the card's lengths lie. A status word other than
    /// 9000 is no error here.
    pub fn exchange(&mut self, command: &Command, answer_max: usize) -> Result<Answer, LinkError> {
        let visibility = command.visibility();
        let blocks = command.blocks(self.lengths)?;
        let (last, chained) = blocks.split_last().expect("a command has at least one block");
        for block in chained {
            let (_, status) = self.send(block, visibility)?;
            if !status.is_ok() {
                // The card refused the chain; the rest would be taken for another command.
                return Ok(Answer { data: Vec::new(), status });
            }
        }
        let (mut data, mut status) = self.send_corrected(last, visibility)?;
        let follow_up = Visibility { command: true, answer: visibility.answer };
        while status.sw1() == 0x61 {
            if data.len() > answer_max {
                break;
            }
            let get_response = [0x00, ins::GET_RESPONSE, 0x00, 0x00, status.sw2()];
            let (more, next) = self.send_corrected(&get_response, follow_up)?;
            if more.is_empty() && next.sw1() == 0x61 {
                return Err(ProtocolError::NoProgress.into());
            }
            data.extend_from_slice(&more);
            status = next;
        }
        if data.len() > answer_max {
            return Err(ProtocolError::AnswerTooLong { most: answer_max }.into());
        }
        if status.is_ok() && command.authenticates() {
            self.link.reset_at_end();
        }
        Ok(Answer { data, status })
    }

    /// Sends an APDU exactly as it is and answers the response as it came; for diagnosis.
    ///
    /// # Errors
    /// As [`Self::exchange`].
    pub fn exchange_raw(&mut self, apdu: &[u8]) -> Result<Answer, LinkError> {
        // What was typed may be VERIFY or anything else that leaves the card unlocked.
        self.link.reset_at_end();
        let (data, status) = self.send(apdu, Visibility::of_raw(apdu))?;
        Ok(Answer { data, status })
    }

    /// One APDU; on 6Cxx once more with the length the card names (ISO/IEC 7816-4, 5.6).
    fn send_corrected(&mut self, apdu: &[u8], visibility: Visibility) -> Result<(Vec<u8>, StatusWord), LinkError> {
        let (data, status) = self.send(apdu, visibility)?;
        if status.sw1() != 0x6C {
            return Ok((data, status));
        }
        let corrected = with_expected_length(apdu, status.sw2());
        let (data, status) = self.send(&corrected, visibility)?;
        if status.sw1() == 0x6C {
            return Err(ProtocolError::LengthCorrectedTwice.into());
        }
        Ok((data, status))
    }

    fn send(&mut self, apdu: &[u8], visibility: Visibility) -> Result<(Vec<u8>, StatusWord), LinkError> {
        let started = Instant::now();
        let result = self.link.transmit(apdu);
        let took = started.elapsed();
        let response = result.as_deref().unwrap_or_default();
        self.usage.add(apdu, response, took);
        if let Some(trace) = &mut self.trace {
            let mut record = Exchanged::new(apdu, response, visibility, took);
            if let Err(error) = &result {
                record.received = error.to_string();
            }
            trace.push(record);
        }
        let response = result?;
        let (data, status) = split_response(&response, self.lengths.answer_max())?;
        Ok((data.to_vec(), status))
    }
}

/// The same APDU with another expected length: in place of the one it had, appended when it had none.
fn with_expected_length(apdu: &[u8], length: u8) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(apdu.to_vec());
    match apdu {
        // Extended: two length bytes after a zero, two bytes of expected length.
        [_, _, _, _, 0, high, low, rest @ ..] => {
            let data = usize::from(u16::from_be_bytes([*high, *low]));
            bytes.truncate(7 + data.min(rest.len()));
            bytes.push(0);
        }
        [_, _, _, _, data, rest @ ..] if !rest.is_empty() => bytes.truncate(5 + usize::from(*data).min(rest.len())),
        _ => bytes.truncate(4),
    }
    bytes.push(length);
    bytes
}

#[cfg(test)]
mod tests;
