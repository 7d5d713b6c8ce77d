//! Transit: what a journey costs by the city's own published feed, to the fen, and why.
//!
//! Read [`feed::read`] for how a feed becomes a tariff, [`journey::journeys`] for which showings of a card belong together,
//! [`Tariff::charge`] for what a leg costs, [`fares::Fares::reckon`] for both over time, and [`booking::book`] for what is booked; [`import`]
//! keeps versions of the fares, [`pages`] is where people bring them in, [`settlement`] what operators have
//! taken, [`concession`] what holders are granted, [`history`] what they are told of their journeys, and [`correction`] what
//! of these is put right.

pub mod api;
pub mod booking;
pub mod closing;
pub mod concession;
pub mod correction;
mod explain;
pub mod fares;
pub mod feed;
pub mod folding;
pub mod history;
pub mod import;
pub mod journey;
pub mod model;
pub mod pack;
pub mod pages;
pub mod room;
mod rules;
pub mod settlement;
pub mod store;
pub mod tariff;
#[cfg(test)]
mod tests;
mod view;
pub mod waiting;

pub use self::explain::Line;
pub use self::fares::Fares;
pub use self::room::{Known, Transit, is_concerned};
pub use self::tariff::Tariff;
