//! The card side: a link to one card, who watches the readers, and APDUs. Knows nothing of PIV.
//!
//! From the bottom up: [`link`] says what can go wrong between us and a card, `pcsc` is the only file that knows
//! the PC/SC library, [`readers`] gives each reader a thread of its own, [`monitor`] tells what comes and goes,
//! [`apdu`] is the bytes, [`channel`] exchanges a command for its whole answer, [`trace`] counts and shows it,
//! [`apdu_trace`] writes down that it happened.

pub mod apdu;
pub mod apdu_trace;
pub mod channel;
pub mod link;
pub mod monitor;
pub mod pcsc;
pub mod readers;
pub mod trace;

#[cfg(test)]
pub(crate) mod scripted;
