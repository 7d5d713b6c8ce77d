//! Where taps come in: bytes are checked, signatures verified, each tap decided once, everything that follows from it
//! written in one transaction, and the terminal answered with a signed receipt.
//!
//! `api` takes a batch, `verify` finds out who signed, `writer` collects batches, `answer` has them written and answers,
//! `group` gives each tap its place and `part` writes those that lie together, `decide` and `lane` are the pure middle;
//! `submission` is what goes from one to the next, `memory` what need not be read again; `quarantine` what is held until a person
//! has looked; `suspicion` terminals at which counts look wrong. Not here: what an operation does (`domains`), who terminals and
//! cards are (`terminals`, `cards`).

#[cfg(not(feature = "planted-early-acknowledgement"))]
mod answer;
#[cfg(feature = "planted-early-acknowledgement")]
#[path = "planted_early_acknowledgement.rs"]
mod answer;
pub mod api;
mod decide;
mod group;
mod lane;
mod memory;
mod part;
pub mod quarantine;
mod store;
mod submission;
pub mod suspicion;
#[cfg(test)]
mod tests;
pub mod verify;
mod writer;

pub use api::{Intake, TerminalIdentity};
pub use quarantine::store::{SETTLED, moving};
pub use store::kept;
pub use submission::{Policy, Submission, SubmitError};
pub use writer::{Place, QUEUED_BATCHES, Writer};
