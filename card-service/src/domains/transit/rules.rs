//! What a leg costs. Pure: the tariff, the rider and the legs before decide, in the order of time.
//!
//! The semantics of the files are those of the GTFS Schedule Reference (revision of 2026-05): `fare_leg_rules.txt` for single
//! legs, `fare_leg_join_rules.txt` for legs that count as one, `fare_transfer_rules.txt` for journeys. Where it leaves a choice,
//! the rider pays less. What GTFS has no file for comes after: concessions, discounts for what was paid before, caps.

use std::cmp::Reverse;

use card_schema::clock::Micros;
use card_schema::date::Date;
use card_schema::money::Fen;

use super::model::{
    Base, BaseSum, Before, Charge, Effective, End, Granted, Journey, Leg, Link, Rider, Run, Shown, Standing, Step, Sum,
    Times,
};
use super::tariff::{
    CountRule, Counted, GroupIx, JoinRule, LegRule, Measured, NetworkIx, OfGroup, Period, ProductIx, StopIx, Tariff,
    TransferCost, TransferRule, Validation,
};

/// Who pays, and on which day of service.
struct Payer<'a> {
    rider: &'a Rider,
    network: NetworkIx,
    day: i32,
    date: Date,
}

/// What the rules of the feed say of a leg.
struct Processed {
    rule: LegRule,
    price: Fen,
    /// The transfer rule, by its number; nothing where a new journey begins.
    transfer: Option<usize>,
    /// What it adds to the journey.
    fare: Fen,
    link: Link,
}

impl Standing {
    /// Where a rider stands of whose travels this is left.
    pub(super) fn from(base: &Base, now: &Tariff) -> Self {
        let of_same = |counted: &Counted| {
            let sum = base.sums.iter().find(|sum| (&sum.id, sum.per) == (&counted.id, counted.period));
            sum.map_or(Sum::NONE, |sum| Sum { period: sum.period, paid: Fen(sum.paid) })
        };
        Self { journey: None, sums: now.counted.iter().map(of_same).collect() }
    }

    /// What fares still depend on where no journey goes on.
    pub(super) fn sums_under(&self, now: &Tariff) -> Vec<BaseSum> {
        let sums = now.counted.iter().zip(&self.sums).filter(|(_, sum)| **sum != Sum::NONE);
        let kept = |(counted, sum): (&Counted, &Sum)| BaseSum {
            id: counted.id.clone(),
            per: counted.period,
            period: sum.period,
            paid: sum.paid.0,
        };
        sums.map(kept).collect()
    }

    /// Where a rider stands who goes on under other fares: what is counted under the same name goes on, and no journey does.
    pub(super) fn under(self, before: &Tariff, now: &Tariff) -> Self {
        let of_same = |counted: &Counted| {
            let is_same = |other: &Counted| (&other.id, other.period) == (&counted.id, counted.period);
            let place = before.counted.iter().position(is_same)?;
            self.sums.get(place).copied()
        };
        let sums = now.counted.iter().map(|counted| of_same(counted).unwrap_or(Sum::NONE)).collect();
        Self { journey: None, sums }
    }
}

impl Tariff {
    /// What a leg costs a rider who stands where `standing` says, which then stands after it. Legs come in the order of time.
    ///
    /// # Panics
    /// With numbers of another tariff.
    pub fn charge(&self, rider: &Rider, standing: &mut Standing, leg: &Leg) -> Charge {
        let route = self.route_of(leg.route);
        let on = self.local(self.stop_of(leg.on.stop).zone, leg.on.at);
        let day = self.day_of_service(on);
        let date = Date::from_days(i64::from(day)).unwrap_or(Date::of_utc(leg.on.at));
        let payer = Payer { rider, network: route.network, day, date };
        self.turn(standing, &payer);

        if let Some(number) = self.pass_held(&payer) {
            standing.journey = None;
            return Charge { amount: Fen::ZERO, steps: vec![Step::Pass { number }] };
        }
        let mut steps = Vec::with_capacity(4);
        let amount = match (leg.end, self.validation(leg.route)) {
            (End::Missing, Validation::OnOff { maximum, .. }) => {
                standing.journey = None;
                steps.push(Step::Maximum { amount: maximum });
                self.reduced(&payer, &standing.sums, maximum, &mut steps)
            }
            (End::Off(off), Validation::OnOff { grace_s, .. }) if self.is_back(leg.on, off, grace_s) => {
                steps.push(Step::SameStop);
                Fen::ZERO
            }
            _ => self.travelled(&payer, standing, leg, &mut steps),
        };
        for (counted, sum) in self.counted.iter().zip(&mut standing.sums) {
            if counted.networks.hold(payer.network) {
                sum.paid.0 += amount.0;
            }
        }
        Charge { amount, steps }
    }

