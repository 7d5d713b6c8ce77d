//! The terminals that organisations run: enrolment by one-time code, certificates, profile, revocation.
//!
//! Not here: what a terminal's taps do (`intake`, `domains`), jobs for its readers (`jobs`).

pub mod api;
pub mod model;
pub mod store;
#[cfg(test)]
mod tests;

pub use model::{Terminal, TerminalState};
pub use store::{changed_since, load_all};
