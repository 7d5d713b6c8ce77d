//! What a chip card, the terminals that read it and the service behind them agree on: identifiers,
//! money, what is on the chip, the operations a card may sign, and the bytes that are signed.
//!
//! Holds no I/O, no clock and no randomness: those are the callers'. Depends on nothing of ours.

pub mod card;
pub mod clock;
pub mod coverage;
pub mod date;
pub mod document;
pub mod envelope;
pub mod gate;
pub mod ids;
pub mod money;
pub mod month;
pub mod operation;
pub mod paper;
pub mod points;
#[cfg(feature = "qr")]
pub mod qr;
pub mod rate;
pub mod wire;
