//! A terminal's lanes: numbers without gaps, each tap bound to the one before by its hash. Pure.
//!
//! That a number below the lane's newest belongs to one tap follows from what was recorded: either its tap is found, or
//! the lane skipped it, which is a fault, or it was used for another tap.

use card_schema::envelope::tap::Tap;
use card_schema::ids::{TapId, TerminalId};

/// A number of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct LaneNumber {
    pub(super) terminal: TerminalId,
    pub(super) lane: u8,
    pub(super) counter: i64,
}

impl LaneNumber {
    /// The number that a tap says it has.
    pub(super) fn of(tap: &Tap) -> Self {
        // `verify` lets no larger counter through.
        let counter = i64::try_from(tap.counter).unwrap_or(i64::MAX);
        Self { terminal: tap.terminal, lane: tap.lane, counter }
    }

    /// The lane.
    pub(super) const fn lane(&self) -> (TerminalId, u8) {
        (self.terminal, self.lane)
    }
}

/// The newest tap of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LaneHead {
    pub(super) counter: i64,
    pub(super) tap: TapId,
}

impl LaneHead {
    /// A lane that has brought nothing yet.
    pub(super) const EMPTY: Self = Self { counter: 0, tap: TapId::NONE };
}

/// What is wrong with a lane. Numbers are those of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LaneFault {
    /// Numbers are missing before this one, or this one comes too late to fill its place.
    Gap = 1,
    /// The number was used for another tap.
    Fork = 2,
    /// The number follows, the hash of the tap before does not.
    BrokenChain = 3,
    /// The tap has seen a log head that this log never had.
    UnknownLogHead = 4,
}

impl LaneFault {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Gap => "gap",
            Self::Fork => "fork",
            Self::BrokenChain => "broken_chain",
            Self::UnknownLogHead => "unknown_log_head",
        }
    }
}

/// A fault as it was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RecordedFault {
    /// The number of the tap that showed it.
    pub(super) number: LaneNumber,
    /// That tap.
    pub(super) tap: TapId,
    /// Whether the tap is a second one for its number, and so is not recorded as a tap.
    pub(super) fork: bool,
    /// The counter that should have come.
    pub(super) expected: i64,
}

impl RecordedFault {
    /// Whether the lane went on behind a number and left it free.
    fn skipped(&self, number: &LaneNumber) -> bool {
        self.number.lane() == number.lane() && (self.expected..self.number.counter).contains(&number.counter)
    }

    /// Whether it tells of a tap that came too late for its place and was recorded there all the same.
    fn is_late(&self) -> bool {
        !self.fork && self.expected > self.number.counter
    }
}

/// The faults that matter for numbers that their lanes have passed: of some lanes, as they were recorded and go on.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<RecordedFault>);

impl Faults {
    pub(super) fn new(recorded: Vec<RecordedFault>) -> Self {
        Self(recorded)
    }

    /// Notes one. Whether it is new: somebody who brings a second tap for a number brings it again and again.
    pub(super) fn note(&mut self, fault: RecordedFault) -> bool {
        let same =
            |known: &RecordedFault| (known.number, known.tap, known.fork) == (fault.number, fault.tap, fault.fork);
        let new = !self.0.iter().any(same);
        if new {
            self.0.push(fault);
        }
        new
    }

    /// Whether a number that its lane has passed was never used.
    pub(super) fn left_free(&self, number: &LaneNumber) -> bool {
        self.0.iter().any(|fault| fault.skipped(number))
            && !self.0.iter().any(|fault| fault.number == *number && fault.is_late())
    }
}

/// Whether a tap goes on where its lane stands.
pub(super) fn follows(head: LaneHead, tap: &Tap) -> Result<(), LaneFault> {
    let LaneNumber { counter, .. } = LaneNumber::of(tap);
    if counter != head.counter.saturating_add(1) {
        Err(LaneFault::Gap)
    } else if tap.previous != head.tap {
        Err(LaneFault::BrokenChain)
    } else {
        Ok(())
    }
}