    /// Begins what is counted anew where its period is over. It never goes back to an earlier one, as between time zones it might.
    fn turn(&self, standing: &mut Standing, payer: &Payer<'_>) {
        standing.sums.resize(self.counted.len(), Sum::NONE);
        for (counted, sum) in self.counted.iter().zip(&mut standing.sums) {
            let period = match counted.period {
                Period::Day => payer.day,
                // 1970 began on a Thursday.
                Period::Week => payer.day.saturating_add(3).div_euclid(7),
                Period::Month => i32::from(payer.date.year()) * 12 + i32::from(payer.date.month()),
            };
            if sum.period < period {
                *sum = Sum { period, paid: Fen::ZERO };
            }
        }
    }

    fn pass_held(&self, payer: &Payer<'_>) -> Option<usize> {
        let held = in_force(&payer.rider.passes, payer.date);
        held.map(|granted| granted.number).filter(|number| self.passes[*number].networks.hold(payer.network)).min()
    }

    fn is_back(&self, on: Shown, off: Shown, grace_s: i64) -> bool {
        self.station(on.stop) == self.station(off.stop) && seconds(on.at, off.at) <= grace_s
    }

    /// What the feed asks for a leg, and what is left of it.
    fn travelled(&self, payer: &Payer<'_>, standing: &mut Standing, leg: &Leg, steps: &mut Vec<Step>) -> Fen {
        let (to, arrived) = match leg.end {
            End::Off(off) => (Some(off.stop), off.at),
            End::NotShown | End::Missing => (None, leg.on.at),
        };
        let named = self.route_of(leg.route).named;
        let times = Times { departed: leg.on.at, arrived };
        let alone = Effective { named, from: leg.on.stop, to, times };
        let changing_s = |journey: &Journey| seconds(journey.link.last.arrived, leg.on.at);
        let journey = standing.journey.take().filter(|journey| changing_s(journey) <= self.change_s);
        let joining = journey.filter(|journey| changing_s(journey) <= self.join_s);
        let joining = joining.filter(|journey| self.joins(journey, leg, payer.network)).and_then(|longer| {
            let (before, effective) = (longer.before, longer.leg.with(&alone));
            let processed = self.processed(payer, before.as_ref(), &effective)?;
            Some((Some(longer), before, effective, processed))
        });
        // Where no rule is about both as one, the leg stands alone.
        let processed = joining.or_else(|| {
            let before = journey.map(|Journey { link, charged, .. }| Before { link, charged });
            Some((None, before, alone, self.processed(payer, before.as_ref(), &alone)?))
        });
        let Some((longer, before, effective, processed)) = processed else {
            steps.push(Step::Unknown);
            return Fen::ZERO;
        };
        let Processed { rule, price, transfer, fare, link } = processed;
        steps.push(Step::Fare { product: rule.product, from: rule.from, to: rule.to, amount: price });
        if let Some(rule) = transfer {
            steps.push(Step::Transfer { rule, amount: minus(fare, price) });
        }
        if let Some(longer) = longer {
            steps.push(Step::Joined { amount: minus(Fen::ZERO, longer.fare) });
        }
        // What was asked and paid for the part that this leg makes longer, and in the journey before it.
        let (replaced, own) = longer.map_or((Fen::ZERO, Fen::ZERO), |longer| (longer.fare, longer.own));
        let charged = before.filter(|_| transfer.is_some()).map_or(Fen::ZERO, |before| before.charged);
        let asked = minus(fare, replaced);
        let amount = if asked < Fen::ZERO {
            given_back(asked, minus(link.total, asked), Fen(charged.0 + own.0), steps)
        } else {
            let from = journey.filter(|_| transfer.is_none() && longer.is_none());
            let asked = from.map_or(asked, |from| self.in_time(&from, payer.network, leg.on.at, asked, steps));
            self.reduced(payer, &standing.sums, asked, steps)
        };
        let own = Fen(own.0 + amount.0);
        let (network, charged) = (payer.network, Fen(charged.0 + own.0));
        standing.journey = Some(Journey { before, leg: effective, network, fare, own, link, charged });
        amount
    }

