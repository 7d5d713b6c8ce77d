//! What happens at a counter: a merchant charges, the holder holds the card to the reader and types a PIN where one is
//! due, both see how it ends. One transaction at a time, from the order to its result.
//!
//! [`transaction`] decides, purely; [`run`] is the clock, the reader and the way up. Knows no HTTP: pages and programs
//! order the same way, and what they are told is [`Transaction`].

mod run;
mod transaction;

pub use self::{
    run::{Counter, NotStarted},
    transaction::{Again, Bearer, CardSeen, End, Order, Points, PointsLeft, Step, Transaction},
};
