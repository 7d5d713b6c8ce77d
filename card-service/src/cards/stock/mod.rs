//! Blank cards in the drawers of stations: what came in, what left, and how many there are.
//!
//! A station keeps stock from its first box or its first count on. A card that comes into use takes one blank, with the tap
//! of its holder's consent; what is torn or damaged is written off by hand. Nobody waits for a count: where the books say
//! that the drawer is empty and a card is issued all the same, that is written down as unbooked, the balance stays at zero,
//! and the station is told to count.

pub mod model;
pub mod pages;
pub mod store;
#[cfg(test)]
mod tests;
