//! Intake from end to end: terminals in processes of their own send signed batches over mutual TLS and keep the signed
//! receipts; what the service used of the processor is set against bare verification of the same signatures.
//!
//! `installation`: a service with cards and terminals; `history`: past taps for it. `naive`: a twin without the pipeline.
//! `ledger`: transfers alone. `load`: a process that plays terminals. `fleet`: several of
//! them. `usage`: what processes used. `verification`: the yardstick.

pub mod fleet;
mod history;
pub mod installation;
mod ledger;
pub mod load;
pub(crate) mod naive;
mod verification;

use std::fmt;

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
    /// Past taps in the database
    #[arg(long, default_value_t = 0)]
    history: u64,
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

/// What growth is measured against.
const SMALL_CARDS: u64 = 10_000;

pub(crate) fn measure(options: &Options, report: &mut Report) -> Result<()> {
    ensure!(options.terminals > 0 && options.runs > 0, "measuring nothing: there are no terminals or no runs");
    let small = if options.cards > SMALL_CARDS || options.history > 0 {
        let runs = Bench::open(options, SMALL_CARDS, 0)?.runs(options.runs, SHAPES[0].0, options.taps, report)?;
        Some(median(&runs, |run| run.ratio))
    } else {
        None
    };
    let mut bench = Bench::open(options, options.cards, options.history)?;
    let before = bench.installation.database_bytes()?;
    let (mut full, mut ratios_of) = (0.0, Vec::new());
    for (batch, part, at_least) in SHAPES {
        let runs = bench.runs(options.runs, batch, options.taps / part, report)?;
        let (ratio, rate) = (median(&runs, |run| run.ratio), median(&runs, |run| run.taps_per_s));
        report.at_least(&format!("verify_ratio_batch{batch}"), ratio, "", options.db.of(at_least));
        report.figure(&format!("taps_per_s_batch{batch}"), rate, "taps/s", None);
        ratios_of.push((batch, part, ratio, rate));
        if batch == SHAPES[0].0 {
            full = rate;
            report.figure("cpu_us_signatures", median(&runs, |run| run.signatures_us), "us", None);
            report.figure("cpu_us_database", median(&runs, |run| run.database_us), "us", None);
            report.figure("cpu_us_rest", median(&runs, Throughput::rest_us), "us", None);
            if let Some(small) = small {
                // Each against verification at its time: the machine may have become slower while history was written.
                report.figure("growth_cpu_ratio", small / ratio, "", Some(1.3));
            }
        }
    }
    report.figure("taps_per_s", full, "taps/s", None);
    let bytes = (bench.installation.database_bytes()? - before) / count(bench.fleet.taps());
    report.figure("bytes_per_tap", bytes, "bytes", Some(options.db.of([900.0, 1_200.0])));
    report.figure("rss_mib", bench.peak_rss, "MiB", Some(256.0));
    bench.latencies(full, report)?;
    bench.kill(report)?;
    // The twin works on the same database, after everything that it might disturb.
    for (batch, part, ratio, rate) in ratios_of {
        let twin = bench.naive(batch, options.taps / part / NAIVE_PART)?;
        report.note(&format!("naive twin, batches of {batch}: {twin}"));
        report.figure(&format!("naive_ratio_batch{batch}"), twin.ratio, "", None);
        if batch == SHAPES[0].0 {
            report.at_least("ratio_to_naive", ratio / twin.ratio, "", 5.0);
            report.at_least("throughput_to_naive", rate / twin.taps_per_s, "", 10.0);
        }
    }
    let url = bench.installation.empty_database("ledger")?;
    let rate = ledger::transfers_per_s(options.db, &url)?;
    report.at_least("ledger_transfers_per_s", rate, "1/s", options.db.of([120_000.0, 100_000.0]));
    Ok(())
}

/// The part of a run that the twin takes: it is slow.
const NAIVE_PART: usize = 6;

/// Figures of one run.
struct Throughput {
    taps_per_s: f64,
    /// Processor time a tap, of the service and its database server.
    used_us: f64,
    /// The part of it that bare verification of the tap's and its share of the batch's signature takes.
    signatures_us: f64,
    /// The part of it that the database takes: SQLite's threads, or the server.
    database_us: f64,
    ratio: f64,
}

impl Throughput {
    const fn rest_us(&self) -> f64 {
        self.used_us - self.signatures_us - self.database_us
    }
}

impl fmt::Display for Throughput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { taps_per_s, used_us, signatures_us, database_us, ratio } = self;
        write!(f, "{taps_per_s:.0} taps/s; {used_us:.1} us of processor a tap ({signatures_us:.1} signatures, ")?;
        write!(f, "{database_us:.1} database, {:.1} rest), ratio {ratio:.3}", self.rest_us())
    }
}

/// An installation with terminals that send.
struct Bench {
    installation: Installation,
    fleet: Fleet,
    cards: u64,
    terminals: usize,
    taps: usize,
    peak_rss: f64,
}

