//! The village gate: yes or no, and a count by hour.
//!
//! Keeps no trail: what is counted cannot be traced to a person. Not here: passes for visitors, opening hours.

mod model;
mod rules;
pub mod store;
#[cfg(test)]
mod tests;

pub use model::Count;
pub use rules::Gate;
