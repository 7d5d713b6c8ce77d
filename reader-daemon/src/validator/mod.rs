//! Readers that validate, inspect, or open a gate, one card after the other, without anybody's asking for each: what a bus, a
//! barrier, an inspector and a village have in their hands.
//!
//! Read [`Validator::set`] for how a reader is told what to do, and `run` for what happens with each card. What may be let in is decided in
//! [`crate::tap::validation`] and [`crate::tap::gate`]; what a journey costs, by the service.

mod model;
mod run;

pub use self::{
    model::{AtReader, Duty, Shown, Verdict, Wrong, duty_of, tell},
    run::{Board, Validator},
};
