//! What the doors of the service share: refusals as problem documents, who is signed in, the language, bodies, health.
//!
//! Routes stand with what they are about, in `api.rs` and `pages.rs`; what may be done stands behind them.

mod body;
pub mod health;
mod language;
mod problem;
pub mod signed_in;

pub use body::Body;
pub use language::language;
pub use problem::{ProblemSchema, Refusal, localise, name};
pub use signed_in::SignedIn;
