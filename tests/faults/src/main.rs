//! `cargo xtask torture`: the long campaigns, with their seeds, and a report that can be kept.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Result;
use clap::{Parser, ValueEnum as _};
use faults::{
    campaign::{self, Victim},
    checker::Finding,
    report,
};

/// A campaign of so many kills has to meet every stage ...
const ENOUGH_KILLS: u32 = 200;
/// ... so often.
const TIMES_A_STAGE: usize = 5;

#[derive(Debug, Parser)]
#[command(about = "Kills programs under load at random moments and checks that nothing is lost")]
struct Cli {
    /// Kills of each program; 2,000 of the service and 200 or fewer of the others when not given
    #[arg(long)]
    kills: Option<u32>,
    /// Where the random moments come from; a fresh one when not given
    #[arg(long)]
    seed: Option<u64>,
    /// Only this program; all when not given
    #[arg(long, value_enum)]
    victim: Option<Victim>,
    /// The service acknowledges before it commits: good is only a campaign that finds lost taps
    #[arg(long)]
    planted: bool,
    /// Keep the report in this file too, e.g. docs/reliability/kills.md
    #[arg(long, value_name = "FILE", conflicts_with = "planted")]
    report: Option<PathBuf>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let seed = cli.seed.unwrap_or_else(|| fastrand::u64(..));
    let victims = cli.victim.map_or_else(|| Victim::value_variants().to_vec(), |victim| vec![victim]);
    let ended = if cli.planted {
        finds_planted(cli.kills, seed)
    } else {
        run(&victims, cli.kills, seed, cli.report.as_deref())
    };
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("the campaign could not be finished (seed {seed}): {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether everything was as it must be.
fn run(victims: &[Victim], kills: Option<u32>, seed: u64, file: Option<&Path>) -> Result<bool> {
    let mut good = true;
    let mut reports = Vec::new();
    for victim in victims {
        let kills = kills.unwrap_or_else(|| victim.times_in_torture());
        let report = campaign::run(*victim, kills, seed)?;
        print!("{report}");
        good &= report.findings.is_empty();
        if kills >= ENOUGH_KILLS {
            for stage in report.rarer_than(TIMES_A_STAGE) {
                println!("  met fewer than {TIMES_A_STAGE} times: {stage}");
                good = false;
            }
        }
        reports.push(report);
    }
    if let Some(file) = file {
        report::keep(&reports, file)?;
    }
    Ok(good)
}

/// Whether a service that acknowledges too early is found out.
fn finds_planted(kills: Option<u32>, seed: u64) -> Result<bool> {
    let kills = kills.unwrap_or_else(|| Victim::Service.times_in_torture());
    let report = campaign::run(Victim::Service, kills, seed)?;
    print!("{report}");
    let lost = report.findings.iter().filter(|finding| matches!(finding, Finding::Lost(_))).count();
    println!("{lost} acknowledged taps lost");
    Ok(lost > 0)
}
