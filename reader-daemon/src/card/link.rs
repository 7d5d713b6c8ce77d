//! What a link to one card is, and the ways it fails. Holds no implementation.

use std::time::{Duration, Instant};

use super::apdu::ProtocolError;

/// A card in an exclusive transaction: nobody else's APDU comes between two of ours while the value lives.
pub trait Link {
    /// Sends one command APDU and answers the card's whole response, status word included.
    ///
    /// Implementations check nothing of the answer beyond its transport; [`super::channel::Channel`] does.
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError>;

    /// The card accepted a secret: the link ends by resetting the card, so that whoever comes next must ask again.
    fn reset_at_end(&mut self) {}
}

impl<L: Link + ?Sized> Link for &mut L {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        (**self).transmit(command)
    }

    fn reset_at_end(&mut self) {
        (**self).reset_at_end();
    }
}

/// Until when an operation may send commands.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    /// The moment.
    pub at: Instant,
    /// How long the operation was given, for the error.
    pub allowed: Duration,
}

impl Deadline {
    /// This long from now.
    pub fn within(allowed: Duration) -> Self {
        Self { at: Instant::now() + allowed, allowed }
    }

    /// Whether it has passed.
    pub fn is_over(&self) -> bool {
        Instant::now() >= self.at
    }

    /// The error of an operation that did not make it.
    pub fn timeout(&self) -> LinkError {
        LinkError::Timeout { allowed: self.allowed }
    }
}

/// Why an exchange with a card did not happen. None of these says anything about PIN or keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The PC/SC service is not running, or went away during the operation.
    #[error("the smart card service is not running")]
    ServiceDown,
    /// There is no reader of this name, or it was unplugged.
    #[error("the reader is gone")]
    ReaderGone,
    /// The reader is there, no card is in it.
    #[error("no card in the reader")]
    NoCard,
    /// The card was taken out during the operation, or swapped for another.
    #[error("the card was removed")]
    Removed,
    /// Another program reset the card during the operation: what was authenticated is lost.
    #[error("the card was reset by another program")]
    Reset,
    /// Another program holds the card for itself alone.
    #[error("another program is using the card")]
    Busy,
    /// The card does not answer to power: upside down, broken, or no chip card.
    #[error("the card does not answer")]
    Mute,
    /// The operation took longer than it was given. The card may have executed the last command.
    #[error("the card did not answer within {} ms", .allowed.as_millis())]
    Timeout {
        /// The time the operation was given.
        allowed: Duration,
    },
    /// The card's answer breaks ISO/IEC 7816-4.
    #[error("the card's answer is malformed: {0}")]
    Protocol(#[from] ProtocolError),
    /// Anything else that PC/SC reported.
    #[error("PC/SC failed to {operation}: {name} ({code:#010x})")]
    Pcsc {
        /// What was being done, as a verb phrase.
        operation: &'static str,
        /// The library's name of the error.
        name: String,
        /// The PC/SC return code.
        code: u32,
    },
}
