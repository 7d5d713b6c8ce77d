//! A terminal's lanes: numbers without gaps, each tap bound to the one before by its hash. Pure.
//!
//! That a number below the lane's newest belongs to one tap follows from what was recorded: either its tap is found, or
//! the lane skipped it, which is a fault, or it was used for another tap.

use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;

use card_schema::envelope::tap::Tap;
use card_schema::ids::{TapId, TerminalId};
use foldhash::fast::RandomState;

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

/// The newest tap of each of some lanes.
pub(super) type Heads = HashMap<(TerminalId, u8), LaneHead, RandomState>;

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
pub enum LaneFault {
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
    const ALL: [Self; 4] = [Self::Gap, Self::Fork, Self::BrokenChain, Self::UnknownLogHead];

    pub(super) fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| *fault as i64 == number)
    }

    pub(crate) const fn name(self) -> &'static str {
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

/// Numbers of a lane one after the other whose taps were folded.
#[derive(Clone, Debug)]
pub(super) struct Folded {
    pub(super) lane: (TerminalId, u8),
    pub(super) numbers: RangeInclusive<i64>,
}

/// Where a tap stands in its lane. What it says of a tap that was recorded before is of no account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    /// Whether its lane had come to its number before: only then can it have been recorded together with its lane.
    pub(super) passed: bool,
    /// What is wrong with it.
    pub(super) fault: Option<Shown>,
    /// Whether whatever had its number was folded: nobody can tell any more what it was.
    pub(super) is_folded: bool,
}

/// A fault that a tap shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) fault: LaneFault,
    /// The counter that should have come.
    pub(super) expected: i64,
    /// Whether it has not been recorded yet: somebody who brings a second tap for a number brings it again and again.
    pub(super) new: bool,
}

/// Some lanes as taps take their places in them, one after the other.
#[derive(Debug)]
pub(super) struct Lanes {
    heads: Heads,
    /// Faults of these lanes at or above numbers that they have passed.
    faults: Vec<RecordedFault>,
    /// Numbers whose taps were folded.
    folded: Vec<Folded>,
    moved: BTreeSet<(TerminalId, u8)>,
}

impl Lanes {
    pub(super) fn new(heads: Heads, faults: Vec<RecordedFault>, folded: Vec<Folded>) -> Self {
        Self { heads, faults, folded, moved: BTreeSet::new() }
    }

    /// Gives a tap its place. `knows_log` says that the log head it has seen, if any, is one of ours.
    pub(super) fn place(&mut self, id: TapId, tap: &Tap, knows_log: bool) -> Standing {
        let number = LaneNumber::of(tap);
        let head = self.heads.get(&number.lane()).copied().unwrap_or(LaneHead::EMPTY);
        let expected = head.counter.saturating_add(1);
        let passed = number.counter < expected;
        let holds = |folded: &Folded| folded.lane == number.lane() && folded.numbers.contains(&number.counter);
        if passed && self.folded.iter().any(holds) {
            return Standing { passed, fault: None, is_folded: true };
        }
        let fault = if passed && !self.left_free(&number) {
            Some(LaneFault::Fork)
        } else if !knows_log {
            Some(LaneFault::UnknownLogHead)
        } else if number.counter != expected {
            Some(LaneFault::Gap)
        } else if tap.previous != head.tap {
            Some(LaneFault::BrokenChain)
        } else {
            None
        };
        if !passed {
            self.heads.insert(number.lane(), LaneHead { counter: number.counter, tap: id });
            self.moved.insert(number.lane());
        }
        let fault = fault.map(|fault| {
            let recorded = RecordedFault { number, tap: id, fork: fault == LaneFault::Fork, expected };
            Shown { fault, expected, new: self.note(recorded) }
        });
        Standing { passed, fault, is_folded: false }
    }

    /// The lanes that have gone on, and where they are now.
    pub(super) fn moved(&self) -> Vec<((TerminalId, u8), LaneHead)> {
        self.moved.iter().map(|lane| (*lane, self.heads[lane])).collect()
    }

    /// Notes a fault. Whether it is new.
    fn note(&mut self, fault: RecordedFault) -> bool {
        let same =
            |known: &RecordedFault| (known.number, known.tap, known.fork) == (fault.number, fault.tap, fault.fork);
        let new = !self.faults.iter().any(same);
        if new {
            self.faults.push(fault);
        }
        new
    }

    /// Whether a number that its lane has passed was never used.
    fn left_free(&self, number: &LaneNumber) -> bool {
        self.faults.iter().any(|fault| fault.skipped(number))
            && !self.faults.iter().any(|fault| fault.number == *number && fault.is_late())
    }
}

#[cfg(test)]
mod tests {
    use card_schema::clock::Micros;
    use card_schema::operation::{Operation, gate};

    use super::*;

