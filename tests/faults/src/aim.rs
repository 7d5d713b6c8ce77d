//! When to kill: at random, but more often where a stage is met rarely. Pure; the random numbers' seed is printed.
//!
//! A moment is a part of a payment's usual time, so that the same aim fits slow and fast machines.

use std::collections::BTreeMap;

use crate::stage::Stage;

/// Kills fall between a payment's begin and a little after its usual end.
const LATEST: f64 = 1.15;
/// How far from a moment that met a rare stage the next try may lie.
const SCATTER: f64 = 0.05;

/// Draws the moments.
#[derive(Debug)]
pub(crate) struct Aim {
    random: fastrand::Rng,
    wanted: &'static [Stage],
    met: BTreeMap<Stage, Vec<f64>>,
}

impl Aim {
    /// Draws from `seed`, and tries to meet each of the `wanted` stages.
    pub(crate) fn new(seed: u64, wanted: &'static [Stage]) -> Self {
        Self { random: fastrand::Rng::with_seed(seed), wanted, met: BTreeMap::new() }
    }

    /// The next moment: one time in two anywhere, else near one that met the rarest of the stages met so far.
    pub(crate) fn draw(&mut self) -> f64 {
        let anywhere = LATEST * self.random.f64();
        let rarest = self.wanted.iter().filter_map(|stage| self.met.get(stage)).min_by_key(|moments| moments.len());
        match rarest {
            Some(moments) if self.random.bool() => {
                let scatter = SCATTER * (2.0 * self.random.f64() - 1.0);
                (moments[self.random.usize(..moments.len())] + scatter).clamp(0.0, LATEST)
            }
            _ => anywhere,
        }
    }

    /// A kill at this moment met this stage.
    pub(crate) fn met(&mut self, stage: Stage, moment: f64) {
        self.met.entry(stage).or_default().push(moment);
    }

    /// How often each stage was met.
    pub(crate) fn stages(&self) -> BTreeMap<Stage, usize> {
        self.met.iter().map(|(stage, moments)| (*stage, moments.len())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A payment of which the last hundredth is the stage that is hard to meet.
    fn stage_at(moment: f64) -> Stage {
        if moment > 0.99 * LATEST { Stage::Sent } else { Stage::Stored }
    }

    #[test]
    fn a_rare_stage_is_met_more_often_once_it_is_known_where_it_lies() {
        let mut aim = Aim::new(1, &[Stage::Stored, Stage::Sent]);
        for _ in 0..1_000 {
            let moment = aim.draw();
            assert!((0.0..=LATEST).contains(&moment));
            aim.met(stage_at(moment), moment);
        }
        assert!(aim.stages()[&Stage::Sent] > 100, "{:?}", aim.stages());
    }

    #[test]
    fn the_same_seed_draws_the_same_moments() {
        let draw = |seed| Aim::new(seed, &[]).draw().to_bits();
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }
}
