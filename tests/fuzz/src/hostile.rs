//! A card that answers whatever the fuzzer says, and is pulled out when the fuzzer has nothing more to say.

use reader_daemon::card::link::{Link, LinkError};

/// The answers, each behind its length: one byte, or `FF` and two bytes.
#[derive(Debug)]
pub(crate) struct HostileCard<'a> {
    rest: &'a [u8],
    /// Commands that the card was sent. A daemon that goes on for ever with a lying card is a defect, too.
    sent: usize,
}

/// More commands than any honest dialogue of one operation needs.
const MOST_COMMANDS: usize = 10_000;

impl<'a> HostileCard<'a> {
    pub(crate) fn new(answers: &'a [u8]) -> Self {
        Self { rest: answers, sent: 0 }
    }
}

impl Link for HostileCard<'_> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        assert!(command.len() >= 4, "a command without a header");
        self.sent += 1;
        assert!(self.sent <= MOST_COMMANDS, "the daemon does not stop");
        let (length, rest) = match self.rest {
            [0xFF, high, low, rest @ ..] => (usize::from(u16::from_be_bytes([*high, *low])), rest),
            [length, rest @ ..] => (usize::from(*length), rest),
            [] => return Err(LinkError::Removed),
        };
        let (answer, rest) = rest.split_at(length.min(rest.len()));
        self.rest = rest;
        Ok(answer.to_vec())
    }
}
