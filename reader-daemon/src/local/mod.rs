//! The loopback HTTP API: what a terminal page, a shop's register or the command line may ask of the daemon.

pub mod client;
pub mod wire;
