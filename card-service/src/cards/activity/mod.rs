//! Card activity as staff see it: the newest taps of all cards or of one, never a holder's name, never a gate's question.
//!
//! Each look states a purpose and leaves a leaf. Not here: pages (`console`), the taps themselves (`intake`).

pub mod api;
pub mod model;
pub mod store;
#[cfg(test)]
mod tests;

pub use model::{ActivityPurpose, Place};
