//! The fares of a city over time, and what somebody's showings cost under them. Pure: what is reckoned follows from where and when a
//! card was shown and from what its holder may claim, and not from the order in which that came to be known.

use std::sync::Arc;

use card_schema::clock::Micros;
use card_schema::operation::transit::Side;

use super::journey::{AGAIN_S, Made, Place, Validated, journeys};
use super::model::{
    Base, BaseSum, Charge, FareGroup, Granted, Leg, Rider, Right, RightOf, Showing, Sold, Standing, Step, Version,
};
use super::tariff::Tariff;

/// A version of the fares, ready to be asked.
#[derive(Clone, Debug)]
pub struct InForce {
    /// Its number.
    pub number: i64,
    /// From when on.
    pub starts_at: Micros,
    /// What it says.
    pub tariff: Arc<Tariff>,
}

/// All versions that may be asked.
#[derive(Clone, Debug, Default)]
pub struct Fares(Vec<InForce>);

/// A leg, and what it costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trip {
    /// The version that was asked, by its place in the fares.
    version: usize,
    /// Where the card was shown first, by its place among the showings.
    pub first: usize,
    /// Where it was shown again.
    pub last: Option<usize>,
    /// The leg, in the numbers of its version; nothing if a place of it is not of that version.
    pub leg: Option<Leg>,
    /// What it costs.
    pub charge: Charge,
    /// What was paid then in periods that go on.
    pub(super) sums: Vec<BaseSum>,
}

/// What showings come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reckoned {
    /// Legs that have ended, in the order of time in which they began.
    pub trips: Vec<Trip>,
    /// A leg that goes on: where the card was shown, by its place among the showings, and until when it waits for its end.
    pub open: Option<(usize, Micros)>,
}

/// Which versions may be asked for legs that began at a moment or later: those that start later, and the one in force then.
pub fn still_in_force(mut versions: Vec<Version>, since: Micros) -> Vec<Version> {
    versions.sort_unstable_by_key(|version| (version.starts_at, version.number));
    let first = versions.iter().rposition(|version| version.starts_at <= since).unwrap_or(0);
    versions.split_off(first)
}

impl Fares {
    /// All that there are.
    pub fn new(mut versions: Vec<InForce>) -> Self {
        versions.sort_unstable_by_key(|version| (version.starts_at, version.number));
        Self(versions)
    }

    /// All of them, in the order in which they come into force.
    pub fn versions(&self) -> &[InForce] {
        &self.0
    }

    /// The version in force at a moment: of those that have started the one that started last, and of these the newest.
    pub fn at(&self, at: Micros) -> Option<&InForce> {
        self.place_of(at).map(|place| &self.0[place])
    }

    /// The version that a trip was charged by.
    ///
    /// # Panics
    /// With a trip of other fares.
    pub fn of(&self, trip: &Trip) -> &InForce {
        &self.0[trip.version]
    }

    fn place_of(&self, at: Micros) -> Option<usize> {
        self.0.iter().rposition(|version| version.starts_at <= at)
    }

    /// Who gets what is paid where somebody got on; nothing where the fares have no such route.
    pub fn group(&self, showing: &Showing) -> Option<FareGroup> {
        let tariff = &self.at(showing.at)?.tariff;
        let network = tariff.network_of(tariff.route_named(&showing.route)?).id.clone();
        Some(FareGroup { organisation: showing.organisation, sold: Sold::Rides(network) })
    }

    /// What showings come to, as far as is known at `now`, for somebody with these rights, of whose travels before this is left. Where
    /// somebody was before there were fares, nothing is asked.
    pub fn reckon(&self, base: &Base, rights: &[Right], showings: &[&Showing], now: Micros) -> Reckoned {
        let mut reckoned = Reckoned::default();
        let mut standing = Standing::default();
        let runs = self.runs(showings);
        for (number, (version, run)) in runs.iter().enumerate() {
            let tariff = &*self.0[*version].tariff;
            standing = match number.checked_sub(1).map(|before| &runs[before]) {
                Some((before, _)) => standing.under(&self.0[*before].tariff, tariff),
                None => Standing::from(base, tariff),
            };
            let validated: Vec<_> = run.iter().map(|place| validated(tariff, showings[*place])).collect();
            // What is open when other fares come into force stays so: nobody comes to its end any more.
            let made = journeys(tariff, &validated, if number + 1 == runs.len() { now } else { Micros(i64::MAX) });
            let rider = rider(tariff, rights);
            for Made { leg, first, last } in made.legs {
                let charge = match &leg {
                    Some(leg) => tariff.charge(&rider, &mut standing, leg),
                    None => Charge { steps: vec![Step::Unknown], ..Charge::default() },
                };
                let (first, last) = (run[first], last.map(|last| run[last]));
                let sums = standing.sums_under(tariff);
                reckoned.trips.push(Trip { version: *version, first, last, leg, charge, sums });
            }
            reckoned.open = made.open.map(|open| (run[open], tariff.open_until(&validated[open])));
        }
        reckoned
    }

    /// Showings in the order of time, by the version that each is read with: the one in force, but for whoever leaves after having
    /// got on under another, and for what is shown again.
    fn runs(&self, showings: &[&Showing]) -> Vec<(usize, Vec<usize>)> {
        let mut in_time: Vec<usize> = (0..showings.len()).collect();
        in_time.sort_by_key(|place| {
            let Showing { at, side, stop, route, tap, .. } = showings[*place];
            (*at, *side, stop, route, tap.0)
        });
        let mut runs: Vec<(usize, Vec<usize>)> = Vec::new();
        let mut before: Option<&Showing> = None;
        for place in in_time {
            let showing = showings[place];
            let Some(mut version) = self.place_of(showing.at) else { continue };
            if let (Some(before), Some((running, _))) = (before, runs.last()) {
                let is_end = (before.side, showing.side) == (Side::On, Side::Off);
                if is_end || showing.at.seconds() - before.at.seconds() <= AGAIN_S {
                    version = *running;
                }
            }
            before = Some(showing);
            match runs.last_mut() {
                Some((running, run)) if *running == version => run.push(place),
                _ => runs.push((version, vec![place])),
            }
        }
        runs
    }
}

fn validated(tariff: &Tariff, showing: &Showing) -> Validated {
    let place = tariff.stop_named(&showing.stop).zip(tariff.route_named(&showing.route));
    let place = place.map(|(stop, route)| Place { stop, route });
    Validated { at: showing.at, side: showing.side, place }
}

/// What of some rights there is in a version: what it does not know gives nothing.
fn rider(tariff: &Tariff, rights: &[Right]) -> Rider {
    let mut rider = Rider::default();
    for Right { of, from, until } in rights {
        let (number, granted) = match of {
            RightOf::Concession(id) => (tariff.concession(id), &mut rider.concessions),
            RightOf::Pass(id) => (tariff.pass(id), &mut rider.passes),
        };
        granted.extend(number.map(|number| Granted { number, from: *from, until: *until }));
    }
    rider
}
