//! What is counted of a terminal, what looks wrong about it, and what an auditor finds. No I/O.

use card_schema::clock::Micros;
use card_schema::ids::{CardId, TerminalId};
use card_schema::money::Fen;
use card_schema::operation::OperationCode;
use serde::Deserialize;
use uuid::Uuid;

/// How long back it is counted.
pub const WINDOW_SECONDS: i64 = 86_400;

/// What looks wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Cards were here and at another place sooner than somebody walks.
    TooFast,
    /// More cards than a terminal sees in a day.
    ManyCards,
    /// More goes back than was sold.
    RefundsOverSales,
    /// Many wrong PINs.
    WrongPins,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Self; 4] = [Self::TooFast, Self::ManyCards, Self::RefundsOverSales, Self::WrongPins];

    /// Its name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TooFast => "too_fast",
            Self::ManyCards => "many_cards",
            Self::RefundsOverSales => "refunds_over_sales",
            Self::WrongPins => "wrong_pins",
        }
    }

    /// The rule of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.name() == name)
    }
}

/// What an operator calls usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Bounds {
    /// Seconds between two shops that nobody needs fewer of.
    pub apart_s: u32,
    /// Taps of cards that were at another place sooner than that.
    pub too_fast: u32,
    /// Cards at one terminal.
    pub cards: u32,
    /// Refunds and voids that are not looked at, whatever they come to.
    pub refunds: u32,
    /// Wrong PINs at one terminal.
    pub wrong_pins: u32,
}

/// What a terminal has brought within [`WINDOW_SECONDS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Cards.
    pub cards: i64,
    /// Taps of cards that were at another place sooner than somebody walks.
    pub too_fast: i64,
    /// Refunds and voids that were booked.
    pub refunds: i64,
    /// What these have moved back.
    pub refunded: Fen,
    /// What was paid.
    pub sold: Fen,
    /// Wrong PINs.
    pub wrong_pins: i64,
}

/// A terminal under a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suspicion {
    /// Its number.
    pub id: Uuid,
    /// The terminal.
    pub terminal: TerminalId,
    /// What looks wrong.
    pub rule: Rule,
    /// Until when it was counted.
    pub found_at: Micros,
    /// What would have been usual: a number, or fen.
    pub most: i64,
    /// What was counted.
    pub counts: Counts,
}

/// What somebody has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// There is a good reason.
    Explained,
    /// Something does not work as it should.
    Fault,
    /// Whoever runs terminals or organisations was told.
    PassedOn,
}

impl Finding {
    /// Every finding.
    pub const ALL: [Self; 3] = [Self::Explained, Self::Fault, Self::PassedOn];

    /// Its name in the database and in forms.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Explained => "explained",
            Self::Fault => "fault",
            Self::PassedOn => "passed_on",
        }
    }

    /// The finding of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|finding| finding.name() == name)
    }
}

/// What was noted, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    /// What was noted.
    pub suspicion: Suspicion,
    /// The terminal's name.
    pub name: String,
    /// Whose it is.
    pub organisation: String,
    /// What somebody has found, when and who: the name to sign in with.
    pub review: Option<(Finding, Micros, String)>,
}

/// A tap that speaks for it: no holder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tap {
    /// When it came in.
    pub at: Micros,
    /// The card.
    pub card: CardId,
    /// What was asked.
    pub operation: OperationCode,
    /// The money that it is about.
    pub amount: Option<Fen>,
    /// The other place at which the card was, where it came from or went to too fast.
    pub other: Option<String>,
}
