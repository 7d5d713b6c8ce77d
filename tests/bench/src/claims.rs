//! What bills cost, reckoned on one core: lines of all kinds, at clinics of every level, after whatever has accumulated.

use std::{hint::black_box, time::Instant};

use anyhow::{Result, ensure};
use card_schema::{
    coverage::{Benefit, Level, Line, Quantity},
    date::Date,
    money::Fen,
};
use card_service::domains::clinic::coverage::{
    city::Coverage,
    model::{SoFar, Visit},
    rules::calculate,
};
use fastrand::Rng;

use crate::{figure::Report, intake::count};

/// A bill as a clinic sends it.
struct Asked {
    visit: Visit,
    so_far: SoFar,
    lines: Vec<Line>,
}

/// Reckons bills with so many lines together.
pub(crate) fn measure(lines: usize, seed: u64, report: &mut Report) -> Result<()> {
    ensure!(lines > 0, "measuring nothing");
    let (Coverage { policy, catalogue }, mut random) = (Coverage::beijing(), Rng::with_seed(seed));
    let day: Date = "2026-11-01".parse()?;
    let items: Vec<_> = catalogue.items().filter(|item| catalogue.item(&item.code, day) == Some(item)).collect();
    let mut bills = Vec::new();
    let mut drawn = 0;
    while drawn < lines {
        let count_of_lines = random.usize(1..=20);
        let mut line = || Line {
            item: items[random.usize(..items.len())].code.clone(),
            quantity: Quantity::of_thousandths(random.i64(1..=40) * 250).expect("within the range"),
            price_fen: Fen(random.i64(50..2_000) * random.i64(1..50)),
        };
        let some: Vec<_> = std::iter::repeat_with(&mut line).take(count_of_lines).collect();
        let visit = Visit {
            benefit: Benefit::ALL[random.usize(..Benefit::ALL.len())],
            level: Level::ALL[random.usize(..Level::ALL.len())],
            day,
            referred: random.bool(),
        };
        let eligible = random.i64(0..12_000_000);
        let so_far = SoFar { eligible: Fen(eligible), fund: Fen(eligible / 2), stays: random.u32(0..4) };
        drawn += some.len();
        bills.push(Asked { visit, so_far, lines: some });
    }
    let began = Instant::now();
    for bill in &bills {
        let reckoned = calculate(&policy, &catalogue, &bill.visit, &bill.so_far, &bill.lines);
        ensure!(black_box(reckoned).is_ok(), "a bill that cannot be reckoned");
    }
    report.at_least("claim_lines_per_s", count(drawn) / began.elapsed().as_secs_f64(), "/s", 200_000.0);
    Ok(())
}
