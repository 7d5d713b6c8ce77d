//! `cargo xtask test`: stages in a fixed order, one line each, and a summary that names what failed.

mod fuzz;
mod planted;
mod report;
mod stages;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, anyhow, bail};

use crate::setup;
use report::{Report, Verdict};
use stages::STAGES;

/// One step of the test command.
pub(crate) struct Stage {
    pub(crate) name: &'static str,
    /// What it proves, in a few words.
    pub(crate) what: &'static str,
    /// The stage without which this one makes no sense.
    pub(crate) needs: Option<&'static str>,
    /// Runs it. `Ok` carries a short remark, such as a count; an error fails the stage.
    pub(crate) run: fn() -> Result<String>,
}

/// Prints the stages.
pub(crate) fn list() {
    for stage in STAGES {
        println!("{:<10} {}", stage.name, stage.what);
    }
}

/// Runs all stages, or those that are named.
pub(crate) fn run(only: &[String], yes: bool) -> Result<ExitCode> {
    if let Some(unknown) = only.iter().find(|name| !STAGES.iter().any(|stage| stage.name == name.as_str())) {
        let names: Vec<_> = STAGES.iter().map(|stage| stage.name).collect();
        bail!("there is no stage {unknown}; the stages are {}", names.join(", "));
    }
    let begun = Instant::now();
    setup::everything(yes)?;
    let mut report = Report::default();
    report.add("setup", begun.elapsed(), Verdict::Passed(String::new()));
    for stage in STAGES.iter().filter(|stage| only.is_empty() || only.iter().any(|name| name == stage.name)) {
        let begun = Instant::now();
        let missing = stage.needs.filter(|needed| report.has_failed(needed));
        let verdict = match missing {
            Some(needed) => Err(anyhow!("not run: {needed} failed")),
            None => begin(stage),
        };
        let verdict = verdict.map_or_else(|error| Verdict::Failed(format!("{error:#}")), Verdict::Passed);
        report.add(stage.name, begun.elapsed(), verdict);
    }
    Ok(report.close())
}

fn begin(stage: &Stage) -> Result<String> {
    eprintln!("── {}: {}", stage.name, stage.what);
    (stage.run)()
}
