//! Issuing a card: a journal that decides each next step from what was seen, and the steps' content.
//!
//! `journal` is pure and knows no secret; `management` holds the ciphers and each card's own secrets, `objects` and
//! `security` what is written on the chip; `steps` fills them in; `store` keeps the journal between two steps; `run` ties
//! them together for one observation. The reader daemon only carries steps out.

pub mod api;
pub mod journal;
pub mod management;
pub mod objects;
mod run;
pub mod security;
#[cfg(test)]
mod simulation;
mod steps;
pub mod store;
#[cfg(test)]
mod tests;

pub use run::{current_step, give_up, observe, resume, start};
