//! What an overload came to, and what of it must not be. Pure; every bound is a ratio of figures of one run, so that it
//! holds on slow and fast machines.

use std::fmt;

use bench::{intake::count, percentile};
use card_service::intake::QUEUED_BATCHES;

use crate::checker::Finding;

/// How many batches may be accepted and wait, in queues: one is full, and as many may be in the transaction under way.
/// The third is for what one processor does meanwhile.
const FULL_QUEUES: f64 = 3.0;
/// "No" comes in at most this part of the time that a full queue takes.
const REFUSED_PART: f64 = 0.5;
/// The part of the closed loop's capacity that must be left: refusing must not be all that the service does.
const CAPACITY_PART: f64 = 0.2;
/// Memory at most in the second half, of what it was in the first: by then the caches have grown to their bounds.
const MEMORY_PART: f64 = 1.25;

/// In which memory is told.
const QUARTERS: usize = 4;

/// What was measured.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Batches a second that are receipted when nobody sends before an answer came.
    pub capacity_per_s: f64,
    /// Batches that were sent in the overload, and how long it was.
    pub offered: usize,
    pub(super) seconds: f64,
    /// From when a batch was due to its receipt, in milliseconds.
    pub(super) accepted_ms: Vec<f64>,
    /// The same to a 503 that says when to come back.
    pub(super) refused_ms: Vec<f64>,
    /// The service's resident memory in MiB, at even intervals.
    pub(super) memory_mib: Vec<f64>,
}

/// What the vectors come to.
#[derive(Clone, Copy, Debug)]
struct Summary {
    accepted_per_s: f64,
    full_queue_ms: f64,
    accepted_p50_ms: f64,
    accepted_p99_ms: f64,
    refused_p50_ms: f64,
    refused_p99_ms: f64,
    /// The most memory in each quarter of the overload.
    quarters_mib: [f64; QUARTERS],
}

impl Figures {
    /// How many batches were refused in the overload.
    pub fn refused(&self) -> usize {
        self.refused_ms.len()
    }

    /// Whether as many were refused as the queue takes, and as many accepted: less shows nothing about overload.
    pub fn is_overload(&self) -> bool {
        let accepted = self.accepted_ms.len();
        self.memory_mib.len() >= QUARTERS && accepted >= QUEUED_BATCHES && self.refused() >= QUEUED_BATCHES
    }

    fn summary(&self) -> Summary {
        let of = |values: &[f64], percent| percentile(&mut values.to_vec(), percent);
        // The last of them were accepted some time after the last was sent.
        let last_ms = self.seconds * 1000.0 + of(&self.accepted_ms, 50);
        let accepted_per_s = count(self.accepted_ms.len()) / last_ms * 1000.0;
        let quarters = std::array::from_fn(|quarter| {
            let at = |quarter| quarter * self.memory_mib.len() / QUARTERS;
            of(&self.memory_mib[at(quarter)..at(quarter + 1)], 100)
        });
        Summary {
            accepted_per_s,
            full_queue_ms: count(QUEUED_BATCHES) / accepted_per_s * 1000.0,
            accepted_p50_ms: of(&self.accepted_ms, 50),
            accepted_p99_ms: of(&self.accepted_ms, 99),
            refused_p50_ms: of(&self.refused_ms, 50),
            refused_p99_ms: of(&self.refused_ms, 99),
            quarters_mib: quarters,
        }
    }

    /// What must not be, of an overload that was one.
    pub fn findings(&self) -> Vec<Finding> {
        let s = self.summary();
        let [first, second, third, fourth] = s.quarters_mib;
        let bounds = [
            ("accepted, p99 in ms", s.accepted_p99_ms, FULL_QUEUES * s.full_queue_ms),
            ("refused, p99 in ms", s.refused_p99_ms, REFUSED_PART * s.full_queue_ms),
            ("capacity as a part of what is left", CAPACITY_PART * self.capacity_per_s, s.accepted_per_s),
            ("resident memory in MiB", third.max(fourth), MEMORY_PART * first.max(second)),
        ];
        let broken = bounds.into_iter().filter(|(_, value, most)| value > most);
        broken.map(|(what, value, most)| Finding::Unbounded(format!("{what}: {value:.1}, at most {most:.1}"))).collect()
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = self.summary();
        let offered_per_s = count(self.offered) / self.seconds;
        let Self { capacity_per_s, offered, seconds, .. } = self;
        let (accepted, refused) = (self.accepted_ms.len(), self.refused());
        writeln!(f, "  capacity                   {capacity_per_s:.0} batches/s")?;
        let times = offered_per_s / capacity_per_s;
        writeln!(f, "  offered                    {offered} in {seconds:.0} s, {times:.1} times the capacity")?;
        writeln!(f, "  503 with Retry-After       {refused}")?;
        writeln!(f, "  accepted meanwhile         {accepted}, {:.0} batches/s", s.accepted_per_s)?;
        writeln!(f, "  a full queue takes         {:.0} ms", s.full_queue_ms)?;
        writeln!(f, "  accepted, p50 and p99      {:.0} and {:.0} ms", s.accepted_p50_ms, s.accepted_p99_ms)?;
        writeln!(f, "  refused, p50 and p99       {:.0} and {:.0} ms", s.refused_p50_ms, s.refused_p99_ms)?;
        let [first, second, third, fourth] = s.quarters_mib;
        writeln!(f, "  memory, peaks of quarters  {first:.1}, {second:.1}, {third:.1} and {fourth:.1} MiB")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 100 batches a second, of 400: the queue takes some five seconds.
    fn good() -> Figures {
        Figures {
            capacity_per_s: 120.0,
            offered: 4_800,
            seconds: 10.0,
            accepted_ms: vec![6_000.0; 1_600],
            refused_ms: vec![40.0; 3_200],
            memory_mib: [vec![60.0; 20], vec![80.0; 80]].concat(),
        }
    }

    fn unbounded(figures: &Figures) -> Vec<String> {
        let what = |finding| match finding {
            Finding::Unbounded(what) => what,
            other => panic!("{other:?}"),
        };
        figures.findings().into_iter().map(what).collect()
    }

    #[test]
    fn a_service_that_refuses_what_it_cannot_take_is_in_order() {
        assert!(good().is_overload());
        assert_eq!(good().findings(), []);
        assert!(good().to_string().contains("4.0 times the capacity"), "{}", good());
    }

    #[test]
    fn every_planted_defect_is_found() {
        let mut late = good();
        late.accepted_ms[1_500..].fill(60_000.0);
        let mut slow_to_refuse = good();
        slow_to_refuse.refused_ms[3_000..].fill(4_000.0);
        let mut collapsed = good();
        collapsed.accepted_ms.truncate(100);
        let mut growing = good();
        growing.memory_mib[99] = 101.0;
        for (figures, what) in [
            (late, "accepted, p99"),
            (slow_to_refuse, "refused, p99"),
            (collapsed, "capacity"),
            (growing, "resident memory"),
        ] {
            let found = unbounded(&figures);
            assert!(matches!(&found[..], [one] if one.starts_with(what)), "{what}: {found:?}");
        }
    }

    #[test]
    fn a_load_that_is_mostly_accepted_shows_nothing() {
        let mut idle = good();
        idle.refused_ms.truncate(QUEUED_BATCHES - 1);
        assert!(!idle.is_overload());
        let mut short = good();
        short.accepted_ms.truncate(QUEUED_BATCHES - 1);
        assert!(!short.is_overload(), "the queue was never gone through");
    }
}
