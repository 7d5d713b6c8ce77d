//! Clinics: the bills that they write, who pays what of them, taking them back, and what clinics are paid (`clearing`); what bills cost by the rules of the city is
//! `coverage`.
//!
//! What somebody was treated for is sealed in the bill, and read by no other room. Who is covered, and what a person has had before under
//! another record, is not known here (`benefits`).

pub mod clearing;
pub mod coverage;
pub mod model;
mod rules;
pub mod sealed;
pub mod store;
#[cfg(test)]
mod tests;

pub use rules::{Clinic, changes, is_good, is_open, so_far};
