//! Residence: who the holder is. Names and document numbers are sealed from the first row on.
//!
//! Each person has a key, wrapped under a key derived from the data key; a field is sealed under it and bound to table,
//! row and column. A document number is found again through a keyed hash. Every read states a purpose and leaves a leaf.
//! Not here yet: permits, households, addresses.

pub mod api;
pub mod model;
mod protect;
mod read;
pub mod store;
#[cfg(test)]
mod tests;

pub use read::{Revealed, name_for_printing, reveal};
