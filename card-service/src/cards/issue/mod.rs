//! Issuing a card: a journal that decides each next step from what was seen, and the steps' content.
//!
//! `journal` is pure and knows no secret; `steps` fills in secrets, certificates and objects; `store` keeps the journal
//! between two steps; `run` ties them together for one observation. The reader daemon only carries steps out.

pub mod api;
pub mod journal;
pub mod management;
pub mod objects;
mod run;
pub mod security;

mod steps;
pub mod store;

pub use run::{CONSENT_TEXT, consent_text_hash, current_step, observe, start};
