//! The console in a city of a million: how long its pages take, how long the search for people who are alike, how long a
//! registration with its card, and what a page weighs.
//!
//! `people` invents, `city` registers them, `homes` is where they live, `pages` and `search` measure there, `weight` says
//! what a page brings along, `spreadsheet` registers a dormitory, `sitting` takes one newcomer from the blank form to the
//! card. A further figure is a file of its own and a line in [`measure`].

pub(crate) mod city;
mod homes;
mod pages;
mod people;
mod search;
mod sitting;
mod spreadsheet;
mod weight;

use std::time::Instant;

use anyhow::{Result, ensure};

use self::{
    city::{City, SAMPLE},
    pages::Tour,
    people::People,
    search::Searches,
};
use crate::{
    figure::{Report, percentile},
    intake::installation::Engine,
};

/// What is measured.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The database
    #[arg(long, value_enum, default_value = "sqlite")]
    db: Engine,
    /// People who are registered
    #[arg(long, default_value_t = 1_000_000)]
    people: u64,
    /// How often every page is asked for, and how many of each kind are searched for
    #[arg(long, default_value_t = 200)]
    rounds: usize,
    /// Registrations with a card
    #[arg(long, default_value_t = 5)]
    sittings: usize,
    /// Rows of the spreadsheet
    #[arg(long, default_value_t = 3_000)]
    rows: usize,
    /// Draws the people
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// What growth is measured against.
const SMALL_PEOPLE: u64 = 1_000;

pub(crate) fn measure(options: &Options, report: &mut Report) -> Result<()> {
    ensure!(options.people > 0 && options.rounds > 0 && options.sittings > 0 && options.rows > 0, "measuring nothing");
    let small = if options.people > SMALL_PEOPLE {
        let mut city = City::found(options.db, SMALL_PEOPLE, options.seed, SAMPLE)?;
        Some(Measured::of(&mut city, options.rounds)?)
    } else {
        None
    };
    let began = Instant::now();
    let mut city = City::found(options.db, options.people, options.seed, SAMPLE)?;
    report.figure("registering_s", began.elapsed().as_secs_f64(), "s", None);
    let mut large = Measured::of(&mut city, options.rounds)?;
    let (import, registered) = spreadsheet::seconds(&mut city, options.rows)?;
    ensure!(registered * 5 >= options.rows * 4, "only {registered} of {} rows were registered", options.rows);
    report.figure(&format!("import_{}_s", options.rows), import, "s", Some(20.0));
    #[expect(clippy::cast_precision_loss, reason = "a sheet has few rows")]
    let asked = 100.0 * (options.rows - registered) as f64 / options.rows as f64;
    report.figure("newcomers_asked_percent", asked, "%", Some(5.0));
    report.note(&format!("of the sheet {registered} were registered; the others may be somebody who is"));
    drop(city);

    let mut all: Vec<f64> = large.tour.times.values().flatten().copied().collect();
    let pages = percentile(&mut all, 95);
    report.figure("page_ms_p95", pages, "ms", Some(60.0));
    report.figure("page_ms_p50", percentile(&mut all, 50), "ms", None);
    let (mut worst, mut slowest) = ("", 0.0);
    for (page, times) in &mut large.tour.times {
        let p95 = percentile(times, 95);
        report.figure(&format!("page_ms_p95_{page}"), p95, "ms", Some(60.0));
        if p95 > slowest {
            (worst, slowest) = (page, p95);
        }
    }
    report.figure("page_ms_p95_worst", slowest, "ms", Some(60.0));
    report.note(&format!("the slowest page: {worst}"));
    let searches = percentile(&mut large.searches.all(), 95);
    report.figure("duplicate_search_ms_p95", searches, "ms", Some(50.0));
    let Searches { known, new, common } = &mut large.searches;
    for (who, times) in [("known", known), ("new", new), ("common", common)] {
        report.figure(&format!("duplicate_search_ms_p95_{who}"), percentile(times, 95), "ms", Some(50.0));
    }
    if let Some(small) = small {
        let mut all: Vec<f64> = small.tour.times.values().flatten().copied().collect();
        let small_pages = percentile(&mut all, 95);
        report.figure("page_ms_p95_at_1000", small_pages, "ms", None);
        report.figure("page_ms_p50_at_1000", percentile(&mut all, 50), "ms", None);
        report.figure("page_growth_ratio", pages / small_pages, "", None);
        let small_searches = percentile(&mut small.searches.all(), 95);
        report.figure("duplicate_search_ms_p95_at_1000", small_searches, "ms", None);
        report.figure("duplicate_search_growth_ratio", searches / small_searches, "", None);
    }
    #[expect(clippy::cast_precision_loss, reason = "a page is small")]
    report.figure("page_kb_max", large.tour.weight.bytes as f64 / 1_000.0, "kB", Some(60.0));
    report.note(&format!("the heaviest page: {}", large.tour.weight.page));
    let mut invented = People::new(options.seed + 1, city::today()?);
    let mut seconds = sitting::seconds(options.db, &mut invented, options.sittings)?;
    report.figure("registration_machine_s", percentile(&mut seconds, 50), "s", Some(10.0));
    report.figure("registration_machine_s_max", percentile(&mut seconds, 100), "s", Some(10.0));
    Ok(())
}

/// What is measured in one city.
struct Measured {
    tour: Tour,
    searches: Searches,
}

impl Measured {
    fn of(city: &mut City, rounds: usize) -> Result<Self> {
        // Before others are registered on the tour.
        let searches = Searches::of(city, rounds)?;
        Ok(Self { searches, tour: Tour::of(city, rounds)? })
    }
}
