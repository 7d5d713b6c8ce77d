//! One tap, a straight line: [`identify`] the card, [`authorise`] the operation, [`sign`] it, store it. Only then may
//! anyone say "accepted".
//!
//! Knows a card (through [`crate::piv::PivCard`]) and the outbox; knows no PC/SC, no HTTP and no service.

pub mod authorise;
pub mod certificate;
mod error;
pub mod gate;
pub mod identify;
mod knowledge;
mod line;
pub mod offline;
pub mod pass;
pub mod points;
pub mod sign;
#[cfg(test)]
pub(crate) mod tests;
pub mod validation;

pub use self::{
    authorise::Refused,
    error::TapError,
    knowledge::{Knowledge, Shared},
    line::{Ask, Line, Taken},
};
