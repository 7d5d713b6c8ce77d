//! What a campaign came to, for people.

use std::{collections::BTreeMap, fmt, fs, path::Path, process::Command};

use anyhow::{Context, Result};
use town::apdu_trace::Comparison;

use crate::{campaign::Victim, checker::Finding, stage::Stage};

/// What a campaign came to.
#[derive(Clone, Debug)]
pub struct Report {
    /// What happened to whom.
    pub victim: Victim,
    /// What the random moments were drawn from.
    pub seed: u64,
    /// Kills by how far the newest tap had come.
    pub stages: BTreeMap<Stage, usize>,
    /// Taps that somebody was told are safe.
    pub acknowledged: usize,
    /// The daemons' APDU traces against pcscd's log.
    pub traces: Comparison,
    /// What must not be.
    pub findings: Vec<Finding>,
}

impl Report {
    /// How often it happened.
    pub fn kills(&self) -> usize {
        self.stages.values().sum()
    }

    /// The stages that were met fewer than `times` times, of those at which a kill of the victim differs.
    pub fn rarer_than(&self, times: usize) -> Vec<Stage> {
        let met = |stage: &Stage| self.stages.get(stage).copied().unwrap_or_default();
        self.victim.stages().iter().filter(|stage| met(stage) < times).copied().collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:?}, {} times, seed {}", self.victim, self.kills(), self.seed)?;
        for stage in Stage::ALL {
            writeln!(f, "  {stage:<26} {:>5}", self.stages.get(&stage).copied().unwrap_or_default())?;
        }
        writeln!(f, "  {:<26} {:>5}", "taps acknowledged", self.acknowledged)?;
        writeln!(f, "  {:<26} {:>5}", "lost, doubled or wrong", self.findings.len())?;
        self.findings.iter().try_for_each(|finding| writeln!(f, "    {finding:?}"))?;
        writeln!(f, "  {}", self.traces)
    }
}

/// Reports as a page that can be kept: when, of which commit, and what was found.
fn page(date: &str, commit: &str, reports: &[String]) -> String {
    format!(
        "# Kills and overload\n\nWritten by `cargo xtask torture --report FILE`. A stage is what stood on disk at the \
         moment of the kill, the other\nprogram being frozen meanwhile; for the service and its database server only \
         `stored` and `committed but\nunanswered` differ by its end. While the database was away, every answer of \
         the service was a success or a 503 that\nsays when to come back. The APDU trace is the daemons' own, compared \
         with what pcscd logged by itself; a killed daemon\nmay leave out the exchange that was under way, and no \
         other. In an overload a batch's time runs from when it was due\nto its answer; memory is the service's \
         resident set.\n\n- Date: {date}\n- Commit: \
         {commit}\n\n```text\n{}```\n",
        reports.join("\n")
    )
}

/// The commit that is checked out.
///
/// # Errors
/// When git does not answer.
pub fn commit() -> Result<String> {
    said(Command::new("git").args(["describe", "--always", "--dirty", "--abbrev=12"]))
}

/// Writes the reports to a file. `commit` is what the programs were built from: what was checked out when they began, which
/// may be another when they end.
///
/// # Errors
/// When `date` does not answer, or the file cannot be written.
pub fn keep(reports: &[String], commit: &str, file: &Path) -> Result<()> {
    let date = said(Command::new("date").args(["--utc", "+%Y-%m-%d %H:%M UTC"]))?;
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).with_context(|| format!("making the folder {}", folder.display()))?;
    }
    fs::write(file, page(&date, commit, reports)).with_context(|| format!("writing {}", file.display()))
}

fn said(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("starting {command:?}"))?;
    anyhow::ensure!(output.status.success(), "{command:?} ended with {}", output.status);
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_that_were_hardly_met_are_named() {
        let stages = Stage::ALL.into_iter().map(|stage| (stage, 5)).collect::<BTreeMap<_, _>>();
        let mut report = Report {
            victim: Victim::Daemon,
            seed: 1,
            stages,
            acknowledged: 9,
            traces: Comparison::default(),
            findings: Vec::new(),
        };
        assert_eq!(report.rarer_than(5), []);
        report.stages.insert(Stage::Signed, 4);
        report.stages.remove(&Stage::Sent);
        assert_eq!(report.rarer_than(5), [Stage::Signed, Stage::Sent]);
        report.victim = Victim::Service;
        assert_eq!(report.rarer_than(5), [], "the service's end does not show these");
    }
}