    /// Whether a leg makes the last one longer (`fare_leg_join_rules.txt`).
    fn joins(&self, journey: &Journey, leg: &Leg, network: NetworkIx) -> bool {
        let Some(to) = journey.leg.to else { return false };
        let is = |stop: StopIx, named: StopIx| stop == named || self.station(stop) == named;
        let on = leg.on.stop;
        self.join_rules.iter().any(|&JoinRule { from_network: from, to_network: next, stops }| {
            (from, next) == (journey.network, network)
                && match stops {
                    Some((ends, begins)) => is(to, ends) && is(on, begins),
                    None => self.station(to) == self.station(on),
                }
        })
    }

    /// The leg rules that match (`fare_leg_rules.txt`).
    fn matching<'a>(&'a self, leg: &'a Effective) -> impl Iterator<Item = &'a LegRule> + Clone {
        const UNKNOWN: &[Option<u16>] = &[None];
        let from = &self.stop_of(leg.from).from;
        let to = leg.to.map_or(UNKNOWN, |to| &self.stop_of(to).to);
        let keys = leg
            .named
            .keys()
            .flat_map(move |network| from.iter().flat_map(move |from| to.iter().map(move |to| (network, *from, *to))));
        let rules = keys.filter_map(|key| self.by_key.get(&key)).flatten();
        rules.map(|number| &self.leg_rules[*number as usize]).filter(|rule| self.is_in_time(rule, leg))
    }

    fn is_in_time(&self, rule: &LegRule, leg: &Effective) -> bool {
        let holds = |group: Option<u16>, stop: StopIx, at: Micros| {
            group.is_none_or(|group| self.is_within(group, self.local(self.stop_of(stop).zone, at)))
        };
        holds(rule.from_timeframe, leg.from, leg.times.departed)
            && holds(rule.to_timeframe, leg.to.unwrap_or(leg.from), leg.times.arrived)
    }

    /// What a product costs whoever pays: the least of what may be claimed.
    fn price(&self, product: ProductIx, payer: &Payer<'_>) -> Option<Fen> {
        let prices = &self.products[usize::from(product)].prices;
        let granted = in_force(&payer.rider.concessions, payer.date);
        let claimed = granted.filter_map(|granted| prices[usize::from(self.concessions[granted.number].rider?)]);
        claimed.chain(prices[self.riders]).min()
    }

    /// The cheapest way to read the rules of the feed for a leg; nothing where none is about it.
    fn processed(&self, payer: &Payer<'_>, before: Option<&Before>, leg: &Effective) -> Option<Processed> {
        let matching = self.matching(leg);
        let priced = matching.filter_map(|rule| Some((rule, self.price(rule.product, payer)?)));
        let highest = priced.clone().map(|(rule, _)| rule.priority).max()?;
        let of_highest = priced.filter(|(rule, _)| rule.priority == highest);
        let linked = of_highest.map(|(rule, price)| self.linked(payer, before, leg, *rule, price));
        linked.min_by_key(|processed| processed.fare)
    }

