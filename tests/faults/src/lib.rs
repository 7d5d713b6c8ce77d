//! Kills programs under load at random moments, or gives them more load than they can take, and checks from outside that
//! nothing acknowledged was lost or doubled.
//!
//! The test command runs a short campaign, `cargo xtask torture` the long one. Judges by what the programs left on
//! disk and by what they told the people at the counter, never by their own words about themselves.

mod aim;
pub mod campaign;
pub mod checker;
mod load;
mod logs;
mod outage;
pub mod overload;
pub mod pair;
pub mod report;
mod scene;
pub mod stage;
