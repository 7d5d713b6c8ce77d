//! `cargo xtask torture`: the long campaigns, with their seeds, and a report that can be kept.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use bench::intake::installation::Engine;
use clap::{Parser, ValueEnum};
use faults::{
    campaign::{self, Victim},
    checker::Finding,
    overload::{self, Extent},
    pair, report,
};

/// A campaign of so many kills has to meet every stage ...
const ENOUGH_KILLS: u32 = 200;
/// ... so often.
const TIMES_A_STAGE: usize = 5;
/// How often two services share a database, and one of them is killed.
const PAIRS: u32 = 10;

#[derive(Debug, Parser)]
#[command(about = "Kills programs under load, or gives them too much of it, and checks that nothing is lost")]
struct Cli {
    /// Only this part; may be given more than once; all when not given
    #[arg(long, value_enum)]
    only: Vec<Part>,
    /// Kills of each program; 2,000 of the service and 200 or fewer of the others when not given
    #[arg(long)]
    kills: Option<u32>,
    /// Where the random moments come from; a fresh one when not given
    #[arg(long)]
    seed: Option<u64>,
    /// Kill only this program; all when not given
    #[arg(long, value_enum)]
    victim: Option<Victim>,
    /// The service acknowledges before it commits: good is only a campaign that finds lost taps
    #[arg(long)]
    planted: bool,
    /// Keep the report in this file too, e.g. docs/reliability/kills.md
    #[arg(long, value_name = "FILE", conflicts_with = "planted")]
    report: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Programs killed at random moments, one after the other.
    Kills,
    /// Two services on one PostgreSQL database, one of them killed.
    Pair,
    /// Four times what the service can do, for two minutes, on SQLite and on PostgreSQL.
    Overload,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let seed = cli.seed.unwrap_or_else(|| fastrand::u64(..));
    let ended = if cli.planted { finds_planted(cli.kills, seed) } else { run(&cli, seed) };
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("the campaign could not be finished (seed {seed}): {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// What a part came to, and whether it was as it must be.
type Verdict = (String, bool);

/// Whether everything was as it must be.
fn run(cli: &Cli, seed: u64) -> Result<bool> {
    let commit = report::commit()?;
    let mut good = true;
    let mut reports = Vec::new();
    let mut add = |(report, is_good): Verdict| {
        print!("{report}");
        reports.push(report);
        good &= is_good;
    };
    for part in Part::value_variants() {
        if !cli.only.is_empty() && !cli.only.contains(part) {
            continue;
        }
        match part {
            Part::Kills => {
                let all = cli.victim.map_or_else(|| Victim::value_variants().to_vec(), |victim| vec![victim]);
                all.into_iter().try_for_each(|victim| kills(victim, cli.kills, seed).map(&mut add))?;
            }
            Part::Pair => (0..PAIRS).try_for_each(|_| pair().map(&mut add))?,
            Part::Overload => {
                Engine::value_variants().iter().try_for_each(|engine| overload(*engine).map(&mut add))?;
            }
        }
    }
    if let Some(file) = &cli.report {
        report::keep(&reports, &commit, file)?;
    }
    Ok(good)
}

fn kills(victim: Victim, kills: Option<u32>, seed: u64) -> Result<Verdict> {
    let kills = kills.unwrap_or_else(|| victim.times_in_torture());
    let report = campaign::run(victim, kills, seed)?;
    let rare = if kills >= ENOUGH_KILLS { report.rarer_than(TIMES_A_STAGE) } else { Vec::new() };
    let mut words = report.to_string();
    words.extend(rare.iter().map(|stage| format!("  met fewer than {TIMES_A_STAGE} times: {stage}\n")));
    Ok((words, report.findings.is_empty() && rare.is_empty()))
}

fn pair() -> Result<Verdict> {
    let outcomes = pair::run()?;
    Ok((outcomes.to_string(), outcomes.findings.is_empty() && outcomes.acknowledged == pair::TAPS))
}

fn overload(engine: Engine) -> Result<Verdict> {
    let overload = overload::run(engine, Extent::LONG)?;
    Ok((overload.to_string(), overload.findings.is_empty()))
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
