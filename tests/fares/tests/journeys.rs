//! What a card's showings make: legs, whatever order they come to be known in, and each showing in one of them.

use anyhow::{Context as _, Result};
use card_schema::clock::Micros;
use card_schema::date::Date;
use card_schema::operation::transit::Side;
use card_service::domains::transit::Tariff;
use card_service::domains::transit::journey::{Journeys, Place, Validated, journeys};
use card_service::domains::transit::model::{End, Rider, Shown, Standing};
use fares::{moment, tariff};
use fastrand::Rng;

fn day() -> Date {
    Date::new(2026, 11, 30).expect("a day")
}

/// `+m1:a1@8:00` is shown where one gets on, `-…` where one leaves; what the tariff does not know is nowhere.
fn shown(tariff: &Tariff, text: &str) -> Result<Validated> {
    let (side, rest) = match text.split_at(1) {
        ("+", rest) => (Side::On, rest),
        (_, rest) => (Side::Off, rest),
    };
    let (route, place) = rest.split_once(':').context("a route")?;
    let (stop, time) = place.split_once('@').context("a time")?;
    let place = tariff.route_named(route).zip(tariff.stop_named(stop)).map(|(route, stop)| Place { stop, route });
    Ok(Validated { at: moment(day(), 0, time)?, side, place })
}

fn all(tariff: &Tariff, text: &str) -> Result<Vec<Validated>> {
    text.split_whitespace().map(|one| shown(tariff, one)).collect()
}

/// Legs as `a1>b1`, with `?` for a missing end, `-` for one that nobody shows, and `nowhere` with an unknown place; then what is
/// repeated and what is open.
fn told(tariff: &Tariff, shown: &[Validated], made: &Journeys) -> String {
    let stop = |shown: Shown| tariff.stop_of(shown.stop).id.clone();
    let at =
        |number: usize| shown[number].place.map_or("nowhere".into(), |place| tariff.stop_of(place.stop).id.clone());
    let mut told: Vec<String> = made
        .legs
        .iter()
        .map(|made| {
            let Some(leg) = made.leg else { return "nowhere".to_owned() };
            let end = match leg.end {
                End::Off(off) => stop(off),
                End::NotShown => "-".to_owned(),
                End::Missing => "?".to_owned(),
            };
            format!("{}>{end}", stop(leg.on))
        })
        .collect();
    told.extend(made.repeated.iter().map(|number| format!("again:{}", at(*number))));
    told.extend(made.idle.iter().map(|number| format!("idle:{}", at(*number))));
    told.extend(made.open.iter().map(|number| format!("open:{}", at(*number))));
    told.join(" ")
}

