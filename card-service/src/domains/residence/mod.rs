//! Residence: who the holder is. Everything that is known of a person is sealed from the first row on.
//!
//! Each person has a key, wrapped under a key derived from the data key; a field is sealed under it and bound to table,
//! row and column. A document number is found again through a keyed hash. Every read states a purpose and leaves a leaf.
//! Residence permits are `permit`'s, what is printed is `paper`'s, what is agreed to on paper `agreement`'s.

pub mod agreement;
pub mod api;
pub mod area;
mod calendar;
mod change;
pub mod draft;
pub mod house;
pub mod household;
pub mod identity;
pub mod import;
pub mod map;
pub mod merge;
pub mod model;
pub mod pages;
pub mod paper;
pub mod permit;
pub mod photo;
mod protect;
mod read;
mod region;
mod register;
pub mod roster;
pub mod rules;
pub mod similar;
pub mod stays;
pub mod store;
#[cfg(test)]
mod tests;
pub mod view;

pub use change::{Correction, Meanwhile, Unchanged, change};
pub use read::{Record, homes, name_for_card, open_words, photo_for_card, record, require_known, reveal, seal_word};
pub use register::{Newcomer, Registration, register, registered_with, store_all, unregister, whose_document};
