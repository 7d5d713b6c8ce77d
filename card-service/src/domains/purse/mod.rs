//! The holder's purse: paying at a merchant, cash turned into balance at the counter, a merchant's refunds and voids, and
//! moving back what was moved in error.
//!
//! The balance lies in the ledger, never on the chip. Not here: settlement with a bank.

mod model;
pub mod reversal;
mod rules;
pub mod store;
#[cfg(test)]
mod tests;

pub use model::{DayLimits, HolderDay, Spent, float_of, purse_of, risk_of, takings_of};
pub use rules::{Purse, day_of};
