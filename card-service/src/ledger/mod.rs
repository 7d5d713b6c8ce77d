//! Double entry: accounts, transfers between them, and balances that always equal the sum of their transfers.
//!
//! [`Book`] is the pure core: it decides whether a transfer may be posted and what the balances are afterwards.
//! [`post`] is the same with the database around it. A transfer is never updated and never deleted.
//! Not here: who may pay whom (`domains`), holds and reversals.

mod book;
mod model;
pub mod store;
#[cfg(test)]
mod tests;

pub use book::{Applied, Book, Entry, LedgerError};
pub use model::{Account, AccountKey, AccountKind, Owner, Reference, Transfer, TransferKind, Unit};
pub use store::{PostError, Posted, post};
