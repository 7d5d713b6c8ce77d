//! A day of a town: 20,000 people and 60,000 journeys, of which some validators tell at the end of the day alone and in any order, and
//! some have no end. What is booked is what the fares ask for, to the fen.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use card_schema::clock::Micros;
use card_schema::ids::{OrganisationId, Shard, TapId};
use card_schema::operation::transit::Side;
use card_service::domains::transit::booking::{self, Booking, Payer};
use card_service::domains::transit::fares::InForce;
use card_service::domains::transit::model::{End, GroupId, Leg, RiderKey, Riding, Showing, account_of};
use card_service::domains::transit::{Fares, Tariff, feed};
use card_service::ledger::{Account, Book, CreditLimit, LastIds};
use fares::city;
use fastrand::Rng;

const RIDERS: usize = 20_000;
const JOURNEYS: usize = 60_000;
/// What everybody has in the morning, in fen; some have less than a day costs.
const MONEY: [i64; 4] = [100, 2_000, 10_000, 50_000];
const SHARDS: u8 = 8;

/// What one validator tells, and when the service hears it.
struct Told {
    rider: usize,
    showing: Showing,
    heard: Micros,
}

fn shown(tariff: &Tariff, leg: &Leg, number: &mut u128) -> Vec<Showing> {
    let route = tariff.route_of(leg.route);
    let mut showing = |at: Micros, side, stop| {
        *number += 1;
        let mut tap = [0; 32];
        tap[..16].copy_from_slice(&number.to_be_bytes());
        // Three operators, by the route.
        let operator = u8::try_from(route.id.len() % 3).unwrap_or(0) + 1;
        let organisation = OrganisationId::from_bytes([operator; 16]);
        let (stop, route) = (tariff.stop_of(stop).id.clone(), route.id.clone());
        Showing { at, side, stop, route, organisation, tariff: 1, tap: TapId(tap) }
    };
    let on = showing(leg.on.at, Side::On, leg.on.stop);
    let off = match leg.end {
        End::Off(off) => Some(showing(off.at, Side::Off, off.stop)),
        End::NotShown | End::Missing => None,
    };
    std::iter::once(on).chain(off).collect()
}

/// Everything that is told on the day, in the order in which the service hears it: one vehicle in twenty has no network before it is
/// back in the evening.
fn told(tariff: &Tariff, random: &mut Rng) -> Vec<Told> {
    let (mut all, mut number) = (Vec::new(), 0);
    for rider in 0..RIDERS {
        for leg in city::day_of(tariff, random, 1, JOURNEYS / RIDERS) {
            for showing in shown(tariff, &leg, &mut number) {
                let is_offline = showing.route.bytes().fold(7_u64, |hash, byte| hash * 31 + u64::from(byte)) % 20 == 0;
                let late_s = if is_offline { random.i64(20 * 3_600..40 * 3_600) } else { random.i64(0..3) };
                let heard = showing.at.plus_seconds(late_s);
                all.push(Told { rider, showing, heard });
            }
        }
    }
    all.sort_by_key(|told| told.heard);
    all
}

struct Town {
    fares: Fares,
    book: Book,
    riders: Vec<(RiderKey, Riding)>,
    refused: usize,
}

impl Town {
    fn open(tariff: Tariff) -> Self {
        let version = InForce { number: 1, starts_at: Micros(0), tariff: Arc::new(tariff) };
        let mut book = Book::default();
        let mut riders = Vec::with_capacity(RIDERS);
        for shard in (0..SHARDS).map(Shard) {
            book.load_last_ids(shard, LastIds { account: 1_000_000, transfer: 0 });
        }
        for number in 0..RIDERS {
            let shard = Shard(u8::try_from(number % usize::from(SHARDS)).unwrap_or(0));
            let mut id = [0; 16];
            id[8..].copy_from_slice(&(number as u64 + 1).to_be_bytes());
            let rider = RiderKey { shard, id, is_issuers: false };
            let key = Payer::of(rider).purse.expect("a holder has a purse");
            let (balance, credit_limit) = (MONEY[number % MONEY.len()], CreditLimit::NO_OVERDRAFT);
            let id = i64::try_from(number).unwrap_or(0) + 1;
            book.load_account(Account { key, id, credit_limit, balance, held: 0 });
            riders.push((rider, Riding::default()));
        }
        Self { fares: Fares::new(vec![version]), book, riders, refused: 0 }
    }

    /// What intake does with a tap, and the job with a leg whose end does not come.
    fn reckon(&mut self, number: usize, showing: Option<Showing>, now: Micros) {
        let (rider, riding) = &mut self.riders[number];
        let Booking { transfers, ride } = booking::book(&self.fares, *rider, riding, showing, now, &self.book);
        match self.book.post_linked(now, &transfers) {
            Ok(_) => riding.follow(&ride),
            Err(_) => self.refused += 1,
        }
    }
}

#[test]
fn a_day_of_a_town_settles_to_the_fen() -> Result<()> {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = Rng::with_seed(seed);
    let (archive, supplement) = city::feed()?;
    let (tariff, report) = feed::read(&archive, &supplement);
    let tariff = tariff.with_context(|| format!("{report:#?}"))?;
    let told = told(&tariff, &mut random);
    let taps = told.len();
    let mut town = Town::open(tariff);
    let mut end = Micros(0);
    for Told { rider, showing, heard } in told {
        end = end.max(heard);
        town.reckon(rider, Some(showing), heard);
    }
    end = end.plus_seconds(86_400);
    for number in 0..RIDERS {
        if town.riders[number].1.open_until.is_some_and(|until| until < end) {
            town.reckon(number, None, end);
        }
    }
    ensure!(town.refused == 0, "seed {seed}: the ledger has refused {} bookings", town.refused);

    // Once more and all at once, by whoever has nothing but the taps.
    let mut due: BTreeMap<(Shard, GroupId), i64> = BTreeMap::new();
    let (mut trips, mut missing, mut advanced) = (0, 0, 0);
    for (rider, riding) in &town.riders {
        let mut showings: Vec<&Showing> = riding.showings.iter().collect();
        random.shuffle(&mut showings);
        for trip in town.fares.reckon(&riding.base, &[], &showings, end).trips {
            let group = town.fares.group(showings[trip.first]).context("a route of this city")?;
            *due.entry((rider.shard, group.id())).or_default() += trip.charge.amount.0;
            trips += 1;
            missing += usize::from(trip.leg.is_some_and(|leg| leg.end == End::Missing));
        }
        advanced += riding.advanced;
    }
    for ((shard, group), amount) in &due {
        ensure!(town.book.balance(&account_of(*group, *shard)) == *amount, "seed {seed}: an operator has another sum");
    }
    let taken: i64 = due.values().sum();
    let purse = |number: usize| town.book.balance(&Payer::of(town.riders[number].0).purse.expect("a purse"));
    let left: i64 = (0..RIDERS).map(purse).sum();
    let had: i64 = (0..RIDERS).map(|number| MONEY[number % MONEY.len()]).sum();
    ensure!(had + advanced == left + taken, "seed {seed}: {had} and {advanced} are not {left} and {taken}");
    println!("{taps} taps, {trips} rides, {missing} without an end, {taken} fen, {advanced} of them advanced");
    ensure!(trips >= JOURNEYS * 95 / 100 && missing > 0 && advanced > 0, "seed {seed}: {trips} {missing} {advanced}");
    Ok(())
}
