//! A whole town in one value: readers, cards, daemons, service. Used by the demo and by tests.
//! Holds the starting and stopping of programs; no test and nothing that is shipped.

pub mod pcscd;
pub mod programs;
