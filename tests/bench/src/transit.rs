//! Fares of a city as large as a real one: reading its feed, and deciding what legs cost, on one core; and validators.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use card_service::domains::transit::{
    feed,
    model::{Leg, Rider, Standing, Step},
};
use fares::city;
use fastrand::Rng;

use crate::{figure::Report, intake::count, validator};

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How many riders travel for a month
    #[arg(long, default_value_t = 2_000)]
    riders: usize,
    /// Where the draw of journeys begins
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How often cards come to a vehicle's readers, on and off, at one and at all of them
    #[arg(long, default_value_t = 25)]
    rounds: usize,
}

/// Days that everybody travels.
const DAYS: i64 = 30;
const LEGS_A_DAY: usize = 4;

pub(crate) fn measure(options: &Options, report: &mut Report) -> Result<()> {
    ensure!(options.riders > 0, "measuring nothing");
    let (archive, supplement) = city::feed()?;
    let began = Instant::now();
    let (tariff, found) = feed::read(&archive, &supplement);
    let import_s = began.elapsed().as_secs_f64();
    let tariff = tariff.with_context(|| format!("the city's feed: {found:#?}"))?;
    report.figure("feed_bytes", count(archive.len()), "bytes", None);
    report.figure("import_s", import_s, "s", Some(10.0));

    let mut random = Rng::with_seed(options.seed);
    let days: Vec<Vec<Leg>> = (0..options.riders)
        .map(|_| (0..DAYS).flat_map(|day| city::day_of(&tariff, &mut random, day, LEGS_A_DAY)).collect())
        .collect();
    let (rider, mut charged, mut unknown) = (Rider::default(), 0_i64, 0_usize);
    let began = Instant::now();
    for legs in &days {
        let mut standing = Standing::default();
        for leg in legs {
            let charge = tariff.charge(&rider, &mut standing, leg);
            charged += charge.amount.0;
            unknown += usize::from(charge.steps.contains(&Step::Unknown));
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    let decisions = options.riders * LEGS_A_DAY * usize::try_from(DAYS)?;
    ensure!(charged > 0 && unknown == 0, "each leg has a fare: {unknown} of {decisions} have none");
    report.figure("fare_decisions", count(decisions), "", None);
    report.at_least("fare_decisions_per_s", count(decisions) / seconds, "1/s", 400_000.0);
    validator::measure(options.rounds, report)
}
