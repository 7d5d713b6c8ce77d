//! Cards: their life, their keys, how they are issued, what they did, and the status list.
//!
//! Not here: what a card's taps do (`intake`, `domains`), whom it belongs to as a person (`domains::residence`).

pub mod activity;
pub mod api;
pub mod consent;
pub mod deed;
pub mod expiry;
pub mod identification;
pub mod issuance;
pub mod model;
pub mod person;
pub mod possession;
pub mod status;
pub mod stock;
pub mod store;
pub mod unblock;

pub use model::{Away, Bearer, Card, CardForIntake, CardKeys, CardState};
pub use store::{changed_since, load_for_intake, on_consent};
