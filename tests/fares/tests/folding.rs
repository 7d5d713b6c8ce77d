//! What was folded changes no fare: whoever goes on pays what they would have paid had nothing been forgotten.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use card_schema::clock::Micros;
use card_schema::date::Date;
use card_schema::ids::{OrganisationId, TapId};
use card_schema::operation::transit::Side;
use card_service::domains::transit::Fares;
use card_service::domains::transit::fares::InForce;
use card_service::domains::transit::model::{Base, GroupId, Riding, Showing};
use fares::{moment, tariff};
use fastrand::Rng;

const ROUTES: [&str; 3] = ["b1", "m1", "e1"];
const STOPS: [&str; 6] = ["a1", "b1", "p1", "p2", "st", "zz"];

fn fares(names: &[(&str, i64)]) -> Result<Fares> {
    let first = Date::new(2026, 10, 1).context("a day")?;
    let versions = names.iter().zip(1..).map(|((name, day), number)| {
        let starts_at = moment(first, 0, "3:00")?.plus_seconds(day * 86_400);
        Ok(InForce { number, starts_at, tariff: Arc::new(tariff(name)?) })
    });
    Ok(Fares::new(versions.collect::<Result<_>>()?))
}

/// Somebody who travels most days of two months, in days with pauses and nights without.
fn travels(random: &mut Rng) -> Result<Vec<Showing>> {
    let first = Date::new(2026, 10, 1).context("a day")?;
    let mut showings = Vec::new();
    for day in 0..60 {
        for _ in 0..random.usize(0..7) {
            let at = moment(first, 0, "0:00")?.plus_seconds(day * 86_400 + random.i64(0..86_400));
            showings.push(Showing {
                at,
                side: if random.bool() { Side::On } else { Side::Off },
                stop: STOPS[random.usize(..STOPS.len())].to_owned(),
                route: ROUTES[random.usize(..ROUTES.len())].to_owned(),
                organisation: OrganisationId::from_bytes([random.u8(1..3); 16]),
                tariff: 1,
                tap: TapId(std::array::from_fn(|_| random.u8(..))),
            });
        }
    }
    Ok(showings)
}

type Sums = BTreeMap<GroupId, i64>;

fn charged(fares: &Fares, riding: &Riding, sums: &mut Sums) {
    let showings: Vec<&Showing> = riding.showings.iter().collect();
    for trip in fares.reckon(&riding.base, &riding.rights, &showings, Micros(i64::MAX / 2)).trips {
        if let Some(group) = fares.group(showings[trip.first]) {
            *sums.entry(group.id()).or_default() += trip.charge.amount.0;
        }
    }
}

#[test]
fn what_was_folded_changes_no_fare() -> Result<()> {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = Rng::with_seed(seed);
    let mut folded = 0;
    for fares in [fares(&[("caps", 0)])?, fares(&[("caps", 0), ("caps", 20), ("caps", 40)])?] {
        for _ in 0..200 {
            let whole = Riding { showings: travels(&mut random)?, ..Riding::default() };
            let mut expected = Sums::new();
            charged(&fares, &whole, &mut expected);
            // Folded again and again, as the days go by.
            let (mut rest, mut sums) = (whole, Sums::new());
            let mut day = random.i64(1..10);
            while day < 60 {
                let before = moment(Date::new(2026, 10, 1).context("a day")?, 0, "0:00")?.plus_seconds(day * 86_400);
                if let Some(folding) = fares.folding(&rest, before) {
                    for (group, amount) in folding.charged {
                        *sums.entry(group).or_default() += amount;
                    }
                    let kept = rest.showings.len();
                    rest.showings.retain(|showing| showing.at > folding.until);
                    folded += kept - rest.showings.len();
                    rest.base = folding.base;
                }
                day += random.i64(1..10);
            }
            charged(&fares, &rest, &mut sums);
            sums.retain(|_, amount| *amount != 0);
            expected.retain(|_, amount| *amount != 0);
            assert_eq!(sums, expected, "seed {seed}");
        }
    }
    assert!(folded > 10_000, "seed {seed}: {folded} were folded");
    Ok(())
}

#[test]
fn what_was_paid_in_a_month_counts_for_what_comes_in_late() -> Result<()> {
    let (fares, day) = (fares(&[("beijing", 0)])?, Date::new(2026, 10, 1).context("a day")?);
    let shown = |day_of: i64, time: &str, side, stop: &str| -> Result<Showing> {
        let at = moment(day, 0, time)?.plus_seconds(day_of * 86_400);
        let (stop, route) = (stop.to_owned(), "l1".to_owned());
        let (organisation, tap) = (OrganisationId::from_bytes([1; 16]), TapId([u8::try_from(day_of)?; 32]));
        Ok(Showing { at, side, stop, route, organisation, tariff: 1, tap })
    };
    let ride = |day: i64| {
        Ok::<_, anyhow::Error>([shown(day, "8:00", Side::On, "s0")?, shown(day, "10:00", Side::Off, "s72")?])
    };
    // Thirteen rides of 8.00 are more than 100.00: the next is at 80 %.
    let mut showings = Vec::new();
    for day in 0..13 {
        showings.extend(ride(day)?);
    }
    let riding = Riding { showings, ..Riding::default() };
    let before = moment(day, 0, "0:00")?.plus_seconds(20 * 86_400);
    let folding = fares.folding(&riding, before).context("it can be folded")?;
    assert_eq!(folding.charged.iter().map(|(_, amount)| amount).sum::<i64>(), 10_400);
    for (base, expected) in [(folding.base, 640), (Base::default(), 800)] {
        let late = Riding { showings: ride(25)?.into(), base, ..Riding::default() };
        let mut sums = Sums::new();
        charged(&fares, &late, &mut sums);
        assert_eq!(sums.values().sum::<i64>(), expected);
    }
    Ok(())
}