#[test]
fn what_belongs_together_is_one_leg() -> Result<()> {
    let tariff = tariff("caps")?;
    // A journey by metro takes four hours at most.
    for (texts, now, expected) in [
        ("+m1:a1@8:00 -m1:b1@8:20", "9:00", "a1>b1"),
        ("+m1:a1@8:00 -m1:b1@12:00", "13:00", "a1>b1"),
        ("+m1:a1@8:00 -m1:b1@12:00:01", "13:00", "a1>?"),
        ("+m1:a1@8:00", "12:00", "open:a1"),
        ("+m1:a1@8:00", "12:00:01", "a1>?"),
        ("-m1:b1@8:20", "9:00", "b1>?"),
        ("+m1:a1@8:00 +m1:c1@8:30 -m1:b1@8:40", "9:00", "a1>? c1>b1"),
        ("+m1:a1@8:00 -m1:b1@8:20 -m1:c1@8:40", "9:00", "a1>b1 c1>?"),
        ("+m1:a1@8:00 +m1:a1@8:01 -m1:b1@8:20", "9:00", "a1>b1 again:a1"),
        // A gate that did not open: within the grace time of a quarter of an hour nothing is begun anew.
        ("+m1:a1@8:00 +m1:a1@8:15 -m1:b1@8:20", "9:00", "a1>b1 again:a1"),
        ("+m1:a1@8:00 +m1:a1@8:15:01 -m1:b1@8:20", "9:00", "a1>? a1>b1"),
        ("+b1:a1@8:00 +b1:a1@8:01:01", "9:00", "a1>- a1>-"),
        ("+b1:a1@8:00 -b1:c1@8:20", "9:00", "a1>- idle:c1"),
        ("+m1:p1@8:00 +m1:p2@8:00:30 -m1:b1@8:20", "9:00", "p1>b1 again:p2"),
        ("+m1:a1@8:00 -m1:b1@8:20 -m1:b1@8:20:30", "9:00", "a1>b1 again:b1"),
        ("+b1:a1@8:00", "8:00", "a1>-"),
        ("+b1:a1@8:00 +b1:a1@8:00:20", "9:00", "a1>- again:a1"),
        ("+b1:a1@8:00 +b1:c1@8:00:20", "9:00", "a1>- c1>-"),
        ("+m1:a1@8:00 +b1:c1@8:20 -m1:b1@8:40", "9:00", "a1>? c1>- b1>?"),
        ("+m1:a1@8:00 -m1:a1@8:00", "9:00", "a1>? open:a1"),
        // Places that the fares do not know: nobody pays the maximum for them.
        ("+m1:a1@8:00 -m1:zz@8:20", "9:00", "nowhere"),
        ("+m1:zz@8:00 -m1:b1@8:20", "9:00", "nowhere"),
        ("+m1:zz@8:00 +m1:a1@8:20", "9:00", "nowhere open:a1"),
        ("-m1:zz@8:00 -zz:b1@8:20", "9:00", "nowhere nowhere"),
        ("+m1:zz@8:00", "9:00", "open:nowhere"),
        ("+m1:zz@8:00", "12:00:01", "nowhere"),
        // A clock that was wrong by a year.
        ("+m1:a1@8:00 -m1:b1@8768:20", "8769:00", "a1>?"),
    ] {
        let shown = all(&tariff, texts)?;
        let made = journeys(&tariff, &shown, moment(day(), 0, now)?);
        assert_eq!(told(&tariff, &shown, &made), expected, "{texts}");
    }
    Ok(())
}

#[test]
fn one_leaves_where_legs_are_joined() -> Result<()> {
    let tariff = tariff("joins")?;
    for (texts, expected) in [("+m1:a1@8:00 -r1:d1@8:40", "a1>d1"), ("+r1:d1@8:00 -m1:a1@8:40", "d1>?")] {
        let shown = all(&tariff, texts)?;
        let made = journeys(&tariff, &shown, moment(day(), 0, "9:00")?);
        assert_eq!(told(&tariff, &shown, &made), expected, "{texts}");
    }
    Ok(())
}

/// What all legs of showings cost.
fn charged(tariff: &Tariff, shown: &[Validated]) -> Vec<i64> {
    let mut standing = Standing::default();
    let made = journeys(tariff, shown, Micros(i64::MAX / 2));
    let charge = |made: &card_service::domains::transit::journey::Made| {
        made.leg.map_or(0, |leg| tariff.charge(&Rider::default(), &mut standing, &leg).amount.0)
    };
    made.legs.iter().map(charge).collect()
}

#[test]
fn the_order_in_which_they_come_changes_nothing_and_each_is_in_one_place() -> Result<()> {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = Rng::with_seed(seed);
    let tariff = tariff("caps")?;
    for _ in 0..2_000 {
        let mut texts = Vec::new();
        for _ in 0..random.usize(1..12) {
            let side = if random.bool() { "+" } else { "-" };
            let route = ["b1", "m1", "e1"][random.usize(..3)];
            let stop = ["a1", "b1", "p1", "p2", "st", "zz"][random.usize(..6)];
            // Few moments, so that some are the same.
            let minute = random.u32(0..40) * 7;
            texts.push(format!("{side}{route}:{stop}@{}:{:02}", 8 + minute / 60, minute % 60));
        }
        let mut shown = all(&tariff, &texts.join(" "))?;
        let before = charged(&tariff, &shown);
        let made = journeys(&tariff, &shown, moment(day(), 0, "24:00")?);
        let mut places: Vec<usize> =
            made.legs.iter().flat_map(|made| [Some(made.first), made.last]).flatten().collect();
        places.extend(&made.repeated);
        places.extend(&made.idle);
        places.extend(made.open);
        places.sort_unstable();
        assert_eq!(places, (0..shown.len()).collect::<Vec<_>>(), "seed {seed}: {texts:?}");
        random.shuffle(&mut shown);
        assert_eq!(charged(&tariff, &shown), before, "seed {seed}: {texts:?}");
    }
    Ok(())
}
