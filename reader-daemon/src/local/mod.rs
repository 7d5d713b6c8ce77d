//! The loopback HTTP API: what a shop's register or the command line may ask of the daemon; and the page at the reader.
//!
//! There is no request that has the card sign bytes of the caller's choice.

mod api;
pub mod client;
mod guard;
mod page;
mod problem;
mod prompts;
mod serve;
mod transactions;
mod validator;
pub mod wire;

pub use self::{
    api::App,
    page::Visits,
    prompts::Prompts,
    serve::{Listening, listen},
    transactions::description,
};
