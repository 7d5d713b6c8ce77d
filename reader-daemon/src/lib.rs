//! The reader daemon: speaks to chip cards over PC/SC, signs and keeps taps, and hands them to the service.
//!
//! Holds what one reader's machine needs and nothing of the service: the two share only `card-schema`.

pub mod card;
pub mod cli;
pub mod clinic;
pub mod clock;
pub mod config;
pub mod counter;
pub mod enrol;
pub mod identity;
pub mod jobs;
pub mod local;
pub mod outbox;
pub mod piv;
pub mod run;
pub mod station;
pub mod submit;
pub mod tap;
pub mod tls;
pub mod validator;
