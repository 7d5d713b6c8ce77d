//! Counters and chains of the terminals' lanes, and what taps say against what their rows say.

use card_schema::envelope::Envelope;
use card_schema::envelope::tap::Tap;

use super::super::leaf::Hash;
use super::super::tables::{LANE, LANE_FOLD, TAP, Value};
use super::sort::{Fields, Records, ordered};
use super::{Report, Row, VerifyError};
use crate::hex;
use crate::progress::{Part, Progress};

/// Terminal, lane, counter, what it is, id (of a tap, or of the lane's head), id of the tap before, line, counter again.
const LINK: usize = 16 + 8 + 8 + 1 + 32 + 32 + 8 + 8;

/// The lane's head: before every tap.
const HEAD: u8 = 0;
/// A fault that the service recorded.
const FAULT: u8 = 1;
/// Numbers whose taps were folded.
const FOLDED: u8 = 2;
const LINKED: u8 = 3;

/// Taps, faults and heads of every lane.
pub(super) struct Lanes(Records<LINK>);

struct Link {
    lane: ([u8; 16], i64),
    counter: i64,
    what: u8,
    id: Hash,
    previous: Hash,
    line: u64,
    head: i64,
}

impl From<Fields<LINK>> for Link {
    fn from(mut fields: Fields<LINK>) -> Self {
        Self {
            lane: (fields.bytes(), fields.number()),
            counter: fields.number(),
            what: fields.byte(),
            id: fields.bytes(),
            previous: fields.bytes(),
            line: fields.count(),
            head: fields.number(),
        }
    }
}

/// How far a lane has come.
#[derive(Default)]
struct Walk {
    lane: ([u8; 16], i64),
    /// Where the lane says that it is: line, counter, id. A process that ended in the middle of a group may have left
    /// taps to which it has not come; of their order nothing is said before they are brought again.
    head: Option<(u64, i64, Hash)>,
    /// Counter and id of the newest tap.
    newest: Option<(i64, Hash)>,
    /// The newest counter at which a fault was recorded.
    fault: Option<i64>,
    /// Whether the tap at which the lane says that it is was found.
    stands: bool,
}

impl Lanes {
    pub(super) fn new() -> Result<Self, VerifyError> {
        Ok(Self(Records::new()?))
    }

    pub(super) fn take(&mut self, row: &Row<'_>, report: &mut Report) -> Result<(), VerifyError> {
        let (terminal, lane) = (row.array::<16>("terminal_id"), row.int("lane"));
        let counter = row.int(if *row.table == LANE_FOLD { "first" } else { "counter" });
        let (Some(terminal), Some(lane), Some(counter)) = (terminal, lane, counter) else {
            report.find(row.name(), "terminal, lane or counter are not of their kind");
            return Ok(());
        };
        let (what, counter, head, id, previous) = if *row.table == TAP {
            let envelope = row.bytes("cose").and_then(|cose| Envelope::<Tap>::decode(cose).ok());
            let Some(envelope) = envelope else {
                report.find(row.name(), "its envelope is not a tap");
                return Ok(());
            };
            if !agrees(row, &envelope) {
                report.find(row.name(), "its columns are not those of the signed tap");
            }
            (LINKED, counter, 0, envelope.digest(), envelope.payload.previous.0)
        } else if *row.table == LANE {
            (HEAD, i64::MIN, counter, row.array("head").unwrap_or_default(), Hash::default())
        } else if *row.table == LANE_FOLD {
            let (last, head, previous) = (row.int("last"), row.array("head"), row.array("previous"));
            let (Some(last), Some(head), Some(previous)) = (last.filter(|last| *last >= counter), head, previous)
            else {
                report.find(row.name(), "its last number, head or predecessor are not of their kind");
                return Ok(());
            };
            (FOLDED, counter, last, head, previous)
        } else {
            (FAULT, counter, 0, Hash::default(), Hash::default())
        };
        let place = [&terminal[..], &ordered(lane), &ordered(counter), &[what]].concat();
        self.0.push(&[&place, &id, &previous, &row.line.to_be_bytes(), &ordered(head)])
    }

    pub(super) fn check(self, report: &mut Report, progress: &mut dyn Progress) -> Result<(), VerifyError> {
        let mut links = self.0.sorted()?;
        let total = links.remaining();
        progress.begin(Part::Lanes, Some(total));
        let mut walk = Walk::default();
        while let Some(fields) = links.take()? {
            progress.reach(total - links.remaining());
            let link = Link::from(fields);
            if link.lane != walk.lane {
                walk.end(report);
                walk = Walk { lane: link.lane, ..Walk::default() };
            }
            walk.go_on(&link, report);
        }
        walk.end(report);
        Ok(())
    }
}

impl Walk {
    fn go_on(&mut self, link: &Link, report: &mut Report) {
        match link.what {
            FAULT => self.fault = Some(link.counter),
            HEAD => self.head = Some((link.line, link.head, link.id)),
            _ => {
                let (counter, head) = self.newest.unwrap_or_default();
                let follows = counter.checked_add(1) == Some(link.counter) && link.previous == head;
                let (table, last) = if link.what == FOLDED { (&LANE_FOLD, link.head) } else { (&TAP, link.counter) };
                if self.newest.is_some_and(|(newest, _)| newest >= link.counter) {
                    report.find_line(table, link.line, "its number was used by another tap: a fork");
                } else if self.has_passed(link.counter) && !follows && self.fault != Some(link.counter) {
                    let problem = format!("does not follow number {counter} of its lane, and nothing was recorded");
                    report.find_line(table, link.line, problem);
                }
                let numbers = u64::try_from(last.saturating_sub(link.counter)).unwrap_or(0).saturating_add(1);
                report.pending_taps += if self.has_passed(link.counter) { 0 } else { numbers };
                self.newest = Some((last, link.id));
                self.stands |= self.is_at(last, &link.id);
            }
        }
    }

    /// Whether the lane has come to this number.
    fn has_passed(&self, counter: i64) -> bool {
        self.head.is_some_and(|(_, head, _)| counter <= head)
    }

    /// Whether the lane says that it is at this tap.
    fn is_at(&self, counter: i64, id: &Hash) -> bool {
        self.head.is_some_and(|(_, head, newest)| (head, &newest) == (counter, id))
    }

    fn end(&self, report: &mut Report) {
        match self.head {
            Some((line, ..)) if !self.stands && !self.is_at(0, &Hash::default()) => {
                report.find_line(&LANE, line, "is not at a tap of its lane");
            }
            None if self.newest.is_some() => {
                let name = format!("lane terminal_id={} lane={}", hex::encode(&self.lane.0), self.lane.1);
                report.find(name, "is missing: it has taps");
            }
            _ => {}
        }
    }
}

fn agrees(row: &Row<'_>, envelope: &Envelope<Tap>) -> bool {
    let tap = &envelope.payload;
    let card = match row.value("card_id") {
        Value::Null => tap.card.is_none(),
        Value::Bytes(card) => tap.card.is_some_and(|id| id.as_bytes() == card.as_slice()),
        _ => false,
    };
    card && row.array("tap_id") == Some(envelope.digest())
        && row.bytes("terminal_id") == Some(tap.terminal.as_bytes())
        && row.int("lane") == Some(i64::from(tap.lane))
        && row.int("counter").and_then(|counter| u64::try_from(counter).ok()) == Some(tap.counter)
        && row.int("operation") == Some(i64::from(tap.operation.code().number()))
        && row.int("at") == Some(tap.at.0)
}
