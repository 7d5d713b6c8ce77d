//! Which showings of a card belong together. Pure: legs follow from what was shown where and when, and not from the order in which
//! it came to be known.

use card_schema::clock::Micros;

use super::model::{End, Leg, Shown};
use super::tariff::{RouteIx, Tariff, Validation};

/// Which end of a leg a validator is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// Where one leaves.
    Off,
    /// Where one gets on.
    On,
}

/// A card was shown to a validator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validated {
    /// The route, or one of the network whose gate it is.
    pub route: RouteIx,
    /// At which end.
    pub side: Side,
    /// Where and when.
    pub shown: Shown,
}

/// A leg, and what it was made of, by numbers of what was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Made {
    /// The leg. Where the card was shown at its end alone, it is one that begins there and whose end is missing.
    pub leg: Leg,
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
const AGAIN_S: i64 = 60;

/// What showings make, as far as is known at `now`.
///
/// # Panics
/// With numbers of another tariff.
pub fn journeys(tariff: &Tariff, shown: &[Validated], now: Micros) -> Journeys {
    let mut in_time: Vec<usize> = (0..shown.len()).collect();
    // At one moment whoever leaves comes before whoever gets on; what then is alike is alike.
    in_time.sort_by_key(|number| {
        let Validated { route, side, shown: Shown { stop, at } } = shown[*number];
        (at, side, stop, route)
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
        let validation = self.tariff.validation(new.route);
        if (new.side, validation) == (Side::Off, Validation::On) {
            self.made.idle.push(number);
            return;
        }
        if self.last.is_some_and(|last| self.is_again(&self.shown[last], &new)) {
            self.made.repeated.push(number);
            return;
        }
        self.last = Some(number);
        match (new.side, validation) {
            (_, Validation::On) => {
                self.give_up();
                self.make(number, None, End::NotShown);
            }
            (Side::On, Validation::OnOff { .. }) => {
                self.give_up();
                self.made.open = Some(number);
            }
            (Side::Off, Validation::OnOff { longest_s, .. }) => {
                // Whoever has got on and off pays for one journey, also where both do not fit.
                if let Some(open) = self.made.open.take() {
                    let fits = self.belong(&self.shown[open], &new, longest_s);
                    self.make(open, Some(number), if fits { End::Off(new.shown) } else { End::Missing });
                } else {
                    self.make(number, None, End::Missing);
                }
            }
        }
    }

    fn is_again(&self, last: &Validated, new: &Validated) -> bool {
        let within_s = match (new.side, self.tariff.validation(new.route)) {
            (Side::On, Validation::OnOff { grace_s, .. }) => grace_s.max(AGAIN_S),
            _ => AGAIN_S,
        };
        last.side == new.side
            && self.tariff.network(last.route) == self.tariff.network(new.route)
            && self.tariff.station(last.shown.stop) == self.tariff.station(new.shown.stop)
            && new.shown.at.seconds() - last.shown.at.seconds() <= within_s
    }

    fn belong(&self, on: &Validated, off: &Validated, longest_s: i64) -> bool {
        self.tariff.leads(self.tariff.network(on.route), self.tariff.network(off.route))
            && off.shown.at.seconds() - on.shown.at.seconds() <= longest_s
    }

    /// The end of what is open will not come.
    fn give_up(&mut self) {
        if let Some(open) = self.made.open.take() {
            self.make(open, None, End::Missing);
        }
    }

    fn make(&mut self, first: usize, last: Option<usize>, end: End) {
        let Validated { route, shown: on, .. } = self.shown[first];
        self.made.legs.push(Made { leg: Leg { route, on, end }, first, last });
    }

    fn close(&mut self, now: Micros) {
        let Some(open) = self.made.open else { return };
        let Validated { route, shown: on, .. } = self.shown[open];
        if let Validation::OnOff { longest_s, .. } = self.tariff.validation(route)
            && now.seconds() - on.at.seconds() > longest_s
        {
            self.give_up();
        }
    }
}
