//! What the daemons wrote into their APDU traces against what pcscd logged by itself. Starts nothing.
//!
//! A daemon writes a line when the answer has come. So one that is killed may leave out the exchange that pcscd was just
//! carrying: at the end of each killed process's lines one exchange of pcscd's may be missing, and nowhere else.

use std::{collections::BTreeMap, fmt};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::pcscd::LoggedApdu;

/// One APDU and its answer as both sides can tell it: no data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// CLA, INS, P1 and P2 in hexadecimal.
    pub header: String,
    /// Bytes of the command's data field.
    pub lc: usize,
    /// Bytes of the whole command.
    pub sent: usize,
    /// Bytes of the answer's data field.
    pub received: usize,
    /// The status word in hexadecimal; nothing where no answer came.
    pub status: Option<String>,
}

impl From<&LoggedApdu> for Exchange {
    /// Our programs send short APDUs only: the fifth byte of a longer one is its Lc.
    fn from(logged: &LoggedApdu) -> Self {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().concat();
        let (received, status) = match logged.response.split_last_chunk::<2>() {
            Some((data, status)) => (data.len(), Some(hex(status))),
            None => (logged.response.len(), None),
        };
        let (sent, lc) = match logged.command[..] {
            [_, _, _, _, lc, _, ..] => (logged.command.len(), usize::from(lc)),
            _ => (logged.command.len(), 0),
        };
        Self { header: hex(&logged.command[..sent.min(4)]), lc, sent, received, status }
    }
}

/// What one process of a daemon wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// When each line was written, and what it says.
    lines: Vec<(String, Exchange)>,
    /// Whether it ended in good order.
    stopped: bool,
}

/// Reads a trace, a [`Run`] for each process.
///
/// # Errors
/// When a line is not one of the trace's, other than the last of a process that did not stop in good order.
pub fn read(text: &str) -> Result<Vec<Run>> {
    let mut runs: Vec<Run> = Vec::new();
    let mut torn = None;
    for (number, line) in (1..).zip(text.lines()) {
        let Ok(line) = serde_json::from_str::<Value>(line) else {
            torn = Some(number);
            continue;
        };
        if line["daemon"] == "start" {
            runs.push(Run::default());
            torn = None;
            continue;
        }
        if let Some(torn) = torn {
            bail!("line {torn} is not of a trace, and its process went on");
        }
        let run = runs.last_mut().with_context(|| format!("line {number} stands before any start"))?;
        ensure!(!run.stopped, "line {number} stands after a stop");
        if line["daemon"] == "stop" {
            run.stopped = true;
        } else {
            let time = line["timestamp"].as_str().with_context(|| format!("line {number} has no time"))?;
            run.lines.push((time.to_owned(), exchange(&line).with_context(|| format!("line {number}: {line}"))?));
        }
    }
    Ok(runs)
}

fn exchange(line: &Value) -> Result<Exchange> {
    let number = |name: &str| -> Result<usize> {
        Ok(usize::try_from(line[name].as_u64().with_context(|| format!("no `{name}`"))?)?)
    };
    Ok(Exchange {
        header: line["header"].as_str().context("no `header`")?.to_owned(),
        lc: number("lc")?,
        sent: number("sent")?,
        received: number("received")?,
        status: line["status"].as_str().map(str::to_owned),
    })
}

impl Run {
    /// Several daemons' lines as one run, by the time at which they were written: for a town in which one reader is at
    /// work at a time.
    pub fn merged(runs: impl IntoIterator<Item = Self>) -> Self {
        let mut lines: Vec<_> = runs.into_iter().flat_map(|run| run.lines).collect();
        // All times have the same form and zone, so they sort as text.
        lines.sort_by(|(one, _), (other, _)| one.cmp(other));
        Self { lines, stopped: true }
    }

    /// How many exchanges it holds.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

/// What came out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Exchanges that pcscd carried.
    pub exchanges: usize,
    /// Of those, the ones that a killed daemon had no time to write.
    pub unwritten: usize,
    /// Exchanges that one side has otherwise than the other, or not at all.
    pub differ: usize,
    /// The first of them.
    pub first: Option<String>,
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { exchanges, unwritten, differ, first } = self;
        write!(f, "APDU trace: {exchanges} exchanges, {differ} differ, {unwritten} unwritten at a kill")?;
        first.iter().try_for_each(|first| write!(f, "; {first}"))
    }
}

/// Compares the runs of one daemon, in their order, with all that pcscd logged. The last run must be whole.
pub fn compare(runs: &[Run], logged: &[Exchange]) -> Comparison {
    // By how much of pcscd's log is told for: whether a killed run lacks its last exchange shows in the runs after it.
    let mut told = BTreeMap::from([(0, Comparison::default())]);
    for (place, run) in runs.iter().enumerate() {
        let may_lack_one = !run.stopped && place + 1 < runs.len();
        let mut further = BTreeMap::new();
        for (from, so_far) in told {
            let whole = so_far.with(run, logged.get(from..).unwrap_or_default(), from);
            let to = from + run.len();
            if may_lack_one {
                keep_better(&mut further, to + 1, Comparison { unwritten: whole.unwritten + 1, ..whole.clone() });
            }
            keep_better(&mut further, to, whole);
        }
        told = further;
    }
    let ended = told.into_iter().map(|(to, mut found)| {
        if to != logged.len() {
            found.differ += to.abs_diff(logged.len());
            found.first.get_or_insert_with(|| format!("the traces have {to} exchanges and pcscd {}", logged.len()));
        }
        found
    });
    let best = ended.min_by_key(Comparison::badness).unwrap_or_default();
    Comparison { exchanges: logged.len(), ..best }
}