impl Bench {
    fn open(options: &Options, cards: u64, history: u64) -> Result<Self> {
        let mut installation = Installation::found(options.db, cards, options.terminals)?;
        if history > 0 {
            installation.stop_service()?;
            history::write(&installation, history)?;
            installation.start_service()?;
            installation.until_logged()?;
        }
        let fleet = Fleet::new(&installation)?;
        Ok(Self { installation, fleet, cards, terminals: options.terminals, taps: options.taps, peak_rss: 0.0 })
    }

    /// So many runs with batches of one size.
    fn runs(&mut self, runs: usize, batch: usize, taps: usize, report: &Report) -> Result<Vec<Throughput>> {
        let run = |_| {
            let run = self.throughput(batch, taps)?;
            report.note(&format!("{} cards, batches of {batch}: {run}", self.cards));
            Ok(run)
        };
        (0..runs).map(run).collect()
    }

    fn throughput(&mut self, batch: usize, taps: usize) -> Result<Throughput> {
        let run = Run { batch, taps, taps_per_s: None, terminals: self.terminals };
        let bare = verification::per_cpu_second()?;
        let (cpu, database) = self.used()?;
        let outcome = self.fleet.run(&run)?;
        self.installation.until_logged()?;
        let (cpu_after, database_after) = self.used()?;
        let pid = self.installation.service_pid();
        self.peak_rss = self.peak_rss.max(usage::peak_resident_mib(pid)?);
        ensure!(outcome.accepted == outcome.taps, "{} of {} taps were accepted", outcome.accepted, outcome.taps);
        let a_tap = |seconds: f64| seconds * 1e6 / count(outcome.taps);
        Ok(Throughput {
            taps_per_s: count(outcome.taps) / outcome.seconds,
            used_us: a_tap(cpu_after - cpu),
            signatures_us: 1e6 / bare * (1.0 + 1.0 / count(batch)),
            database_us: a_tap(database_after - database),
            ratio: count(outcome.taps) / (cpu_after - cpu) / bare,
        })
    }

    /// Seconds of processor time that the service and its database server have used, and the database's part of it.
    fn used(&mut self) -> Result<(f64, f64)> {
        let all = usage::cpu_seconds(&self.installation.servers())?;
        let server = self.installation.database_server();
        let database = if server.is_empty() {
            usage::cpu_seconds_of_threads(self.installation.service_pid(), "sqlx-sqlite")?
        } else {
            usage::cpu_seconds(&server)?
        };
        Ok((all, database))
    }

    fn latencies(&mut self, full_taps_per_s: f64, report: &mut Report) -> Result<()> {
        let engine = self.installation.engine();
        let half = Run {
            batch: SHAPES[0].0,
            taps: self.taps / 2,
            taps_per_s: Some(full_taps_per_s / 2.0),
            terminals: self.terminals,
        };
        let mut latencies = self.fleet.run(&half)?.latencies_ms;
        report.figure("half_load_ms_p50", percentile(&mut latencies, 50), "ms", None);
        report.figure("half_load_ms_p99", percentile(&mut latencies, 99), "ms", Some(60.0));
        let lone = Run { batch: 1, taps: 300, taps_per_s: Some(50.0), terminals: 1 };
        let mut latencies = self.fleet.run(&lone)?.latencies_ms;
        report.figure("lone_tap_ms_p50", percentile(&mut latencies, 50), "ms", Some(engine.of([5.0, 8.0])));
        report.figure("lone_tap_ms_p99", percentile(&mut latencies, 99), "ms", None);
        Ok(())
    }

    /// Kills the service under load; what has a receipt must be there.
    fn kill(&mut self, report: &Report) -> Result<()> {
        let last = Run { batch: SHAPES[0].0, taps: self.taps, taps_per_s: None, terminals: self.terminals };
        let Self { installation, fleet, .. } = self;
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

    /// The naive twin on this database, while the service is down.
    fn naive(&mut self, batch: usize, taps: usize) -> Result<Throughput> {
        let plan = self.fleet.plan(batch, taps.div_ceil(batch * self.terminals).max(1))?;
        let bare = verification::per_cpu_second()?;
        let server = self.installation.database_server();
        let used = || {
            let server = usage::cpu_seconds(&server)?;
            let sqlite = usage::cpu_seconds_of_threads(std::process::id(), "sqlx-sqlite")?;
            Ok((usage::own_cpu_seconds()? + server, sqlite + server))
        };
        let outcome = naive::run(self.installation.service().database_url(), &plan, used)?;
        let a_tap = |seconds: f64| seconds * 1e6 / count(outcome.taps);
        Ok(Throughput {
            taps_per_s: count(outcome.taps) / outcome.seconds,
            used_us: a_tap(outcome.used),
            signatures_us: 1e6 / bare * (1.0 + 1.0 / count(batch)),
            database_us: a_tap(outcome.database_used),
            ratio: count(outcome.taps) / outcome.used / bare,
        })
    }
}

fn median(runs: &[Throughput], of: fn(&Throughput) -> f64) -> f64 {
    percentile(&mut runs.iter().map(of).collect::<Vec<_>>(), 50)
}

/// A count as a number to calculate with.
#[expect(clippy::cast_precision_loss, reason = "counts of a benchmark are far below 2^52")]
pub fn count(taps: usize) -> f64 {
    taps as f64
}
