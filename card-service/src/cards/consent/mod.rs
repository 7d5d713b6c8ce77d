//! The holder's consent that makes a card active: which text was sent for which card, and what a signed agreement is worth.
//!
//! Not here: the texts (`crate::consent`), when a holder is asked (`issuance`), how the tap that agrees comes in (`intake`),
//! what is agreed to on paper (`domains::residence::agreement`).

pub mod model;
pub mod store;
