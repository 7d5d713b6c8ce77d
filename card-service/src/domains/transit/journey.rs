//! Which showings of a card belong together. Pure: legs follow from what was shown where and when, and not from the order in which
//! it came to be known.

use card_schema::clock::Micros;
use card_schema::operation::transit::Side;

use super::model::{End, Leg, Shown};
use super::tariff::{LONGEST_S, RouteIx, StopIx, Tariff, Validation};

/// Where a validator is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Its stop.
    pub stop: StopIx,
    /// The route, or one of the network whose gate it is.
    pub route: RouteIx,
}

/// A card was shown to a validator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validated {
    /// When.
    pub at: Micros,
    /// At which end.
    pub side: Side,
    /// Where; nothing if the tariff has no such place.
    pub place: Option<Place>,
}

/// A leg, and what it was made of, by numbers of what was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Made {
    /// The leg; nothing if one of its places is not of the tariff. Where the card was shown at its end alone, it is one that begins
    /// there and whose end is missing.
    pub leg: Option<Leg>,
    /// Where it was shown first.
    pub first: usize,
    /// Where it was shown again.
    pub last: Option<usize>,
}

/// What a card's showings make.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Journeys {
    /// In the order of time in which they began.
    pub legs: Vec<Made>,
    /// Showings that said again what was said already.
    pub repeated: Vec<usize>,
    /// Showings where one leaves and nobody has to show a card.
    pub idle: Vec<usize>,
    /// A leg that goes on.
    pub open: Option<usize>,
}

/// Who shows the card again so soon, at the same station and on the same side, does not begin anew; where one gets on at a gate, the
/// network's grace time counts if it is longer.
pub(super) const AGAIN_S: i64 = 60;

/// What showings make, as far as is known at `now`.
///
/// # Panics
/// With numbers of another tariff.
pub fn journeys(tariff: &Tariff, shown: &[Validated], now: Micros) -> Journeys {
    let mut in_time: Vec<usize> = (0..shown.len()).collect();
    // At one moment whoever leaves comes before whoever gets on; what then is alike is alike.
    in_time.sort_by_key(|number| {
        let Validated { at, side, place } = shown[*number];
        (at, side, place)
    });
    let mut making = Making { tariff, shown, made: Journeys::default(), last: None };
    for number in in_time {
        making.take(number);
    }
    making.close(now);
    making.made
}

struct Making<'a> {
    tariff: &'a Tariff,
    shown: &'a [Validated],
    made: Journeys,
    /// What was shown last.
    last: Option<usize>,
}

impl Making<'_> {
    fn take(&mut self, number: usize) {
        let new = self.shown[number];
        let validation = new.place.map(|place| self.tariff.validation(place.route));
        if let (Side::Off, Some(Validation::On { .. })) = (new.side, validation) {
            self.made.idle.push(number);
            return;
        }
        if self.last.is_some_and(|last| self.is_again(&self.shown[last], &new)) {
            self.made.repeated.push(number);
            return;
        }
        self.last = Some(number);
        match (new.side, validation) {
            (_, Some(Validation::On { .. })) => {
                self.give_up();
                self.make(number, None, End::NotShown);
            }
            (Side::On, _) => {
                self.give_up();
                self.made.open = Some(number);
            }
            (Side::Off, longest) => {
                // Whoever has got on and off pays for one journey, also where both do not fit.
                if let Some(open) = self.made.open.take() {
                    let end = self.end(&self.shown[open], &new, longest);
                    self.make(open, Some(number), end);
                } else {
                    self.make(number, None, End::Missing);
                }
            }
        }
    }

    fn is_again(&self, last: &Validated, new: &Validated) -> bool {
        let (Some(before), Some(now)) = (last.place, new.place) else { return false };
        let within_s = match (new.side, self.tariff.validation(now.route)) {
            (Side::On, Validation::OnOff { grace_s, .. }) => grace_s.max(AGAIN_S),
            _ => AGAIN_S,
        };
        last.side == new.side
            && self.tariff.network(before.route) == self.tariff.network(now.route)
            && self.tariff.station(before.stop) == self.tariff.station(now.stop)
            && new.at.seconds() - last.at.seconds() <= within_s
    }

    /// The end of a leg that is open, if this is it.
    fn end(&self, on: &Validated, off: &Validated, validation: Option<Validation>) -> End {
        let (Some(from), Some(to)) = (on.place, off.place) else { return End::Missing };
        let longest_s = validation.map_or(LONGEST_S, Validation::longest_s);
        let fits = self.tariff.leads(self.tariff.network(from.route), self.tariff.network(to.route))
            && off.at.seconds() - on.at.seconds() <= longest_s;
        if fits { End::Off(Shown { stop: to.stop, at: off.at }) } else { End::Missing }
    }

    /// The end of what is open will not come.
    fn give_up(&mut self) {
        if let Some(open) = self.made.open.take() {
            self.make(open, None, End::Missing);
        }
    }

    fn make(&mut self, first: usize, last: Option<usize>, end: End) {
        let Validated { at, place, .. } = self.shown[first];
        let is_known = last.is_none_or(|last| self.shown[last].place.is_some());
        let leg = place.filter(|_| is_known);
        let leg = leg.map(|Place { stop, route }| Leg { route, on: Shown { stop, at }, end });
        self.made.legs.push(Made { leg, first, last });
    }

    fn close(&mut self, now: Micros) {
        let Some(open) = self.made.open else { return };
        if now > self.tariff.open_until(&self.shown[open]) {
            self.give_up();
        }
    }
}

impl Tariff {
    /// Until when a leg that begins so waits for its end, that moment included.
    pub fn open_until(&self, on: &Validated) -> Micros {
        let longest_s = on.place.map_or(LONGEST_S, |place| self.validation(place.route).longest_s());
        // Whole seconds are compared.
        Micros(Micros::from_seconds(on.at.seconds() + longest_s + 1).0 - 1)
    }
}
