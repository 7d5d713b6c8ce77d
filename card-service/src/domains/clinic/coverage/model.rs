//! A bill as it is reckoned: for what visit, after what, and into which shares it falls. Pure.

use card_schema::coverage::{Benefit, Level, Line, Piece, Quantity, Shares};
use card_schema::date::Date;
use card_schema::money::Fen;
use card_schema::month::Month;
use serde::Serialize;

use super::catalogue::Item;
use crate::i18n::Words;

/// A visit: where somebody was treated, when, and as what it is insured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visit {
    /// As what it is insured.
    pub benefit: Benefit,
    /// The level of the clinic.
    pub level: Level,
    /// On which day; its month says by which rules, its year what has accumulated.
    pub day: Date,
    /// Whether another clinic has sent the holder there.
    pub referred: bool,
}

/// What has accumulated before a bill, in the calendar year of the visit and of its benefit. Nothing in it is below zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SoFar {
    /// What could be covered, whoever paid it.
    pub eligible: Fen,
    /// What the fund has paid.
    pub fund: Fen,
    /// How many stays began before this one.
    pub stays: u32,
}

/// A bill, reckoned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Bill<'a> {
    /// Its lines, in the order of the clinic.
    pub lines: Vec<Explained<'a>>,
    /// All of them together.
    pub shares: Shares,
}

/// How a line comes to its shares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explained<'a> {
    /// What was given or done, as the catalogue had it on the day.
    pub item: &'a Item,
    /// How much of it.
    pub quantity: Quantity,
    /// What one costs.
    pub price_fen: Fen,
    /// What all of it costs.
    pub amount_fen: Fen,
    /// What of it can be covered: not of class C, not above the limit, without what the holder pays first.
    pub eligible_fen: Fen,
    /// What of that lies above the deductible, band by band; empty bands are left out.
    pub pieces: Vec<Piece>,
    /// Into which shares the amount falls.
    pub shares: Shares,
}

/// Why it cannot be said what a bill costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// No rules are known of a day so long ago: the first month that they are known of.
    Before(Month),
    /// The rules of that day have no such benefit.
    NotOffered(Benefit),
    /// What has accumulated is below zero.
    SoFar,
    /// The catalogue has no such item on that day: the place of the line, counted from 1.
    UnknownItem(usize),
    /// The price is below zero: the place of the line, counted from 1.
    Price(usize),
    /// The sums leave the range of 64 bits.
    Overflow,
}

impl Wrong {
    /// The key of a text that says so of a bill with these lines, and what it is filled in with.
    pub fn words(self, lines: &[Line]) -> Words {
        match self {
            Self::Before(from) => ("coverage-before", vec![("from", from.to_string())]),
            Self::NotOffered(benefit) => ("coverage-not-offered", vec![("benefit", benefit.name().to_owned())]),
            Self::SoFar => ("coverage-so-far", Vec::new()),
            Self::UnknownItem(place) => {
                let values = vec![("line", place.to_string()), ("code", lines[place - 1].item.to_string())];
                ("coverage-unknown-item", values)
            }
            Self::Price(place) => ("coverage-price", vec![("line", place.to_string())]),
            Self::Overflow => ("coverage-overflow", Vec::new()),
        }
    }
}
