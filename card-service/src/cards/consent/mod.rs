//! The holder's consent that makes a card active: the texts, which of them was sent for which card, and what a signed
//! agreement is worth.
//!
//! Not here: when a holder is asked (`issuance`), how the tap that agrees comes in (`intake`).

pub mod model;
pub mod store;

pub use model::Text;