    /// A leg after those before it, if a transfer rule connects them, and else as the first of a journey.
    fn linked(
        &self,
        payer: &Payer<'_>,
        before: Option<&Before>,
        leg: &Effective,
        rule: LegRule,
        price: Fen,
    ) -> Processed {
        let connected = before.and_then(|before| {
            let (fare, number, run) = self.transfer(payer, &before.link, rule.group?, leg, price)?;
            Some((&before.link, fare, number, run))
        });
        let (group, product, last) = (rule.group, rule.product, leg.times);
        let Some((before, fare, number, run)) = connected else {
            let link = Link { total: price, transfers: 0, group, product, last, run: None };
            return Processed { rule, price, transfer: None, fare: price, link };
        };
        let (total, transfers) = (Fen(before.total.0 + fare.0), before.transfers + 1);
        let link = Link { total, transfers, group, product, last, run: Some(run) };
        Processed { rule, price, transfer: Some(number), fare, link }
    }

    /// The transfer rule that connects a leg to what was before it: what both add, its number, and which of a run it is
    /// (`fare_transfer_rules.txt`).
    fn transfer(
        &self,
        payer: &Payer<'_>,
        before: &Link,
        to: GroupIx,
        leg: &Effective,
        price: Fen,
    ) -> Option<(Fen, usize, Run)> {
        let from = before.group?;
        let names = |side: usize, of: OfGroup, group: GroupIx| match of {
            OfGroup::One(one) => one == group,
            OfGroup::AnyOther => !self.named_groups[usize::from(group)][side],
        };
        let applying = self.transfer_rules.iter().enumerate().filter_map(|(number, rule)| {
            let run = before.run_with(rule);
            let applies = names(0, rule.from, from)
                && names(1, rule.to, to)
                && rule.paid_with.is_none_or(|product| product == before.product)
                && rule.count.is_none_or(|most| most >= run.count)
                && rule.limit.is_none_or(|(limit_s, measured)| duration_s(run.first, leg.times, measured) <= limit_s);
            if !applies {
                return None;
            }
            let transfer = rule.product.map_or(Some(Fen::ZERO), |product| self.price(product, payer))?;
            let added = match rule.cost {
                TransferCost::BesideNext => transfer.0 + price.0,
                TransferCost::InsteadOfBoth if before.transfers == 0 => transfer.0 - before.total.0,
                TransferCost::InsteadOfNext | TransferCost::InsteadOfBoth => transfer.0,
            };
            Some((rule.count.unwrap_or(u32::MAX), Fen(added), number, run))
        });
        let least = applying.min_by_key(|(most, added, number, _)| (*most, *added, *number));
        least.map(|(_, added, number, run)| (added, number, run))
    }

    /// What is asked of whoever goes on in time, where the feed says nothing of that transfer.
    fn in_time(&self, before: &Journey, network: NetworkIx, at: Micros, asked: Fen, steps: &mut Vec<Step>) -> Fen {
        let since = seconds(before.link.last.departed, at);
        let windows = self.windows.iter().enumerate().filter(|(_, window)| {
            window.from.hold(before.network) && window.to.hold(network) && since <= window.within_s
        });
        let offs = windows.map(|(number, window)| (window.off.map_or(asked, |off| off.min(asked)), number));
        let taken = offs.filter(|(off, _)| *off > Fen::ZERO).max_by_key(|(off, number)| (*off, Reverse(*number)));
        taken.map_or(asked, |(off, number)| {
            steps.push(Step::Window { number, amount: minus(Fen::ZERO, off) });
            minus(asked, off)
        })
    }

