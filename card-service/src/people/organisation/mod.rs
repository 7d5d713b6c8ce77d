//! Organisations: whoever runs terminals or employs staff. Of what kind each is, and whether it still works.
//!
//! Not here: terminals (`terminals`).

pub mod model;
pub mod pages;
pub mod store;

pub use model::{Kind, Organisation};
