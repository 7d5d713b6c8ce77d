//! The holder's purse: paying at a merchant, and cash turned into balance at the counter.
//!
//! The balance lies in the ledger, never on the chip. Not here: refunds, settlement with a bank.

mod model;
mod rules;
pub mod store;
#[cfg(test)]
mod tests;

pub use model::{float_of, purse_of, takings_of};
pub use rules::Purse;
