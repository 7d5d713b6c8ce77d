//! The status of every card as an IETF Token Status List in CWT form, and what has changed since one: two bits a card,
//! signed by the service.
//!
//! Reads and writes the tokens; who is listed is the service's to say, what follows from it the terminal's. Here: what
//! is said of a card. In `list` everything that is said, in `delta` what has changed, in `token` how either is signed.

mod delta;
mod list;
#[cfg(test)]
mod tests;
mod token;

pub use delta::{Misfit, StatusDelta};
pub use list::StatusList;
pub use token::{Claims, SignedToken};

/// CWT claims that both tokens have: subject, issued at (RFC 8392).
const SUBJECT: u8 = 2;
const ISSUED_AT: u8 = 6;
/// Private claim, ours: the version of the list, or that to which a delta leads.
const VERSION: i64 = -70_001;
/// Bits for each card.
const BITS: u8 = 2;
/// Cards that a list has room for.
const MAX_CARDS: u32 = 1 << 26;
/// The most bytes that a list may have when inflated.
const MAX_INFLATED_BYTES: u64 = MAX_CARDS as u64 * BITS as u64 / 8;
/// The longest subject.
const MAX_SUBJECT_BYTES: usize = 255;

/// Path of the list at the service. Its URI is the service's address for terminals and this.
pub const PATH: &str = "/v1/status-lists/cards";

/// What the list says of one card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CardStatus {
    /// Nothing is said against it.
    Valid = 0,
    /// Blocked for good: lost, replaced, returned.
    Invalid = 1,
    /// Not to be used for now, or not yet.
    Suspended = 2,
    /// Reserved for applications; treated like [`Self::Invalid`].
    Reserved = 3,
}

impl CardStatus {
    /// Every status, by its number.
    pub const ALL: [Self; 4] = [Self::Valid, Self::Invalid, Self::Suspended, Self::Reserved];
}

/// Two bits a card, the first card in the lowest bits of the first byte. Cards beyond the end are valid.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Statuses(Vec<u8>);

impl Statuses {
    /// The status at a card's index.
    pub fn get(&self, index: u32) -> CardStatus {
        let byte = usize::try_from(index / 4).ok().and_then(|at| self.0.get(at)).copied().unwrap_or_default();
        CardStatus::ALL[usize::from(byte >> (index % 4 * u32::from(BITS)) & 0b11)]
    }

    /// Puts a status at a card's index, growing the list to it.
    pub fn set(&mut self, index: u32, status: CardStatus) {
        let at = (index / 4) as usize;
        if self.0.len() <= at {
            self.0.resize(at + 1, 0);
        }
        let shift = index % 4 * u32::from(BITS);
        self.0[at] = self.0[at] & !(0b11 << shift) | (status as u8) << shift;
    }
}
