//! What members of staff did with a card, and what became of its chip when it came back.

pub mod model;
pub mod store;
