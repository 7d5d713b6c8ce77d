//! What a campaign came to, for people.

use std::{collections::BTreeMap, fmt};

use crate::{campaign::Victim, checker::Finding, stage::Stage};

/// What a campaign came to.
#[derive(Clone, Debug)]
pub struct Report {
    /// Who was killed.
    pub victim: Victim,
    /// What the random moments were drawn from.
    pub seed: u64,
    /// Kills by how far the newest tap had come.
    pub stages: BTreeMap<Stage, usize>,
    /// Taps that somebody was told are safe.
    pub acknowledged: usize,
    /// What must not be.
    pub findings: Vec<Finding>,
}

impl Report {
    /// How often the victim was killed.
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
        writeln!(f, "{:?} killed {} times, seed {}", self.victim, self.kills(), self.seed)?;
        for stage in Stage::ALL {
            writeln!(f, "  {stage:<26} {:>5}", self.stages.get(&stage).copied().unwrap_or_default())?;
        }
        writeln!(f, "  {:<26} {:>5}", "taps acknowledged", self.acknowledged)?;
        writeln!(f, "  {:<26} {:>5}", "lost, doubled or wrong", self.findings.len())?;
        self.findings.iter().try_for_each(|finding| writeln!(f, "    {finding:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_that_were_hardly_met_are_named() {
        let stages = Stage::ALL.into_iter().map(|stage| (stage, 5)).collect::<BTreeMap<_, _>>();
        let mut report = Report { victim: Victim::Daemon, seed: 1, stages, acknowledged: 9, findings: Vec::new() };
        assert_eq!(report.rarer_than(5), []);
        report.stages.insert(Stage::Signed, 4);
        report.stages.remove(&Stage::Sent);
        assert_eq!(report.rarer_than(5), [Stage::Signed, Stage::Sent]);
        report.victim = Victim::Service;
        assert_eq!(report.rarer_than(5), [], "the service's end does not show these");
    }
}
