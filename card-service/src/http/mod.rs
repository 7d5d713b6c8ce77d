//! What the doors of the service share: refusals as problem documents, who is signed in, the language, what
//! handlers take from a request, what the API's description says of every route, health, how many connections there may be.
//!
//! Routes stand with what they are about, in `api.rs` and `pages.rs`; what may be done stands behind them.

pub mod connections;
pub mod description;
mod extract;
pub mod health;
mod language;
mod problem;
pub mod signed_in;
pub mod tagged;

pub use extract::{Body, Path, Query};
pub use language::language;
pub use problem::{Refusal, localise, name};
pub use signed_in::{AtTheDoor, SignedIn};
