//! Who travels, from where to where, and what it costs them, explained. Pure.

use std::collections::BTreeMap;
use std::fmt;

use card_schema::clock::Micros;
use card_schema::date::Date;
use card_schema::ids::{CardId, HolderId, OrganisationId, Shard, TapId};
use card_schema::money::Fen;
use card_schema::operation::transit::Side;
use ring::digest::{self, SHA256};
use serde::{Deserialize, Serialize};

use super::tariff::{AreaIx, GroupIx, Named, NetworkIx, OfGroup, Period, ProductIx, RouteIx, StopIx};
use crate::ledger::{AccountKey, AccountKind, Owner, Unit};

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

/// A right of a holder, by its name in the fares: the same in each version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Right {
    /// Which.
    pub of: RightOf,
    /// The first day of service.
    pub from: Date,
    /// The last day of service.
    pub until: Date,
}

/// What a right is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RightOf {
    /// A concession that was granted.
    Concession(String),
    /// A pass that was bought.
    Pass(String),
}

/// A card was shown to a validator, as it is kept until it is folded.
#[derive(Clone, PartialEq, Eq)]
pub struct Showing {
    /// When, by the validator's clock.
    pub at: Micros,
    /// At which end of a leg.
    pub side: Side,
    /// `stop_id`.
    pub stop: String,
    /// `route_id`.
    pub route: String,
    /// Who runs the validator.
    pub organisation: OrganisationId,
    /// The version of the fares that the validator knew.
    pub tariff: u32,
    /// The tap.
    pub tap: TapId,
}

impl fmt::Debug for Showing {
    /// Without time and place: where somebody was is nobody's business, in a log least of all.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Showing").field("tap", &self.tap).finish_non_exhaustive()
    }
}

/// Whose fares are reckoned together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RiderKey {
    /// Where everything of the holder lies.
    pub shard: Shard,
    /// The holder; or a card out of use that a validator could not know to be that, whose fares are the issuer's.
    pub id: [u8; 16],
    /// Whether it is such a card.
    pub is_issuers: bool,
}

impl RiderKey {
    /// A holder.
    pub const fn holder(shard: Shard, holder: HolderId) -> Self {
        Self { shard, id: *holder.as_bytes(), is_issuers: false }
    }

    /// A card whose fares are the issuer's.
    pub const fn card(shard: Shard, card: CardId) -> Self {
        Self { shard, id: *card.as_bytes(), is_issuers: true }
    }
}

/// Names a [`FareGroup`], follows from it, and owns an account in each shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(pub [u8; 16]);

/// What is settled together: what one operator has taken for one thing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FareGroup {
    /// Who runs the terminals.
    pub organisation: OrganisationId,
    /// What for.
    pub sold: Sold,
}

/// What an operator takes money for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sold {
    /// Rides on the routes of a network, by its `network_id`; empty for routes of none.
    Rides(String),
    /// A pass, by its name in the fares.
    Pass(String),
}

impl Sold {
    /// The number in the database, and the name.
    pub fn parts(&self) -> (i64, &str) {
        match self {
            Self::Rides(network) => (1, network),
            Self::Pass(pass) => (2, pass),
        }
    }

    /// The opposite of [`Self::parts`].
    pub fn from_parts(number: i64, name: String) -> Option<Self> {
        match number {
            1 => Some(Self::Rides(name)),
            2 => Some(Self::Pass(name)),
            _ => None,
        }
    }
}

impl FareGroup {
    /// Its id.
    pub fn id(&self) -> GroupId {
        let (number, name) = self.sold.parts();
        let mut context = digest::Context::new(&SHA256);
        context.update(b"nrc/fare-group/v1\0");
        context.update(self.organisation.as_bytes());
        context.update(&number.to_be_bytes());
        context.update(name.as_bytes());
        GroupId(context.finish().as_ref()[..16].try_into().expect("SHA-256 has 32 bytes"))
    }

    /// What it has taken from holders of one shard.
    pub fn account(&self, shard: Shard) -> AccountKey {
        account_of(self.id(), shard)
    }
}

/// What a group has taken from holders of one shard.
pub fn account_of(group: GroupId, shard: Shard) -> AccountKey {
    AccountKey { shard, owner: Owner(group.0), kind: AccountKind::FareTakings, unit: Unit::CnyFen }
}

/// What is known of a rider before something is reckoned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Riding {
    /// Where the card was shown, in no order.
    pub showings: Vec<Showing>,
    /// What was booked for it, by who gets it.
    pub charged: BTreeMap<GroupId, i64>,
    /// What the issuer has advanced for it and not got back.
    pub advanced: i64,
    /// What the holder was granted and has bought.
    pub rights: Vec<Right>,
    /// A leg waits for its end until this moment.
    pub open_until: Option<Micros>,
    /// What was folded.
    pub base: Base,
}

impl Riding {
    /// With what was reckoned since.
    pub fn follow(&mut self, ride: &Ride) {
        self.showings.extend(ride.showing.clone());
        for (group, more) in &ride.charged {
            *self.charged.entry(*group).or_default() += more;
        }
        self.advanced += ride.advanced;
        self.open_until = ride.open_until;
    }
}

/// What fares still depend on of what was folded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Base {
    /// What is shown up to this moment comes too late.
    pub until: Option<Micros>,
    /// What was paid by then.
    pub sums: Vec<BaseSum>,
}

/// What was paid in the last period of something that is counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaseSum {
    /// Its name in the fares.
    pub id: String,
    /// What its periods are.
    pub per: Period,
    /// The number of the period.
    pub period: i32,
    /// What was paid in it, in fen.
    pub paid: i64,
}

/// What is written of a rider when something was reckoned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ride {
    /// Who.
    pub rider: RiderKey,
    /// Where the card was shown now, if it was.
    pub showing: Option<Showing>,
    /// What is booked more, by who gets it; below zero for less.
    pub charged: Vec<(GroupId, i64)>,
    /// What the ids stand for of those that get something the first time.
    pub named: Vec<FareGroup>,
    /// What the issuer has advanced more; below zero for less.
    pub advanced: i64,
    /// A leg waits for its end until this moment.
    pub open_until: Option<Micros>,
}

/// A pass that was bought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassSold {
    /// By whom.
    pub rider: RiderKey,
    /// What, and for which days.
    pub right: Right,
    /// Who has taken the money.
    pub group: FareGroup,
    /// The tap.
    pub tap: TapId,
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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

impl Sum {
    /// Of a period before all.
    pub(super) const NONE: Self = Self { period: i32::MIN, paid: Fen::ZERO };
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
