//! A city's fares, ready to be asked: what a feed (GTFS Schedule with Fares v2) and its supplement say, by number instead of by
//! name. Pure. Made by `feed` and asked by `rules`; holds nobody's journeys.

use std::collections::HashMap;

use card_schema::clock::Micros;
use card_schema::date::Date;
use card_schema::money::Fen;
use foldhash::fast::FixedState;
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

use super::model::{Right, RightOf};

mod days;

pub(super) use self::days::{DAY_S, LocalTime, Weekly};
pub use self::days::{Days, Timeframe};

/// The number of a stop within one tariff.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StopIx(pub(super) u32);

/// The number of a route within one tariff.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteIx(pub(super) u32);

/// The number of a network of routes within one tariff.
pub type NetworkIx = u16;
/// The number of an area of stops within one tariff.
pub type AreaIx = u16;
/// The number of a group of leg rules within one tariff.
pub type GroupIx = u16;
/// The number of a category of riders within one tariff.
pub type RiderIx = u16;
/// The number of a fare product within one tariff.
pub type ProductIx = u16;
/// The number of a group of timeframes within one tariff.
pub type TimeframeIx = u16;

/// A stop, platform or station (`stops.txt`).
#[derive(Clone, Debug)]
pub struct Stop {
    /// `stop_id`.
    pub id: String,
    /// `stop_name`.
    pub name: String,
    /// The station it belongs to, or itself.
    pub station: StopIx,
    /// The number of its time zone.
    pub zone: u16,
    /// What leg rules may say of where a leg begins here; no area is a rule that says nothing of it.
    pub from: Vec<Option<AreaIx>>,
    /// What leg rules may say of where a leg ends here.
    pub to: Vec<Option<AreaIx>>,
}

/// A route (`routes.txt`).
#[derive(Clone, Debug)]
pub struct Route {
    /// `route_id`.
    pub id: String,
    /// What riders call it.
    pub name: String,
    /// `agency_id`; empty in a feed of one agency that does not say.
    pub agency: String,
    /// The network it belongs to; routes of none are one of their own, whose id is empty.
    pub network: NetworkIx,
    /// What leg rules may say of it.
    pub named: Named,
}

/// Which leg rules may apply to a leg, by its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named {
    /// Those that name this network.
    pub network: Option<NetworkIx>,
    /// Those that name none.
    pub or_none: bool,
}

impl Named {
    /// What may apply to two legs that count as one.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let network = self.network.filter(|network| other.network == Some(*network));
        Self { network, or_none: self.or_none && other.or_none }
    }

    pub(super) fn keys(self) -> impl Iterator<Item = Option<NetworkIx>> + Clone {
        self.network.map(Some).into_iter().chain(self.or_none.then_some(None))
    }
}

/// What a rule says of a leg's network, its beginning and its end; what it does not name is nothing.
pub(super) type RuleKey = (Option<NetworkIx>, Option<AreaIx>, Option<AreaIx>);

/// A rule for single legs (`fare_leg_rules.txt`).
#[derive(Clone, Copy, Debug)]
pub struct LegRule {
    /// `leg_group_id`.
    pub group: Option<GroupIx>,
    /// `from_area_id`, for the explanation.
    pub from: Option<AreaIx>,
    /// `to_area_id`.
    pub to: Option<AreaIx>,
    /// `from_timeframe_group_id`.
    pub from_timeframe: Option<TimeframeIx>,
    /// `to_timeframe_group_id`.
    pub to_timeframe: Option<TimeframeIx>,
    /// `fare_product_id`.
    pub product: ProductIx,
    /// `rule_priority`; zero where there is none.
    pub priority: u32,
}

/// Two legs that count as one (`fare_leg_join_rules.txt`).
#[derive(Clone, Copy, Debug)]
pub struct JoinRule {
    /// `from_network_id`.
    pub from_network: NetworkIx,
    /// `to_network_id`.
    pub to_network: NetworkIx,
    /// `from_stop_id` and `to_stop_id`; without them the station has to be the same.
    pub stops: Option<(StopIx, StopIx)>,
}

