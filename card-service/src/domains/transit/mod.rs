//! Transit: what a journey costs by the city's own published feed, to the fen, and why.
//!
//! Read [`feed::read`] for how a feed becomes a tariff, [`journey::journeys`] for which showings of a card belong together, and
//! [`Tariff::charge`] for what a leg costs; [`import`] keeps versions of the fares. Not here yet: taps, and what is booked.

mod explain;
pub mod feed;
pub mod import;
pub mod journey;
pub mod model;
mod rules;
pub mod store;
pub mod tariff;
#[cfg(test)]
mod tests;

pub use self::explain::Line;
pub use self::tariff::Tariff;
