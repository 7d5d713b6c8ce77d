//! Builds the product and starts one of its test programs: the demo, a bench, the long suite.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::Result;
use clap::ValueEnum;
use postgres_cluster::Cluster;

use crate::{process, setup, tree};

/// Builds without and with optimisation go to the target folder's `debug` and `release`.
#[derive(Clone, Copy)]
enum Profile {
    Dev,
    Release,
}

impl Profile {
    fn folder(self) -> &'static str {
        match self {
            Self::Dev => "debug",
            Self::Release => "release",
        }
    }
}

pub(crate) fn demo(options: &[OsString]) -> Result<ExitCode> {
    setup::to_run(false)?;
    let programs = build(Profile::Dev)?;
    start(&programs, "town", [&["demo".into()], options].concat())
}

/// A part of the long suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// The ledger's properties on both databases
    Ledger,
    /// What terminals accept on their own
    Limits,
    /// Kills of our programs and of the database server
    Kills,
    /// Two services on one database
    Pair,
    /// Four times what the service can do
    Overload,
}

/// Random sequences for each property of the ledger and of the limits; the test command tries fewer.
const CASES: &str = "100000";

pub(crate) fn torture(only: &[Part], options: &[OsString]) -> Result<ExitCode> {
    let is_wanted = |part: &Part| only.is_empty() || only.contains(part);
    if is_wanted(&Part::Ledger) {
        setup::everything(false)?;
        ledger()?;
    }
    if is_wanted(&Part::Limits) {
        process::run(&mut sequences("reader-daemon", "tap::offline::model::"))?;
    }
    let parts: Vec<Part> = Part::value_variants().iter().copied().filter(is_wanted).collect();
    let names = parts
        .iter()
        .filter(|part| !matches!(part, Part::Ledger | Part::Limits))
        .filter_map(ValueEnum::to_possible_value);
    let mut arguments: Vec<OsString> = names.flat_map(|name| ["--only".into(), name.get_name().into()]).collect();
    if arguments.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    arguments.extend_from_slice(options);
    setup::to_run(false)?;
    // Programs as they are used: what they can take is a part of what is tried. The planted defect is in no such build.
    let planted = options.iter().any(|option| option == "--planted");
    let programs = build(if planted { Profile::Dev } else { Profile::Release })?;
    start(&programs, "faults", arguments)
}

/// The tests of a package whose names begin so, with so many sequences that each runs for hours.
fn sequences(package: &str, named: &str) -> Command {
    let mut nextest = process::cargo_tool("nextest");
    nextest.args(["nextest", "run", "--profile", "torture", "--cargo-profile", "torture", "--locked"]);
    nextest.args(["-p", package, "-E"]).arg(format!("test(/^{named}/)")).env("PROPTEST_CASES", CASES);
    nextest
}

/// The random sequences on SQLite, and once more on PostgreSQL those that have a database.
fn ledger() -> Result<()> {
    let cluster = Cluster::start()?;
    let url = cluster.database("tests")?;
    for (tests, database) in [("", None), ("stored::", Some(("TEST_DATABASE_URL", url)))] {
        let mut nextest = sequences("card-service", &format!("ledger::tests::{tests}.*_agree"));
        // They wait for the disk and for the server more than they compute.
        process::run(nextest.args(["--test-threads", "4"]).envs(database))?;
    }
    Ok(())
}

/// The pictures that the browser tests keep.
pub(crate) fn screenshots() -> Result<ExitCode> {
    setup::everything(false)?;
    let pictures = build(Profile::Dev)?.join("pictures");
    // Those of pages that there are no more are not looked at.
    match fs::remove_dir_all(&pictures) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let mut stories = process::cargo_tool("nextest");
    stories.args(["nextest", "run", "--locked", "--package", "browser"]).env("KEEP_PICTURES", "1");
    process::run(&mut stories)?;
    println!("{} pictures in {}", fs::read_dir(&pictures)?.count(), pictures.display());
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn bench(options: &[OsString]) -> Result<ExitCode> {
    // Some figures are read off a browser, some are PostgreSQL's.
    setup::everything(false)?;
    let programs = build(Profile::Release)?;
    start(&programs, "bench", options.to_vec())
}

/// Builds the programs. Without optimisation always all of them, with the whole workspace's features, so that the demo
/// and the tests share one build; with it only what is measured or tried for hours, because linking takes long. Cargo shows its
/// own progress bar on a terminal.
fn build(profile: Profile) -> Result<PathBuf> {
    let mut cargo = process::cargo();
    cargo.args(["build", "--bins", "--locked"]);
    match profile {
        Profile::Dev => cargo.arg("--workspace"),
        Profile::Release => {
            let measured = ["card-service", "reader-daemon", "virtual-card", "bench", "faults"];
            cargo.arg("--release").args(measured.map(|package| format!("--package={package}")))
        }
    };
    // Standard output belongs to the program that follows (`--format json`).
    cargo.stdout(Stdio::null());
    process::run(&mut cargo)?;
    Ok(tree::target().join(profile.folder()))
}

fn start(programs: &Path, name: &str, options: Vec<OsString>) -> Result<ExitCode> {
    let mut command = process::command(programs.join(name));
    command.args(options).stdin(Stdio::inherit());
    let status = process::status(&mut command)?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}