    /// What is left to pay after concessions, discounts and caps.
    fn reduced(&self, payer: &Payer<'_>, sums: &[Sum], asked: Fen, steps: &mut Vec<Step>) -> Fen {
        let mut left = asked;
        let granted = in_force(&payer.rider.concessions, payer.date).map(|granted| granted.number);
        let is_excepted = |counted: &Counted| granted.clone().any(|number| counted.except.contains(&number));
        let percents = granted.clone().filter_map(|number| {
            let (percent, networks) = self.concessions[number].percent.as_ref()?;
            networks.hold(payer.network).then_some((*percent, number))
        });
        if let Some((percent, number)) = percents.min() {
            let amount = minus(part(left, percent), left);
            steps.push(Step::Concession { number, percent, amount });
            left.0 += amount.0;
        }
        let mut cap: Option<(Fen, usize)> = None;
        for (number, (counted, sum)) in self.counted.iter().zip(sums).enumerate() {
            match &counted.rule {
                _ if !counted.networks.hold(payer.network) || is_excepted(counted) => {}
                CountRule::Steps(by_sum) => {
                    let reached = by_sum.iter().rev().find(|(from, _)| sum.paid >= *from);
                    if let Some(&(_, percent)) = reached.filter(|(_, percent)| *percent < 100) {
                        let amount = minus(part(left, percent), left);
                        steps.push(Step::Discount { number, percent, amount });
                        left.0 += amount.0;
                    }
                }
                CountRule::Cap(most) => {
                    let room = (minus(*most, sum.paid).max(Fen::ZERO), number);
                    cap = Some(cap.map_or(room, |least| least.min(room)));
                }
            }
        }
        if let Some((room, number)) = cap.filter(|(room, _)| *room < left) {
            steps.push(Step::Cap { number, amount: minus(room, left) });
            left = room;
        }
        left
    }
}

impl Link {
    /// Which of a run a transfer by a rule is: a rule from a group to the same counts from the first leg that such a rule matched,
    /// others from the last leg.
    fn run_with(&self, rule: &TransferRule) -> Run {
        let groups = (rule.from, rule.to);
        let going_on = self.run.filter(|run| run.groups == groups && rule.from == rule.to);
        let (first, before) = going_on.map_or((self.last, 0), |run| (run.first, run.count));
        Run { groups, first, count: before + 1 }
    }
}

impl Effective {
    /// Both as one leg.
    fn with(&self, next: &Self) -> Self {
        let times = Times { departed: self.times.departed, arrived: next.times.arrived };
        Self { named: self.named.and(next.named), from: self.from, to: next.to, times }
    }
}

/// Of what a transfer gives back (`asked`, below zero, of the fare `before`), the part that was paid.
fn given_back(asked: Fen, before: Fen, charged: Fen, steps: &mut Vec<Step>) -> Fen {
    let back = if before > Fen::ZERO {
        let exact = i128::from(charged.0.max(0)) * i128::from(-asked.0);
        let rounded = (exact + i128::from(before.0) - 1) / i128::from(before.0);
        Fen(-i64::try_from(rounded).unwrap_or(charged.0).min(charged.0.max(0)))
    } else {
        Fen::ZERO
    };
    if back != asked {
        steps.push(Step::Paid { amount: minus(back, asked) });
    }
    back
}

/// What is in force on a day.
fn in_force(granted: &[Granted], date: Date) -> impl Iterator<Item = &Granted> + Clone {
    granted.iter().filter(move |granted| granted.from <= date && date <= granted.until)
}

fn duration_s(first: Times, last: Times, measured: Measured) -> i64 {
    match measured {
        Measured::DepartureToArrival => seconds(first.departed, last.arrived),
        Measured::DepartureToDeparture => seconds(first.departed, last.departed),
        Measured::ArrivalToDeparture => seconds(first.arrived, last.departed),
        Measured::ArrivalToArrival => seconds(first.arrived, last.arrived),
    }
}

/// Whole seconds, rounded down, as validators show the time.
fn seconds(from: Micros, to: Micros) -> i64 {
    to.seconds() - from.seconds()
}

const fn minus(amount: Fen, less: Fen) -> Fen {
    Fen(amount.0 - less.0)
}

/// So many percent of an amount; what is less than a fen is the rider's.
fn part(amount: Fen, percent: u8) -> Fen {
    Fen((amount.0 * i64::from(percent)).div_euclid(100))
}
