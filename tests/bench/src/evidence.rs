//! An export of many taps and its verification, by the programs as they are used: time, memory, bytes.
//!
//! The installation and its taps are those of the intake benchmark.

use std::{
    fs,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use town::wait;

use crate::{
    figure::Report,
    intake::{
        count,
        fleet::{Fleet, Run},
        installation::{Engine, Installation},
    },
    usage,
};

/// What is exported.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Cards in the database
    #[arg(long, default_value_t = 10_000)]
    cards: u64,
    /// Taps of all cards
    #[arg(long, default_value_t = 100_000)]
    taps: usize,
}

const TERMINALS: usize = 8;
/// How long one command may take.
const LONGEST_RUN: Duration = Duration::from_hours(4);

pub(crate) fn measure(options: &Options, report: &mut Report) -> Result<()> {
    let installation = Installation::found(Engine::Sqlite, options.cards, TERMINALS)?;
    let mut fleet = Fleet::new(&installation)?;
    let outcome = fleet.run(&Run { batch: 64, taps: options.taps, taps_per_s: None, terminals: TERMINALS })?;
    ensure!(outcome.accepted == outcome.taps, "{} of {} taps were accepted", outcome.accepted, outcome.taps);
    installation.until_logged()?;
    report.figure("taps", count(outcome.taps), "", None);

    let export = installation.folder().join("export");
    let mut command = installation.service().command()?;
    let (seconds, mib) = run(command.args(["evidence", "export"]).arg(&export))?;
    report.figure("export_s", seconds, "s", None);
    report.figure("export_peak_rss_mib", mib, "MiB", None);
    let bytes: u64 = fs::read_dir(&export)?.map(|file| Ok(file?.metadata()?.len())).sum::<Result<u64>>()?;
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    report.figure("export_bytes_per_tap", bytes as f64 / count(outcome.taps), "bytes", None);
    let mut command = installation.service().command()?;
    let (seconds, mib) = run(command.args(["evidence", "verify"]).arg(&export))?;
    report.figure("verify_s", seconds, "s", None);
    report.figure("verify_peak_rss_mib", mib, "MiB", None);
    Ok(())
}

/// Runs a command to its good end: seconds, and the most memory that was seen resident, in MiB.
fn run(command: &mut Command) -> Result<(f64, f64)> {
    let began = Instant::now();
    let mut child = command.stdout(Stdio::null()).spawn()?;
    let mut peak = 0.0_f64;
    let ended = wait::within(LONGEST_RUN, "the program ends", || {
        // The high-water mark only rises, so the last look tells the peak.
        peak = peak.max(usage::peak_resident_mib(child.id()).unwrap_or_default());
        Ok(child.try_wait()?)
    })?;
    ensure!(ended.success(), "{command:?} ended with {ended}");
    Ok((began.elapsed().as_secs_f64(), peak))
}
