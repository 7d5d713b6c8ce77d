//! Double entry: accounts, transfers between them, and balances that always equal the sum of their transfers.
//!
//! A transfer is a row that is never updated and never deleted. It is posted at once, or it is a hold (`hold`), which a
//! later transfer posts, voids or ends when its time is over; a correction is a reversal (`reversal`) that names what
//! it moves back. Transfers may be linked (`linked`), so that all stand or none. The same cause moves something once.
//!
//! Pure: [`Book`] decides whether a transfer may be posted and what the balances are afterwards; [`Needs`] says which
//! rows it must hold for that; `overspend` composes a payment that has to stand though nothing covers it; `statement`,
//! `trial_balance` and `reconciliation` read what was posted. [`store`] has the tables, [`post`] is a book with the database
//! around it, and [`Remembered`] keeps accounts between transactions. Not here: who may pay whom (`domains`).

mod accounts;
mod book;
mod error;
mod hold;
mod linked;
mod model;
mod named;
mod needs;
mod overspend;
mod reconciliation;
mod remembered;
mod reversal;
mod statement;
pub mod store;
#[cfg(test)]
mod tests;
mod transfer;
mod trial_balance;

pub use book::{Applied, Book, LastIds};
pub use error::{LedgerError, Refused};
pub use linked::Linked;
pub use model::{Account, AccountKey, AccountKind, CreditLimit, Owner, Reference, TransferKind, Unit};
pub use named::Named;
pub use needs::Needs;
pub use overspend::{Covered, cover, give_back};
pub use reconciliation::{Discrepancy, Reconciliation};
pub use remembered::{Recalled, Remembered};
pub use statement::{Line, Statement};
pub use store::{Posted, expire, post};
pub use transfer::{Entry, MAX_AMOUNT, Phase, Transfer};
pub use trial_balance::{Total, TrialBalance};
