//! The way up: stored taps go out in signed batches, receipts are verified, and only then is anything forgotten. Also
//! what comes down: status list, profile, log head.
//!
//! One submitter a daemon; nobody else talks to the service about taps.

pub mod client;
mod fares;
mod gate;
mod receipt;
mod refresh;
mod renewal;
mod status;
mod submitter;
#[cfg(test)]
mod tests;

pub use self::{
    refresh::load_known,
    submitter::{Submitter, SubmitterHandle},
};
