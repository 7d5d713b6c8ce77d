//! The daemons' APDU traces: the same exchanges as pcscd's own log has, and nothing that a card was told in confidence.

use std::fs;

use anyhow::{Context, Result, ensure};
use e2e::scene::{PIN, Scene};
use serde_json::json;
use town::{
    Place, Town,
    apdu_trace::{self, Exchange, Run},
    pcscd::LoggedApdu,
};

/// Makes pcscd's log another one at a place.
type Plant = fn(&mut Vec<Exchange>, usize);

/// A card is issued (management key, PUK and PIN set), pays with and without PIN, and passes the gate.
fn traced_day() -> Result<Scene> {
    let mut town = Town::open()?;
    for place in Place::ALL {
        town.at(place).trace_apdus()?;
    }
    let mut scene = Scene::in_town(town)?;
    for pin in [None, Some(PIN)] {
        let paid = scene.town.at(Place::Shop).pay(100, pin)?.0;
        ensure!(paid["state"] == "accepted", "{paid}");
    }
    scene.town.let_pass(scene.holder)?;
    scene.town.carry(&scene.path, Place::Shop, Place::Gate)?;
    let passed = scene.town.at(Place::Gate).tap(&json!({"operation": "gate.check"}))?.0;
    ensure!(passed["state"] == "signed", "{passed}");
    Ok(scene)
}

/// Everything that the daemons of the town traced, as one run: one reader was at work at a time.
fn traced(scene: &mut Scene) -> Result<Run> {
    let mut runs = Vec::new();
    for place in Place::ALL {
        runs.extend(apdu_trace::read(&scene.town.at(place).apdu_trace()?)?);
    }
    Ok(Run::merged(runs))
}

#[test]
fn the_daemons_trace_is_what_pcscd_logged() {
    let story = || -> Result<()> {
        let mut scene = traced_day()?;
        let traced = traced(&mut scene)?;
        let logged: Vec<_> = scene.town.pcscd.apdu_log()?.iter().map(Exchange::from).collect();
        let found = apdu_trace::compare(std::slice::from_ref(&traced), &logged);
        println!("{found}");
        ensure!((found.differ, found.unwritten) == (0, 0), "{found}");
        let has = |instruction: &str| logged.iter().any(|exchange| exchange.header[2..4] == *instruction);
        for (instruction, name) in [
            ("A4", "SELECT"),
            ("20", "VERIFY"),
            ("24", "CHANGE REFERENCE DATA"),
            ("DB", "PUT DATA"),
            ("87", "a signature"),
        ] {
            ensure!(has(instruction), "the day had no {name}, so it shows nothing of it");
        }

        // The same comparison must find each way in which a trace can be wrong.
        let middle = logged.len() / 2;
        let planted: [(&str, Plant); 7] = [
            ("another instruction", |log, at| log[at].header.replace_range(2..4, "CA")),
            ("another length sent", |log, at| log[at].sent += 1),
            ("another Lc", |log, at| log[at].lc += 1),
            ("another length received", |log, at| log[at].received += 1),
            ("another status word", |log, at| log[at].status = Some("6F00".to_owned())),
            ("one that was not traced", |log, at| log.insert(at, log[at - 1].clone())),
            ("one that was not carried", |log, at| drop(log.remove(at))),
        ];
        for (name, plant) in planted {
            for at in [1, middle, logged.len() - 1] {
                let mut log = logged.clone();
                plant(&mut log, at);
                let found = apdu_trace::compare(std::slice::from_ref(&traced), &log);
                ensure!(found.differ > 0, "{name} at {at} was not found");
            }
        }
        let swapped = (1..logged.len()).find(|at| logged[*at] != logged[at - 1]).context("two that differ")?;
        let mut log = logged.clone();
        log.swap(swapped, swapped - 1);
        ensure!(apdu_trace::compare(&[traced], &log).differ == 2, "another order was not found");
        Ok(())
    };
    story().expect("both traces are the same");
}

/// Bytes on end by which a secret is known again: a PIN has six.
const KNOWN_BY: usize = 6;

/// The data of a command that carries a PIN, a PUK or a management key, or proves that one is known.
fn confided(apdu: &LoggedApdu) -> Option<&[u8]> {
    let [_, instruction, _, key, _, data @ ..] = &apdu.command[..] else { return None };
    let management = *instruction == 0x87 && *key == 0x9B;
    let is_secret = management || matches!(instruction, 0x20 | 0x24 | 0x2C | 0xFE | 0xFF);
    // The shorter ones ask for a witness.
    (is_secret && data.len() >= KNOWN_BY).then_some(data)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

/// Whether a text holds a part of something that was confided, as bytes or in hexadecimal.
fn tells(text: &[u8], secret: &[u8]) -> bool {
    let lower = text.to_ascii_lowercase();
    let holds = |text: &[u8], part: &[u8]| text.windows(part.len()).any(|window| window == part);
    secret.windows(KNOWN_BY).any(|part| holds(text, part) || holds(&lower, hex(part).as_bytes()))
}

/// A text without the six digits of microseconds in its times, which may happen to be a PIN's.
fn without_micros(text: &str) -> String {
    let cut = |part: &str| match part.rsplit_once('.') {
        Some((before, digits)) if digits.len() == 7 && digits.ends_with('Z') => before.to_owned(),
        _ => part.to_owned(),
    };
    text.split_inclusive('Z').map(cut).collect()
}

#[test]
fn no_pin_and_no_key_stands_in_the_trace_or_the_log() {
    let story = || -> Result<()> {
        let mut scene = traced_day()?;
        let log = scene.town.pcscd.apdu_log()?;
        let secrets: Vec<&[u8]> = log.iter().filter_map(confided).collect();
        for (kind, name) in [(0x20, "PIN shown"), (0x24, "PIN set"), (0xFF, "management key set"), (0x87, "key proven")]
        {
            let is_kind = |apdu: &&LoggedApdu| confided(apdu).is_some() && apdu.command[1] == kind;
            ensure!(log.iter().any(|apdu| is_kind(&apdu)), "no {name} that day");
        }
        ensure!(secrets.iter().any(|secret| tells(secret, PIN.as_bytes())), "pcscd's log shows the PIN");
        for place in Place::ALL {
            let daemon = scene.town.at(place);
            for (name, text) in [("trace", daemon.apdu_trace()?), ("log", fs::read_to_string(daemon.log())?)] {
                let text = without_micros(&text).into_bytes();
                ensure!(!text.is_empty(), "an empty {name} shows nothing");
                for secret in secrets.iter().copied().chain([PIN.as_bytes()]) {
                    ensure!(!tells(&text, secret), "a secret in the {name} of the {}", place.name());
                }
                // A secret that is there must be found.
                for secret in &secrets {
                    let shown = hex(secret).to_uppercase();
                    ensure!(tells(&[&text[..], shown.as_bytes()].concat(), secret), "a planted secret was not found");
                    ensure!(tells(&[&text[..], secret].concat(), secret), "a planted secret was not found");
                }
            }
        }
        Ok(())
    };
    story().expect("nothing confided is written down");
}
