//! What the stages came to. Knows nothing of what they do.

use std::process::ExitCode;
use std::time::Duration;

/// How a stage ended.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// With a short remark, which may be empty.
    Passed(String),
    /// With the reason, which may be many lines.
    Failed(String),
}

#[derive(Debug)]
struct Line {
    stage: &'static str,
    took: Duration,
    verdict: Verdict,
}

/// The stages that have ended, in order.
#[derive(Debug, Default)]
pub(crate) struct Report {
    lines: Vec<Line>,
}

impl Report {
    /// Notes a stage's end and prints its line; a failure's reason is printed at once.
    pub(crate) fn add(&mut self, stage: &'static str, took: Duration, verdict: Verdict) {
        let line = Line { stage, took, verdict };
        if let Verdict::Failed(reason) = &line.verdict {
            eprintln!("{reason}");
        }
        println!("{}", line.text());
        self.lines.push(line);
    }

    /// Whether a stage has run and failed.
    pub(crate) fn has_failed(&self, stage: &str) -> bool {
        self.lines.iter().any(|line| line.stage == stage && matches!(line.verdict, Verdict::Failed(_)))
    }

    /// Prints the summary, ending with one line that counts, and gives the exit code.
    pub(crate) fn close(&self) -> ExitCode {
        println!();
        for line in &self.lines {
            println!("{}", line.text());
        }
        println!("{}", self.count());
        if self.failed() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn failed(&self) -> usize {
        self.lines.iter().filter(|line| matches!(line.verdict, Verdict::Failed(_))).count()
    }

    fn count(&self) -> String {
        format!("stages: {} passed, {} failed", self.lines.len() - self.failed(), self.failed())
    }
}

impl Line {
    fn text(&self) -> String {
        let (mark, remark) = match &self.verdict {
            Verdict::Passed(remark) => ("ok", remark.as_str()),
            Verdict::Failed(reason) => ("FAILED", reason.lines().next().unwrap_or_default()),
        };
        let text = format!("{mark:<6} {:<9} {:>7.1} s  {remark}", self.stage, self.took.as_secs_f64());
        text.trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        Report {
            lines: vec![
                Line {
                    stage: "fmt",
                    took: Duration::from_millis(1250),
                    verdict: Verdict::Passed("12 files".to_owned()),
                },
                Line {
                    stage: "deny",
                    took: Duration::ZERO,
                    verdict: Verdict::Failed("a licence\nand more".to_owned()),
                },
            ],
        }
    }

    #[test]
    fn a_stage_has_one_line_even_when_its_reason_has_many() {
        let lines: Vec<_> = report().lines.iter().map(Line::text).collect();
        assert_eq!(lines, ["ok     fmt           1.2 s  12 files", "FAILED deny          0.0 s  a licence"]);
    }

    #[test]
    fn the_last_line_counts_what_passed_and_what_failed() {
        assert_eq!(report().count(), "stages: 1 passed, 1 failed");
        assert!(report().has_failed("deny"));
        assert!(!report().has_failed("fmt"));
        assert!(!report().has_failed("never run"));
    }
}
