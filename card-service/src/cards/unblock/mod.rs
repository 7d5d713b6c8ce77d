//! Unblocking a PIN: with the holder at the desk, the card gets a PIN that the holder chooses at the reader.
//!
//! It takes the card's PUK, which goes to the reader once and is replaced at once (`journal`). Whether the person at the
//! desk is the holder is for the page that starts it. As in an issuance, the daemon only carries steps out.

mod journal;
mod run;
pub mod store;
#[cfg(test)]
mod tests;

pub use journal::{Failure, Journal, STEPS_EXPECTED, Want};
pub use run::{Look, current_step, end, give_up, look, may_unblock, observe, resume, start};