/// What a duration is measured between (`duration_limit_type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measured {
    /// 0: from the first departure to the last arrival.
    DepartureToArrival,
    /// 1: from the first departure to the last departure.
    DepartureToDeparture,
    /// 2: from the first arrival to the last departure.
    ArrivalToDeparture,
    /// 3: from the first arrival to the last arrival.
    ArrivalToArrival,
}

/// What a transfer costs (`fare_transfer_type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferCost {
    /// 0: the transfer, and not the leg that follows.
    InsteadOfNext,
    /// 1: the transfer and the leg that follows.
    BesideNext,
    /// 2: the transfer alone, in place of both legs.
    InsteadOfBoth,
}

/// Which groups of legs a transfer rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfGroup {
    /// This one.
    One(GroupIx),
    /// All that no transfer rule names on this side.
    AnyOther,
}

/// A rule for transfers (`fare_transfer_rules.txt`).
#[derive(Clone, Copy, Debug)]
pub struct TransferRule {
    /// `from_leg_group_id`.
    pub from: OfGroup,
    /// `to_leg_group_id`.
    pub to: OfGroup,
    /// `transfer_count`; nothing where there is no limit.
    pub count: Option<u32>,
    /// `duration_limit` in seconds, and its type.
    pub limit: Option<(i64, Measured)>,
    /// `fare_transfer_type`.
    pub cost: TransferCost,
    /// `fare_product_id`; free where there is none.
    pub product: Option<ProductIx>,
    /// `filter_fare_product_id`: only for whoever has paid the leg before with it.
    pub paid_with: Option<ProductIx>,
}

/// A fare product on this card (`fare_products.txt`).
#[derive(Clone, Debug)]
pub struct Product {
    /// `fare_product_id`.
    pub id: String,
    /// `fare_product_name`.
    pub name: String,
    /// What it costs whoever belongs to a category, by its number; the last is for those who belong to none. Nothing where it
    /// is not sold to them on this card.
    pub prices: Vec<Option<Fen>>,
}

/// How riders of a network show that they travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validation {
    /// When they get on.
    On {
        /// Whoever has validated is found to have done so for so many seconds.
        valid_s: i64,
    },
    /// When they get on and when they get off.
    OnOff {
        /// What is charged where one of both is missing.
        maximum: Fen,
        /// Leaving where one has come in costs nothing within so many seconds.
        grace_s: i64,
        /// A journey takes no more seconds than this: what is longer are two taps that each lack the other.
        longest_s: i64,
    },
}

/// How long a journey takes at most where nothing is said of it, in seconds.
pub(super) const LONGEST_S: i64 = 14_400;

impl Validation {
    /// How long a leg waits for its end, in seconds.
    pub const fn longest_s(self) -> i64 {
        match self {
            Self::On { .. } => LONGEST_S,
            Self::OnOff { longest_s, .. } => longest_s,
        }
    }
}

/// A network of routes (`networks.txt`), and what the supplement says of it.
#[derive(Clone, Debug)]
pub struct Network {
    /// `network_id`.
    pub id: String,
    /// `network_name`, or its id.
    pub name: String,
    /// How riders validate.
    pub validation: Validation,
}

/// From when to when sums are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// A day of service.
    Day,
    /// A week from Monday.
    Week,
    /// A month of the calendar.
    Month,
}

/// Some networks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Networks(pub(super) Vec<bool>);

impl Networks {
    pub(super) fn hold(&self, network: NetworkIx) -> bool {
        self.0[usize::from(network)]
    }
}

/// What is counted over a period: a cap, or a discount that grows with what was paid.
#[derive(Clone, Debug)]
pub struct Counted {
    /// Its name, the same in each version.
    pub id: String,
    /// Where it counts.
    pub networks: Networks,
    /// Since when.
    pub period: Period,
    /// Concessions, by their numbers: for whoever was granted one of these nothing follows.
    pub except: Vec<usize>,
    /// What follows of the sum.
    pub rule: CountRule,
}

