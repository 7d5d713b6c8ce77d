//! Who travels, from where to where, and what it costs them, explained. Pure.

use card_schema::clock::Micros;
use card_schema::date::Date;
use card_schema::money::Fen;

use super::tariff::{AreaIx, GroupIx, Named, NetworkIx, OfGroup, ProductIx, RouteIx, StopIx};

/// A version of the fares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its number, counted up from 1.
    pub number: i64,
    /// From when on.
    pub starts_at: Micros,
    /// When it was imported.
    pub imported_at: Micros,
    /// By whom; nobody where it was read on the command line.
    pub imported_by: Option<String>,
    /// SHA-256 of the archive as it came.
    pub source: [u8; 32],
}

/// Somebody was somewhere: the card was shown there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Where.
    pub stop: StopIx,
    /// When.
    pub at: Micros,
}

/// How a leg ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The rider showed the card here.
    Off(Shown),
    /// Nobody shows a card when getting off there.
    NotShown,
    /// The card should have been shown and was not.
    Missing,
}

/// Travel on one route (GTFS, "Leg").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leg {
    /// The route.
    pub route: RouteIx,
    /// Where and when it begins.
    pub on: Shown,
    /// Where and when it ends.
    pub end: End,
}

/// A right of a rider, by its number in the tariff, from one day to another, both counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Granted {
    /// Which.
    pub number: usize,
    /// The first day.
    pub from: Date,
    /// The last day.
    pub until: Date,
}

/// What a rider may claim.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rider {
    /// Concessions that were granted.
    pub concessions: Vec<Granted>,
    /// Passes that were bought.
    pub passes: Vec<Granted>,
}

/// One part of what a leg costs: the amounts of all parts are what is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A product of the feed, by a rule that names these areas.
    Fare {
        /// Which.
        product: ProductIx,
        /// Where the rule begins.
        from: Option<AreaIx>,
        /// Where it ends.
        to: Option<AreaIx>,
        /// Its price.
        amount: Fen,
    },
    /// No rule of the feed is about this leg: its fare is unknown.
    Unknown,
    /// What was asked for the part of the journey that this leg makes longer, and counts as one with it.
    Joined {
        /// Below zero, or nothing.
        amount: Fen,
    },
    /// A transfer rule of the feed, by its number.
    Transfer {
        /// Which.
        rule: usize,
        /// What it adds or takes.
        amount: Fen,
    },
    /// A discount for going on in time, by its number.
    Window {
        /// Which.
        number: usize,
        /// What it takes.
        amount: Fen,
    },
    /// A concession, by its number.
    Concession {
        /// Which.
        number: usize,
        /// What is paid of the leg.
        percent: u8,
        /// What it takes.
        amount: Fen,
    },
    /// A discount for what was paid before, by its number among what is counted.
    Discount {
        /// Which.
        number: usize,
        /// What is paid of the leg.
        percent: u8,
        /// What it takes.
        amount: Fen,
    },
    /// A cap is reached, by its number among what is counted.
    Cap {
        /// Which.
        number: usize,
        /// What it takes.
        amount: Fen,
    },
    /// No more goes back than was paid.
    Paid {
        /// What goes back less.
        amount: Fen,
    },
    /// A pass, by its number.
    Pass {
        /// Which.
        number: usize,
    },
    /// The card was not shown at one end.
    Maximum {
        /// What that costs.
        amount: Fen,
    },
    /// Left where one has come in.
    SameStop,
}

impl Step {
    /// What it adds to the charge.
    pub const fn amount(&self) -> Fen {
        match *self {
            Self::Fare { amount, .. }
            | Self::Joined { amount }
            | Self::Transfer { amount, .. }
            | Self::Window { amount, .. }
            | Self::Concession { amount, .. }
            | Self::Discount { amount, .. }
            | Self::Cap { amount, .. }
            | Self::Paid { amount }
            | Self::Maximum { amount } => amount,
            Self::Unknown | Self::Pass { .. } | Self::SameStop => Fen::ZERO,
        }
    }
}

/// What a leg costs; below zero where a transfer gives something back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// The amount.
    pub amount: Fen,
    /// Why.
    pub steps: Vec<Step>,
}

/// What was paid in the last period of something that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sum {
    /// The number of the period.
    pub period: i32,
    /// What was paid in it.
    pub paid: Fen,
}

/// Where a rider stands after some legs: what the next one costs depends on this and on nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The journey that may go on.
    pub(super) journey: Option<Journey>,
    /// What was paid, for each thing that is counted.
    pub(super) sums: Vec<Sum>,
}

/// A journey that may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Journey {
    /// What was before the leg that may be made longer, of the same journey or not.
    pub(super) before: Option<Before>,
    /// The leg that may be made longer.
    pub(super) leg: Effective,
    /// The network of its last part.
    pub(super) network: NetworkIx,
    /// What the feed asks for it.
    pub(super) fare: Fen,
    /// What was charged for it.
    pub(super) own: Fen,
    /// The journey with it.
    pub(super) link: Link,
    /// What was charged for the journey.
    pub(super) charged: Fen,
}

/// A journey before a leg that may belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Before {
    pub(super) link: Link,
    pub(super) charged: Fen,
}

/// A leg, or several that count as one (GTFS, "Effective Fare Leg").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Effective {
    pub(super) named: Named,
    pub(super) from: StopIx,
    /// Nothing where it is not known.
    pub(super) to: Option<StopIx>,
    pub(super) times: Times,
}

/// When a leg began and ended; where its end is not known, it ended when it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) departed: Micros,
    pub(super) arrived: Micros,
}

/// How far the rules of the feed have come with a journey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link {
    /// What all legs and transfers cost so far.
    pub(super) total: Fen,
    /// How many transfers there were.
    pub(super) transfers: u32,
    /// The group of the last leg.
    pub(super) group: Option<GroupIx>,
    /// What the last leg was paid with.
    pub(super) product: ProductIx,
    /// The last leg.
    pub(super) last: Times,
    /// The last transfers, as far as they were by rules between the same groups; nothing after the first leg.
    pub(super) run: Option<Run>,
}

/// Transfers one after the other by rules between the same groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) groups: (OfGroup, OfGroup),
    /// The leg before the first of them.
    pub(super) first: Times,
    /// How many.
    pub(super) count: u32,
}
