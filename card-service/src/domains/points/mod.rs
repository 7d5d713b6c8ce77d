//! Points of merchants' programmes: earned with a purchase, given for goods or money off, taken back by refunds, and gone
//! when their time is over.
//!
//! Points lie in the ledger, in a unit of their own for each programme. Not here: what terminals promise (`card_schema::points`),
//! money (`purse`).

pub mod expiry;
pub mod model;
pub mod pages;
mod rules;
pub mod store;
#[cfg(test)]
mod tests;
mod view;

pub use model::{Earned, Lots, Programmes};
pub use rules::{Back, Points, Standing, are_concerned, back, lots_needed, programme, shown};
