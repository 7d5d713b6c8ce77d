//! Everything that is signed: `COSE_Sign1` (RFC 9052) with ES256 over deterministic CBOR (RFC 8949 §4.2.1).
//!
//! A payload becomes bytes in two steps: [`ToBeSigned::new`] gives what must be hashed and signed, by a card or by a
//! key file; [`ToBeSigned::sign`] joins the signature to it. [`Envelope::decode`] goes back, and refuses whatever it
//! would not have written itself: it encodes what it has read and compares. Decoding proves nothing about who signed:
//! that is [`Envelope::verify`].
//!
//! The status list follows the IETF Token Status List instead: [`status_list`]. Not here: the log's checkpoints,
//! which are C2SP signed notes.

pub mod batch;
pub(crate) mod cbor;
mod cose;
mod error;
pub mod fares;
pub mod gate;
mod key;
pub mod paper;
pub mod pass;
pub mod receipt;
pub mod status_list;
pub mod tap;
#[cfg(test)]
mod tests;

pub use self::{
    cose::{Envelope, Kid, Payload, Purpose, ToBeSigned},
    error::EnvelopeError,
    key::{PublicKey, Signature},
};
