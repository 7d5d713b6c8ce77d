//! What is on the chip, as NIST SP 800-73-5 lays it out.

mod slot;

pub use slot::Slot;
