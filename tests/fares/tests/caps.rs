//! No cap is exceeded, whatever somebody does: reckoned here from the supplement's figures and the clock alone.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use card_schema::date::Date;
use card_service::domains::transit::Tariff;
use card_service::domains::transit::model::Standing;
use fares::{clock, leg, rider, tariff};
use fastrand::Rng;

/// Days of service begin at three.
const DAY_STARTS_S: i64 = 3 * 3_600;
const DAY_S: i64 = 86_400;
/// What the supplement of `caps` says, in fen.
const BUS_DAY: i64 = 500;
const ALL_DAY: i64 = 1_200;
const ALL_WEEK: i64 = 4_000;

/// What was paid by period: buses a day, all a day, all a week.
fn paid(tariff: &Tariff, random: &mut Rng) -> Result<[BTreeMap<i64, i64>; 3]> {
    let monday = Date::new(2026, 11, 30).expect("a day");
    let names = ["adult", "child", "senior", "half", "half+senior"];
    let rider = rider(tariff, monday, names[random.usize(..names.len())])?;
    let (mut standing, mut seconds, mut sums) = (Standing::default(), 0, <[BTreeMap<i64, i64>; 3]>::default());
    for _ in 0..random.usize(1..120) {
        seconds += random.i64(60..20_000);
        let route = ["b1", "m1", "e1"][random.usize(..3)];
        let end = match (route, random.u8(..20)) {
            ("m1", 0) => "?".to_owned(),
            ("m1", _) => format!("b1@{}", clock(seconds + 600)),
            _ => "-".to_owned(),
        };
        let text = format!("{route}:a1@{}>{end}", clock(seconds));
        let charge = tariff.charge(&rider, &mut standing, &leg(tariff, monday, 0, &text)?);
        ensure!(charge.amount.0 == charge.steps.iter().map(|step| step.amount().0).sum::<i64>(), "{charge:?}");
        let day = (seconds - DAY_STARTS_S).div_euclid(DAY_S);
        if route == "b1" {
            *sums[0].entry(day).or_default() += charge.amount.0;
        }
        *sums[1].entry(day).or_default() += charge.amount.0;
        *sums[2].entry(day.div_euclid(7)).or_default() += charge.amount.0;
    }
    Ok(sums)
}

#[test]
fn no_cap_is_exceeded_and_each_is_reached() -> Result<()> {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let (mut random, tariff) = (Rng::with_seed(seed), tariff("caps")?);
    let mut most = [0; 3];
    for _ in 0..2_000 {
        for (most, sums) in most.iter_mut().zip(paid(&tariff, &mut random)?) {
            *most = sums.values().copied().max().unwrap_or_default().max(*most);
        }
    }
    assert_eq!(most, [BUS_DAY, ALL_DAY, ALL_WEEK], "seed {seed}");
    Ok(())
}
