//! The transparency log: every action leaves a leaf, leaves become a Merkle tree (RFC 9162), and signed checkpoints of
//! the tree let anyone prove that nothing was altered.
//!
//! [`append`] records an action in its own transaction.
//! Not here: what the actions are; who may see what they concern.

pub mod leaf;
mod store;

pub use leaf::{Action, ActionKind, Column, Hash, RowImage};
pub use store::{LeafRef, append, append_all};