/// What follows of what was paid in a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CountRule {
    /// No more than this is paid.
    Cap(Fen),
    /// Once so much was paid a leg costs so many percent: by ascending sums.
    Steps(Vec<(Fen, u8)>),
}

/// What holders of some right pay.
#[derive(Clone, Debug)]
pub struct Concession {
    /// Its name, the same in each version: what a card's holder is granted.
    pub id: String,
    /// The category of the feed whose prices are theirs.
    pub rider: Option<RiderIx>,
    /// What they pay of each leg, and where.
    pub percent: Option<(u8, Networks)>,
}

/// A discount for whoever goes on within a time, where the feed has no rule for the transfer.
#[derive(Clone, Debug)]
pub struct Window {
    /// Its name.
    pub id: String,
    /// Where one comes from.
    pub from: Networks,
    /// Where one goes on.
    pub to: Networks,
    /// Seconds since the departure of the leg before.
    pub within_s: i64,
    /// What the leg costs less; all of it where it does not say.
    pub off: Option<Fen>,
}

/// A pass that is sold on the card.
#[derive(Clone, Debug)]
pub struct Pass {
    /// Its name, the same in each version.
    pub id: String,
    /// What riders call it.
    pub name: String,
    /// Where it is good.
    pub networks: Networks,
    /// How long.
    pub good_for: PassTime,
    /// What it costs.
    pub price: Fen,
}

/// How long a pass is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassTime {
    /// The month of the calendar in which it is bought.
    Month,
    /// So many days of service, the first counted in.
    Days(u16),
}

/// Everything that decides a fare.
#[derive(Clone, Debug)]
pub struct Tariff {
    pub(super) zones: Vec<TimeZone>,
    pub(super) stops: Vec<Stop>,
    pub(super) routes: Vec<Route>,
    pub(super) networks: Vec<Network>,
    pub(super) areas: Vec<String>,
    pub(super) products: Vec<Product>,
    pub(super) riders: usize,
    pub(super) services: Vec<Days>,
    pub(super) timeframes: Vec<Vec<Timeframe>>,
    pub(super) leg_rules: Vec<LegRule>,
    pub(super) by_key: HashMap<RuleKey, Vec<u32>, FixedState>,
    pub(super) join_rules: Vec<JoinRule>,
    pub(super) transfer_rules: Vec<TransferRule>,
    /// The ids of groups of leg rules.
    pub(super) groups: Vec<String>,
    /// Whether transfer rules name a group on the side one comes from, and on the side one goes to.
    pub(super) named_groups: Vec<[bool; 2]>,
    pub(super) counted: Vec<Counted>,
    pub(super) concessions: Vec<Concession>,
    pub(super) windows: Vec<Window>,
    pub(super) passes: Vec<Pass>,
    /// Seconds after midnight at which a day of service begins.
    pub(super) day_starts: i32,
    /// A journey goes on if the next leg begins so many seconds after the last has ended.
    pub(super) change_s: i64,
    /// The same for legs that count as one.
    pub(super) join_s: i64,
    pub(super) stop_numbers: HashMap<String, StopIx>,
    pub(super) route_numbers: HashMap<String, RouteIx>,
}

impl Tariff {
    /// How many stops, routes and leg rules it has.
    pub const fn size(&self) -> [usize; 3] {
        [self.stops.len(), self.routes.len(), self.leg_rules.len()]
    }

    /// The stop of an id.
    pub fn stop_named(&self, id: &str) -> Option<StopIx> {
        self.stop_numbers.get(id).copied()
    }

    /// The route of an id.
    pub fn route_named(&self, id: &str) -> Option<RouteIx> {
        self.route_numbers.get(id).copied()
    }

    /// What is known of a stop.
    ///
    /// # Panics
    /// With a number of another tariff.
    pub fn stop_of(&self, stop: StopIx) -> &Stop {
        &self.stops[stop.0 as usize]
    }

    /// What is known of a route.
    ///
    /// # Panics
    /// With a number of another tariff.
    pub fn route_of(&self, route: RouteIx) -> &Route {
        &self.routes[route.0 as usize]
    }

