//! A whole town in one value: card readers behind a real pcscd, virtual cards, the card service and reader daemons,
//! each a real process in a folder of its own. Dropping the [`Town`] stops everything and removes the folder.
//!
//! The demo walks through a town, the tests live in one. Holds no assertions about the product: those are the tests'.

pub mod apdu_trace;
pub mod authenticator;
pub mod clock;
pub mod daemon;
pub mod demo;
pub mod http;
pub mod line;
pub mod office;
pub mod pcscd;
pub mod port;
pub mod process;
pub mod programs;
pub mod service;
mod town;
mod validator;
pub mod wait;

pub use town::{Place, Town};
