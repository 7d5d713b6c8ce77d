//! The loopback HTTP API: what a terminal page, a shop's register or the command line may ask of the daemon.
//!
//! There is no request that has the card sign bytes of the caller's choice.

mod api;
pub mod client;
mod guard;
mod problem;
mod prompts;
mod serve;
pub mod wire;

pub use self::{
    api::App,
    prompts::Prompts,
    serve::{Listening, listen},
};
