//! How long cards are good for, when they are to be renewed, and which ones that are.

pub mod pages;
pub mod rules;
pub mod store;
#[cfg(test)]
mod tests;
