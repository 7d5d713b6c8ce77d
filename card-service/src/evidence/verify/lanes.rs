//! Counters and chains of the terminals' lanes, and what taps say against what their rows say.

use std::collections::{BTreeMap, HashSet};

use card_schema::envelope::Envelope;
use card_schema::envelope::tap::Tap;

use super::super::export::{Export, Value};
use super::{Report, Row};

/// One tap of a lane: its row's name, its id, and the tap that it names as the one before.
type Link = (String, [u8; 32], [u8; 32]);

pub(super) fn check(export: &Export, report: &mut Report) {
    let mut lanes: BTreeMap<(&[u8], i64), BTreeMap<i64, Link>> = BTreeMap::new();
    for row in Row::of(export, "tap") {
        let (Some(terminal), Some(lane), Some(counter)) =
            (row.bytes("terminal_id"), row.int("lane"), row.int("counter"))
        else {
            report.find(row.name(), "terminal, lane or counter are not of their kind");
            continue;
        };
        let envelope = row.bytes("cose").and_then(|cose| Envelope::<Tap>::decode(cose).ok());
        let Some(envelope) = envelope else {
            report.find(row.name(), "its envelope is not a tap");
            continue;
        };
        if !agrees(&row, &envelope) {
            report.find(row.name(), "its columns are not those of the signed tap");
        }
        let entry = (row.name(), envelope.digest(), envelope.payload.previous.0);
        if lanes.entry((terminal, lane)).or_default().insert(counter, entry).is_some() {
            report.find(row.name(), "its number was used by another tap: a fork");
        }
    }
    let recorded: HashSet<_> = Row::of(export, "lane_event")
        .map(|row| (row.bytes("terminal_id"), row.int("lane"), row.int("counter")))
        .collect();
    for ((terminal, lane), taps) in &lanes {
        let mut before: Option<(i64, [u8; 32])> = None;
        for (counter, (name, id, previous)) in taps {
            let (expected, head) = before.map_or((1, [0; 32]), |(counter, id)| (counter + 1, id));
            let follows = *counter == expected && *previous == head;
            if !follows && !recorded.contains(&(Some(*terminal), Some(*lane), Some(*counter))) {
                report.find(
                    name,
                    format!("does not follow number {} of its lane, and nothing was recorded", expected - 1),
                );
            }
            before = Some((*counter, *id));
        }
    }
    for row in Row::of(export, "lane") {
        let newest = row
            .bytes("terminal_id")
            .zip(row.int("lane"))
            .and_then(|lane| lanes.get(&lane))
            .and_then(|taps| taps.last_key_value());
        let agrees = newest.is_some_and(|(counter, (_, id, _))| {
            row.int("counter") == Some(*counter) && row.hash("head").as_ref() == Some(id)
        });
        if !agrees {
            report.find(row.name(), "is not at the newest tap of its lane");
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
    card && row.hash("tap_id") == Some(envelope.digest())
        && row.bytes("terminal_id") == Some(tap.terminal.as_bytes())
        && row.int("lane") == Some(i64::from(tap.lane))
        && row.int("counter").and_then(|counter| u64::try_from(counter).ok()) == Some(tap.counter)
        && row.int("operation") == Some(i64::from(tap.operation.code().number()))
        && row.int("at") == Some(tap.at.0)
}