    /// The station of a stop, or itself.
    pub(super) fn station(&self, stop: StopIx) -> StopIx {
        self.stop_of(stop).station
    }

    /// The network of a route.
    pub(super) fn network(&self, route: RouteIx) -> NetworkIx {
        self.route_of(route).network
    }

    /// What is known of the network of a route.
    ///
    /// # Panics
    /// With a number of another tariff.
    pub fn network_of(&self, route: RouteIx) -> &Network {
        &self.networks[usize::from(self.network(route))]
    }

    /// How riders of a route validate.
    pub fn validation(&self, route: RouteIx) -> Validation {
        self.network_of(route).validation
    }

    /// Whether one leaves on a network where one has got on on another: the same, or one that a join rule connects.
    pub(super) fn leads(&self, from: NetworkIx, to: NetworkIx) -> bool {
        from == to || self.join_rules.iter().any(|rule| (rule.from_network, rule.to_network) == (from, to))
    }

    /// The number of a concession.
    pub fn concession(&self, id: &str) -> Option<usize> {
        self.concessions.iter().position(|concession| concession.id == id)
    }

    /// What may be granted, by its names.
    pub fn concession_names(&self) -> impl Iterator<Item = &str> {
        self.concessions.iter().map(|concession| &*concession.id)
    }

    /// What is known of a pass.
    pub fn pass_of(&self, id: &str) -> Option<&Pass> {
        self.passes.iter().find(|pass| pass.id == id)
    }

    /// Whether one of these rights is a pass that is good in a network at that moment.
    pub(super) fn has_pass(&self, rights: &[Right], network: &str, at: Micros) -> bool {
        let day = self.day_of_service(self.local(0, at));
        let network = self.networks.iter().position(|one| one.id == network);
        let is_good = |right: &Right| {
            let RightOf::Pass(id) = &right.of else { return false };
            let is_there = self.pass_of(id).zip(network).is_some_and(|(pass, network)| pass.networks.0[network]);
            is_there && (right.from.days()..=right.until.days()).contains(&i64::from(day))
        };
        rights.iter().any(is_good)
    }

    /// The day of service of a moment at a place.
    pub(super) const fn day_of_service(&self, local: LocalTime) -> i32 {
        if local.second < self.day_starts { local.day.saturating_sub(1) } else { local.day }
    }

    /// The number of a pass.
    pub fn pass(&self, id: &str) -> Option<usize> {
        self.passes.iter().position(|pass| pass.id == id)
    }

    /// The clock at a stop.
    pub(super) fn local(&self, zone: u16, at: Micros) -> LocalTime {
        let seconds = at.seconds();
        let timestamp = Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH);
        let shown = seconds + i64::from(self.zones[usize::from(zone)].to_offset(timestamp).seconds());
        let day = i32::try_from(shown.div_euclid(DAY_S)).unwrap_or(i32::MAX - 3);
        LocalTime { day, second: i32::try_from(shown.rem_euclid(DAY_S)).expect("below a day") }
    }

    /// The moment at which a day of service begins, by the agency's clock.
    pub fn begins(&self, day: Date) -> Micros {
        let midnight = day.start_utc().plus_seconds(i64::from(self.day_starts));
        let timestamp = Timestamp::from_second(midnight.seconds()).unwrap_or(Timestamp::UNIX_EPOCH);
        let civil = Offset::UTC.to_datetime(timestamp);
        let begins = civil.to_zoned(self.zones[0].clone()).map(|begins| begins.timestamp().as_microsecond());
        begins.map_or(midnight, Micros)
    }

    /// Whether a moment at a place lies in a group of timeframes.
    pub(super) fn is_within(&self, group: TimeframeIx, local: LocalTime) -> bool {
        self.timeframes[usize::from(group)].iter().any(|timeframe| {
            (timeframe.start..timeframe.end).contains(&local.second)
                && self.services[usize::from(timeframe.service)].hold(local.day)
        })
    }
}