    const TERMINAL: TerminalId = TerminalId::from_bytes([7; 16]);

    fn id(number: u8) -> TapId {
        TapId([number; 32])
    }

    /// A tap with this number, bound to the one before.
    fn tap(counter: u64, previous: TapId) -> Tap {
        let operation = Operation::GateCheck(gate::Check);
        Tap {
            card: None,
            terminal: TERMINAL,
            lane: 0,
            counter,
            previous,
            nonce: [0; 16],
            at: Micros(0),
            log_head: None,
            status_version: 0,
            operation,
        }
    }

    fn at(counter: i64) -> Lanes {
        let head = LaneHead { counter, tap: id(u8::try_from(counter).unwrap()) };
        Lanes::new(Heads::from_iter([((TERMINAL, 0), head)]), Vec::new(), Vec::new())
    }

    fn fault(standing: Standing) -> Option<(LaneFault, bool)> {
        standing.fault.map(|shown| (shown.fault, shown.new))
    }

    fn counter(lanes: &Lanes) -> Option<i64> {
        lanes.moved().first().map(|(_, head)| head.counter)
    }

    #[test]
    fn a_lane_goes_on_number_by_number() {
        let mut lanes = Lanes::new(Heads::default(), Vec::new(), Vec::new());
        assert_eq!(counter(&lanes), None);
        for (number, previous) in [(1, TapId::NONE), (2, id(1)), (3, id(2))] {
            let standing = lanes.place(id(number), &tap(u64::from(number), previous), true);
            assert_eq!(standing, Standing { passed: false, fault: None, is_folded: false });
        }
        assert_eq!(lanes.moved(), [((TERMINAL, 0), LaneHead { counter: 3, tap: id(3) })]);
    }

    #[test]
    fn a_gap_a_broken_chain_and_an_unknown_log_are_shown_and_the_lane_goes_on() {
        let mut lanes = at(1);
        assert_eq!(fault(lanes.place(id(3), &tap(3, id(2)), true)), Some((LaneFault::Gap, true)));
        assert_eq!(fault(lanes.place(id(4), &tap(4, id(9)), true)), Some((LaneFault::BrokenChain, true)));
        assert_eq!(fault(lanes.place(id(5), &tap(5, id(4)), false)), Some((LaneFault::UnknownLogHead, true)));
        assert_eq!(counter(&lanes), Some(5));
    }

    #[test]
    fn a_number_that_was_left_free_is_filled_once() {
        let mut lanes = at(1);
        lanes.place(id(4), &tap(4, id(3)), true);
        let late = lanes.place(id(2), &tap(2, id(1)), true);
        assert!(late.passed);
        assert_eq!(fault(late), Some((LaneFault::Gap, true)));
        assert_eq!(fault(lanes.place(id(9), &tap(2, id(1)), true)), Some((LaneFault::Fork, true)));
        assert_eq!(fault(lanes.place(id(3), &tap(3, id(2)), true)), Some((LaneFault::Gap, true)));
        assert_eq!(counter(&lanes), Some(4), "the lane does not go back");
    }

    #[test]
    fn what_was_folded_is_no_fork() {
        let folded = vec![Folded { lane: (TERMINAL, 0), numbers: 2..=3 }];
        let mut lanes = Lanes { folded, ..at(5) };
        let mut folded = |number: u64| lanes.place(id(99), &tap(number, id(0)), true).is_folded;
        assert_eq!([1, 2, 3, 4, 5].map(&mut folded), [false, true, true, false, false]);
        assert_eq!(counter(&lanes), None);
    }

    #[test]
    fn a_second_tap_for_a_number_is_a_fork_that_is_new_once() {
        let mut lanes = at(5);
        let mut place = || fault(lanes.place(id(99), &tap(5, id(4)), true));
        assert_eq!((place(), place()), (Some((LaneFault::Fork, true)), Some((LaneFault::Fork, false))));
        assert_eq!(counter(&lanes), None);
    }

    #[test]
    fn what_was_recorded_earlier_counts_as_what_was_seen_now() {
        let mut lanes = at(5);
        let number = |counter| LaneNumber { terminal: TERMINAL, lane: 0, counter };
        let recorded = |counter, tap, fork, expected| RecordedFault { number: number(counter), tap, fork, expected };
        lanes.faults = vec![recorded(5, id(5), false, 2), recorded(3, id(3), false, 6), recorded(4, id(8), true, 6)];
        assert_eq!(fault(lanes.place(id(2), &tap(2, id(1)), true)), Some((LaneFault::Gap, true)), "left free");
        assert_eq!(fault(lanes.place(id(9), &tap(3, id(2)), true)), Some((LaneFault::Fork, true)), "filled late");
        assert_eq!(fault(lanes.place(id(8), &tap(1, id(0)), true)), Some((LaneFault::Fork, true)), "used in its time");
    }
}
