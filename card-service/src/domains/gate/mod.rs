//! Gates of villages, compounds and dormitories: yes or no, and a count by hour.
//!
//! Where a terminal stands (`pages`), who may pass there and when, and visitors' passes on paper (`pass`). Keeps no trail: what
//! is counted cannot be traced to a person. Not here: whether a moment lies within what was granted (`card_schema::gate`), the
//! pages on which a clerk grants it (`console::gate_desk`), checking papers (`residence::paper::check`).

pub mod model;
pub mod pages;
pub mod pass;
pub mod rules;
pub mod store;
#[cfg(test)]
pub(crate) mod tests;
pub mod view;

use card_schema::operation::Operation;

pub use model::{Count, Rights};
pub use rules::Gate;

use self::model::Asked;
use super::Ask;

/// What a tap asks at a gate, if it does.
pub fn asked(ask: &Ask<'_>) -> Option<Asked> {
    let Ask { tap, shard, holder, terminal, at, .. } = *ask;
    matches!(ask.operation, Operation::GateCheck(_)).then_some(Asked { tap, shard, holder, terminal, at })
}
