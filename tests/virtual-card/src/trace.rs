//! What crossed a slot, with the secrets cut out.
//! Holds no transport; the slot records here what it was asked and what it answered.

use std::collections::VecDeque;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

/// APDUs kept for each slot; older ones are forgotten first.
const KEPT_APDUS: usize = 20_000;

/// Bytes of a command that are never secret: class, instruction, P1, P2 and Lc.
const HEADER_BYTES: usize = 5;

/// One APDU and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TracedApdu {
    /// Counts the APDUs of the slot from 1, over all insertions.
    pub number: u64,
    /// Counts the insertions of the slot from 1.
    pub insertion: u64,
    /// The command in hexadecimal; of commands that carry a PIN, PUK or management key, the header only.
    pub command: String,
    /// Bytes that were cut from the command.
    pub redacted_bytes: usize,
    /// The response's data in hexadecimal.
    pub response: String,
    /// The status word.
    pub status: u16,
    /// Whether the answer went out; not so for a card torn after the APDU.
    pub answered: bool,
    /// Time in the card, in microseconds.
    pub micros: u64,
}

/// The newest APDUs of a slot.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    kept: VecDeque<TracedApdu>,
    count: u64,
}

impl Trace {
    pub(crate) fn record(&mut self, insertion: u64, command: &[u8], response: &[u8], answered: bool, micros: u64) {
        self.count += 1;
        let shown = shown(command);
        let (data, status) = match response.split_last_chunk::<2>() {
            Some((data, status)) => (data, u16::from_be_bytes(*status)),
            None => (response, 0),
        };
        if self.kept.len() == KEPT_APDUS {
            self.kept.pop_front();
        }
        self.kept.push_back(TracedApdu {
            number: self.count,
            insertion,
            command: hex(shown),
            redacted_bytes: command.len() - shown.len(),
            response: hex(data),
            status,
            answered,
            micros,
        });
    }

    /// The kept APDUs whose number is above `after`.
    pub(crate) fn since(&self, after: u64) -> Vec<TracedApdu> {
        self.kept.iter().filter(|apdu| apdu.number > after).cloned().collect()
    }
}

/// The part of a command that may be shown: VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER, SET MANAGEMENT KEY
/// and IMPORT ASYMMETRIC KEY lose their bodies.
fn shown(command: &[u8]) -> &[u8] {
    let secret = matches!(command.get(1), Some(0x20 | 0x24 | 0x2C | 0xFF | 0xFE));
    if secret && command.len() > HEADER_BYTES { &command[..HEADER_BYTES] } else { command }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02X}").expect("writing to a string does not fail");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_that_carry_a_secret_are_shown_without_it() {
        for (instruction, secret) in [
            (0x20, true),
            (0x24, true),
            (0x2C, true),
            (0xFF, true),
            (0xFE, true),
            (0xCB, false),
            (0x87, false),
            (0xDB, false),
        ] {
            let mut trace = Trace::default();
            let command = [0x00, instruction, 0x00, 0x80, 0x02, 0x31, 0x32];
            trace.record(1, &command, &[0x63, 0xC2], true, 7);
            let seen = &trace.since(0)[0];
            assert_eq!(seen.command.ends_with("3132"), !secret, "{instruction:02X}");
            assert_eq!(seen.redacted_bytes, if secret { 2 } else { 0 });
            assert_eq!(seen.status, 0x63C2);
        }
    }

    #[test]
    fn a_part_of_a_chained_secret_is_cut_too() {
        let mut trace = Trace::default();
        trace.record(1, &[0x10, 0x24, 0x00, 0x80, 0x01, 0x31], &[0x90, 0x00], true, 1);
        assert_eq!(trace.since(0)[0].command, "1024008001");
    }
}
