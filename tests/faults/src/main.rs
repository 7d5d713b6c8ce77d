//! `cargo xtask torture`: the long campaigns, with their seeds, and a report that can be kept.

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use faults::{
    campaign::{self, Report, Victim},
    stage::Stage,
};

#[derive(Debug, Parser)]
#[command(about = "Kills daemon and service under load at random moments and checks that nothing is lost")]
struct Cli {
    /// Kills of each program
    #[arg(long, default_value_t = 200)]
    kills: u32,
    /// Where the random moments come from; a fresh one when not given
    #[arg(long)]
    seed: Option<u64>,
    /// Only this program; both when not given
    #[arg(long, value_enum)]
    victim: Option<Victim>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let seed = cli.seed.unwrap_or_else(|| fastrand::u64(..));
    let victims = cli.victim.map_or_else(|| vec![Victim::Daemon, Victim::Service], |victim| vec![victim]);
    let reports: Result<Vec<Report>> =
        victims.into_iter().map(|victim| campaign::run(victim, cli.kills, seed)).collect();
    match reports {
        Ok(reports) => {
            for report in &reports {
                print(report);
            }
            let clean = reports.iter().all(|report| report.findings.is_empty());
            if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("the campaign could not be finished (seed {seed}): {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn print(report: &Report) {
    println!("{:?} killed {} times, seed {}", report.victim, report.stages.values().sum::<u32>(), report.seed);
    for stage in Stage::ALL {
        println!("  {stage:<26} {:>5}", report.stages.get(&stage).copied().unwrap_or_default());
    }
    println!("  {:<26} {:>5}", "taps acknowledged", report.acknowledged);
    println!("  {:<26} {:>5}", "lost, doubled or wrong", report.findings.len());
    for finding in &report.findings {
        println!("    {finding:?}");
    }
}
