//! What was taken in a month. Pure.

use std::collections::{BTreeMap, HashMap};
use std::ops::AddAssign;

use card_schema::ids::OrganisationId;
use card_schema::money::Fen;
use card_schema::month::Month;

use crate::domains::transit::model::Sold;

/// Whose money for what.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Of {
    /// Who runs the terminals; nobody where the books do not say.
    pub operator: Option<OrganisationId>,
    /// A network or a pass; nothing where cards were shown at routes that the fares do not know.
    pub sold: Option<Sold>,
}

/// What was taken, and how often.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// What was booked to the operator.
    pub taken: Fen,
    /// What of it, or of an earlier month, went back.
    pub back: Fen,
    /// What the account holds now.
    pub balance: Fen,
    /// How often a card was shown.
    pub shown: i64,
    /// How often it was shown where one gets on; passes that were sold.
    pub rides: i64,
}

impl Sums {
    /// What is left of what was taken.
    pub const fn net(&self) -> Fen {
        Fen(self.taken.0 - self.back.0)
    }
}

impl AddAssign for Sums {
    fn add_assign(&mut self, other: Self) {
        self.taken.0 += other.taken.0;
        self.back.0 += other.back.0;
        self.balance.0 += other.balance.0;
        self.shown += other.shown;
        self.rides += other.rides;
    }
}

/// A month.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settlement {
    /// Which.
    pub month: Month,
    /// By operator and network or pass.
    pub lines: BTreeMap<Of, Sums>,
    /// What operators are called.
    pub operators: HashMap<OrganisationId, String>,
    /// What the fares call networks, by their ids.
    pub names: HashMap<String, String>,
}

impl Settlement {
    /// Adds to a line.
    pub(super) fn add(&mut self, of: Of, sums: Sums) {
        *self.lines.entry(of).or_default() += sums;
    }

    /// All lines together.
    pub fn total(&self) -> Sums {
        let mut total = Sums::default();
        for sums in self.lines.values() {
            total += *sums;
        }
        total
    }
}
