//! Builds the product and starts one of its test programs: the demo, a bench, the long suite.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};

use anyhow::Result;

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

pub(crate) fn torture(options: &[OsString]) -> Result<ExitCode> {
    setup::to_run(false)?;
    let programs = build(Profile::Dev)?;
    start(&programs, "faults", options.to_vec())
}

pub(crate) fn bench(options: &[OsString]) -> Result<ExitCode> {
    setup::to_run(false)?;
    let programs = build(Profile::Release)?;
    start(&programs, "bench", options.to_vec())
}

/// Builds the programs. Without optimisation always all of them, with the whole workspace's features, so that the demo
/// and the tests share one build; with it only those that a bench runs, because linking them takes long. Cargo shows its
/// own progress bar on a terminal.
fn build(profile: Profile) -> Result<PathBuf> {
    let mut cargo = process::cargo();
    cargo.args(["build", "--bins", "--locked"]);
    match profile {
        Profile::Dev => cargo.arg("--workspace"),
        Profile::Release => {
            let measured = ["card-service", "reader-daemon", "virtual-card", "bench"];
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
