//! The transparency log: every action leaves a leaf, leaves become a Merkle tree (RFC 9162), and signed checkpoints of
//! the tree let anyone prove that nothing was altered.
//!
//! [`append`] records an action in its own transaction, [`Change`] one that changes rows; [`Log`] gives leaves their
//! places and signs, with the hashes that [`Recent`] still has.
//! Not here: what the actions are; who may see what they concern.

pub mod api;
pub mod audit;
pub mod checkpoint;
pub mod export;
pub mod leaf;
pub mod recent;
pub mod rows;
pub mod sequencer;
pub mod store;
pub mod tables;
#[cfg(test)]
mod tests;
pub mod tree;
pub mod verify;

pub use checkpoint::LogKey;
pub use leaf::{Action, ActionKind, Column, Hash, RowImage};
pub use recent::Recent;
pub use rows::Change;
pub use sequencer::{Log, LogError};
pub use store::{LeafRef, append, append_all, append_reserved, reserve};
