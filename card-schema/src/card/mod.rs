//! What is on the chip, as NIST SP 800-73-5 lays it out.

pub mod chuid;
mod object;
mod slot;
pub mod tlv;

pub use chuid::Chuid;
pub use object::ObjectTag;
pub use slot::Slot;
