//! Gates of villages, compounds and dormitories: yes or no, and a count by hour.
//!
//! Where a terminal stands (`pages`), who may pass there and when, what a gate is told of that (`pack`), and visitors' passes on
//! paper (`pass`). The gate decides; what it brings is that somebody was let in. Keeps no trail: what is counted cannot be traced to
//! a person. Not here: whether a moment lies within what was granted (`card_schema::gate`), the pages on which a clerk grants it
//! (`console::gate_desk`), checking papers (`residence::paper::check`).

pub mod api;
pub mod model;
mod pack;
pub mod pages;
pub mod pass;
pub mod rules;
pub mod store;
#[cfg(test)]
pub(crate) mod tests;
pub mod view;

pub use model::Count;
pub use rules::Gate;
