//! Card activity as staff see it: the newest taps of all cards or of one, never a holder's name, never a gate's question.
//!
//! Each look states a purpose and leaves a leaf. Whoever holds a receipt sees that one tap, and that the log has it. Not here:
//! the pages of staff (`console`), the taps themselves (`intake`).

pub mod api;
pub mod model;
pub mod pages;
pub mod store;
#[cfg(test)]
mod tests;

pub use model::{ActivityPurpose, Place};
