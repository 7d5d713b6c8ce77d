//! Intake from end to end: terminals in processes of their own send signed batches over mutual TLS and keep the signed
//! receipts; what the service used of the processor is set against bare verification of the same signatures.
//!
//! `installation`: a service with cards and terminals. `load`: a process that plays terminals. `fleet`: several of
//! them. `usage`: what processes used. `verification`: the yardstick.

pub(crate) mod fleet;
pub(crate) mod installation;
pub(crate) mod load;
mod verification;

use anyhow::{Result, ensure};
use town::wait;

use self::{
    fleet::{Fleet, Run},
    installation::{Engine, Installation},
};
use crate::{
    figure::{Report, percentile},
    usage,
};

/// What is measured.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The database
    #[arg(long, value_enum, default_value = "sqlite")]
    db: Engine,
    /// Cards in the database
    #[arg(long, default_value_t = 10_000)]
    cards: u64,
    /// Terminals that send
    #[arg(long, default_value_t = 200)]
    terminals: usize,
    /// Taps a run; a third of it with batches of 8, a tenth with single taps
    #[arg(long, default_value_t = 120_000)]
    taps: usize,
    /// Runs of each kind; the median counts
    #[arg(long, default_value_t = 5)]
    runs: usize,
}

/// Taps in a batch, the part of [`Options::taps`] that a run takes, and the ratios that must be reached on SQLite and
/// PostgreSQL.
const SHAPES: [(usize, usize, [f64; 2]); 3] = [(64, 1, [0.80, 0.70]), (8, 3, [0.70, 0.58]), (1, 10, [0.33, 0.28])];

/// Receipts after which the service is killed under load.
const KILL_AFTER: u64 = 2_000;

pub(crate) fn measure(options: &Options, report: &mut Report) -> Result<()> {
    ensure!(options.terminals > 0 && options.runs > 0, "measuring nothing: there are no terminals or no runs");
    let mut installation = Installation::found(options.db, options.cards, options.terminals)?;
    let mut fleet = Fleet::new(&installation)?;
    let mut full_taps_per_s = 0.0;
    let mut peak_rss: f64 = 0.0;
    let before = installation.database_bytes()?;
    for (batch, part, at_least) in SHAPES {
        let mut ratios = Vec::with_capacity(options.runs);
        let mut rates = Vec::with_capacity(options.runs);
        for _ in 0..options.runs {
            let run = Run { batch, taps: options.taps / part, taps_per_s: None, terminals: options.terminals };
            let bare = verification::per_cpu_second()?;
            let cpu = usage::cpu_seconds(&installation.servers())?;
            let outcome = fleet.run(&run)?;
            installation.until_logged()?;
            let used = usage::cpu_seconds(&installation.servers())? - cpu;
            peak_rss = peak_rss.max(usage::peak_resident_mib(installation.service_pid())?);
            ensure!(outcome.accepted == outcome.taps, "{} of {} taps were accepted", outcome.accepted, outcome.taps);
            ratios.push(count(outcome.taps) / used / bare);
            rates.push(count(outcome.taps) / outcome.seconds);
            report.note(&format!(
                "batches of {batch}: {:.0} taps/s, {:.1} µs of processor a tap, bare verification {:.1} µs, ratio {:.3}",
                count(outcome.taps) / outcome.seconds,
                used * 1e6 / count(outcome.taps),
                1e6 / bare,
                count(outcome.taps) / used / bare,
            ));
        }
        report.at_least(
            &format!("verify_ratio_batch{batch}"),
            percentile(&mut ratios, 50),
            "",
            options.db.of(at_least),
        );
        let rate = percentile(&mut rates, 50);
        report.figure(&format!("taps_per_s_batch{batch}"), rate, "taps/s", None);
        if batch == SHAPES[0].0 {
            full_taps_per_s = rate;
        }
    }
    report.figure("taps_per_s", full_taps_per_s, "taps/s", None);
    report.figure(
        "bytes_per_tap",
        (installation.database_bytes()? - before) / count(fleet.taps()),
        "bytes",
        Some(options.db.of([900.0, 1_200.0])),
    );
    report.figure("rss_mib", peak_rss, "MiB", Some(256.0));

    let half = Run {
        batch: SHAPES[0].0,
        taps: options.taps / 2,
        taps_per_s: Some(full_taps_per_s / 2.0),
        terminals: options.terminals,
    };
    let mut latencies = fleet.run(&half)?.latencies_ms;
    report.figure("half_load_ms_p50", percentile(&mut latencies, 50), "ms", None);
    report.figure("half_load_ms_p99", percentile(&mut latencies, 99), "ms", Some(60.0));
    let lone = Run { batch: 1, taps: 300, taps_per_s: Some(50.0), terminals: 1 };
    let mut latencies = fleet.run(&lone)?.latencies_ms;
    report.figure("lone_tap_ms_p50", percentile(&mut latencies, 50), "ms", Some(options.db.of([5.0, 8.0])));
    report.figure("lone_tap_ms_p99", percentile(&mut latencies, 99), "ms", None);

    let last = Run { batch: SHAPES[0].0, taps: options.taps, taps_per_s: None, terminals: options.terminals };
    let before = fleet.receipts();
    fleet.run_while(&last, |fleet| {
        wait::until("a part of the load has its receipts", || {
            Ok((fleet.receipts() > before + KILL_AFTER).then_some(()))
        })?;
        installation.kill_service()
    })?;
    let kept = fleet.receipted()?;
    let missing = installation.missing(&kept)?;
    ensure!(missing == 0, "{missing} of {} taps with a receipt are not in the database", kept.len());
    report.note(&format!("killed under load: all {} taps that have a receipt are in the database", kept.len()));
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "counts of a benchmark are far below 2^52")]
pub(crate) fn count(taps: usize) -> f64 {
    taps as f64
}
