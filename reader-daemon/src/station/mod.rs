//! The readers of this terminal, each with its line: who is there, waiting for a card, one piece of work at a time.
//!
//! Knows which reader, when and for how long; what is done with the card is [`crate::tap`]'s and [`crate::jobs`]'s.

mod error;
mod presence;
mod stations;
mod verdict;

pub use self::{
    error::StationError,
    presence::{Presence, ReaderState},
    stations::{Failed, Presented, Stations, TapOrder, Told},
    verdict::Verdict,
};
