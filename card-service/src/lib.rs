//! The card service: residents, cards, ledger and log behind one program.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod cards;
pub mod db;
pub mod domains;
pub mod evidence;
pub mod intake;
pub mod keys;
pub mod ledger;
pub mod terminals;
#[cfg(test)]
mod testing;