impl Comparison {
    fn badness(&self) -> (usize, usize) {
        (self.differ, self.unwritten)
    }

    fn with(&self, run: &Run, logged: &[Exchange], from: usize) -> Self {
        let mut sum = self.clone();
        for (place, ((_, traced), logged)) in run.lines.iter().zip(logged).enumerate() {
            if traced != logged {
                sum.differ += 1;
                let number = from + place + 1;
                sum.first.get_or_insert_with(|| format!("number {number}: traced {traced:?}, pcscd {logged:?}"));
            }
        }
        sum
    }
}

fn keep_better(told: &mut BTreeMap<usize, Comparison>, at: usize, found: Comparison) {
    let kept = told.entry(at).or_insert_with(|| found.clone());
    if found.badness() < kept.badness() {
        *kept = found;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: &str = r#"{"timestamp":"2026-01-01T00:00:00.000000Z","daemon":"start","version":"0.1.0","pid":7}"#;
    const STOP: &str = r#"{"timestamp":"2026-01-01T00:00:09.000000Z","daemon":"stop","version":"0.1.0","pid":7}"#;

    fn line(ins: u8) -> String {
        format!(
            r#"{{"timestamp":"2026-01-01T00:00:01.{ins:06}Z","reader":"R","header":"00{ins:02X}0000","lc":0,"sent":4,"received":{ins},"status":"9000","micros":1}}"#
        )
    }

    fn text(lines: &[&str]) -> String {
        lines.join("\n")
    }

    fn logged(instructions: &[u8]) -> Vec<Exchange> {
        let apdu = |ins: &u8| LoggedApdu {
            command: vec![0, *ins, 0, 0],
            response: [&vec![0; usize::from(*ins)][..], &[0x90, 0]].concat(),
        };
        instructions.iter().map(apdu).map(|apdu| Exchange::from(&apdu)).collect()
    }

    fn compared(trace: &[&str], log: &[u8]) -> (usize, usize, usize) {
        let found = compare(&read(&text(trace)).expect("a trace"), &logged(log));
        assert_eq!(found.first.is_some(), found.differ > 0, "{found}");
        (found.exchanges, found.differ, found.unwritten)
    }

    #[test]
    fn a_killed_process_may_lack_its_last_exchange_and_no_other() {
        let (a, b, c) = (&*line(0xA4), &*line(0xCB), &*line(0x87));
        let whole = [START, a, b, c, STOP];
        assert_eq!(compared(&whole, &[0xA4, 0xCB, 0x87]), (3, 0, 0));
        // Killed while pcscd carried GENERAL AUTHENTICATE, or the SELECT with which the next process begins as well.
        assert_eq!(compared(&[START, a, b, START, a, b, c], &[0xA4, 0xCB, 0x87, 0xA4, 0xCB, 0x87]), (6, 0, 1));
        assert_eq!(compared(&[START, START, a, b, c], &[0xA4, 0xA4, 0xCB, 0x87]), (4, 0, 1));
        assert_eq!(compared(&[START, START, START, a], &[0xA4, 0xA4, 0xA4]), (3, 0, 2));
        assert_eq!(compared(&[START, a, START, b], &[0xA4, 0xCB]), (2, 0, 0));
        // Two, or one of a process that stopped in good order, or one of the last.
        assert_ne!(compared(&[START, a, START, a, b, c], &[0xA4, 0xCB, 0x87, 0xA4, 0xCB, 0x87]).1, 0);
        assert_ne!(compared(&[START, a, b, STOP, START, a], &[0xA4, 0xCB, 0x87, 0xA4]).1, 0);
        assert_ne!(compared(&[START, a, b], &[0xA4, 0xCB, 0x87]).1, 0);
    }

    #[test]
    fn a_line_that_was_torn_by_a_kill_is_one_that_was_not_written() {
        let a = &*line(0xA4);
        let torn = &a[..a.len() / 2];
        assert_eq!(compared(&[START, a, torn, START, a], &[0xA4, 0xCB, 0xA4]), (3, 0, 1));
        for bad in [vec![START, torn, a], vec![START, torn, STOP], vec![a], vec![START, STOP, a]] {
            read(&text(&bad)).expect_err("no trace");
        }
        for key in ["header", "lc", "sent", "received", "timestamp"] {
            read(&text(&[START, &a.replace(key, "other")])).expect_err(key);
        }
    }

    #[test]
    fn daemons_that_take_turns_are_one_run() {
        let run = |lines: &[&str]| read(&text(lines)).expect("a trace").remove(0);
        let (early, late) = (run(&[START, &line(1), &line(4)]), run(&[START, &line(2), &line(3)]));
        let found = compare(&[Run::merged([late, early])], &logged(&[1, 2, 3, 4]));
        assert_eq!((found.exchanges, found.differ), (4, 0), "{found}");
    }
}
