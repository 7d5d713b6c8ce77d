//! The private pcscd, seen by programs that nobody here wrote.

use std::error::Error;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use town::pcscd::Pcscd;

type TestResult = Result<(), Box<dyn Error>>;

/// Far beyond pcscd's 0.4 s for noticing a card; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(20);

fn output(command: &mut Command) -> Result<String, Box<dyn Error>> {
    let Output { status, stdout, stderr } = command.output()?;
    let text = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    if status.success() { Ok(text) } else { Err(format!("{command:?} failed ({status}): {text}").into()) }
}

/// What opensc's list of readers says of the card in a slot.
fn card_seen(pcscd: &Pcscd, slot: usize) -> Result<bool, Box<dyn Error>> {
    let text = output(pcscd.command("opensc-tool").arg("--list-readers"))?;
    let name = &pcscd.readers()[slot];
    let line = text
        .lines()
        .find(|line| line.ends_with(name.as_str()))
        .ok_or_else(|| format!("no reader {name} in:\n{text}"))?;
    Ok(line.split_whitespace().nth(1) == Some("Yes"))
}

fn wait_for_card(pcscd: &Pcscd, slot: usize, present: bool) -> TestResult {
    let begun = Instant::now();
    while card_seen(pcscd, slot)? != present {
        if begun.elapsed() > PATIENCE {
            return Err(format!("slot {slot}: card seen is not {present}").into());
        }
    }
    Ok(())
}

/// Sends APDUs by opensc-tool, whose own selections come first; `Err` when the card left.
fn exchange(pcscd: &Pcscd, slot: usize, apdus: &[&str]) -> Result<String, Box<dyn Error>> {
    let mut command = pcscd.command("opensc-tool");
    command.args(["--card-driver", "default", "--reader"]);
    command.arg(&pcscd.readers()[slot]);
    for apdu in apdus {
        command.args(["--send-apdu", apdu]);
    }
    output(&mut command)
}

const SELECT_PIV: &str = "00:A4:04:00:09:A0:00:00:03:08:00:00:10:00:00";
const PIN_TRIES: &str = "00:20:00:80";
const WRONG_PIN: &str = "00:20:00:80:08:39:39:39:39:39:39:FF:FF";

#[test]
fn insertion_and_removal_are_noticed_in_each_of_four_readers() -> TestResult {
    let pcscd = Pcscd::start(4)?;
    assert_eq!(pcscd.readers().len(), 4);
    for slot in 0..4 {
        assert!(!card_seen(&pcscd, slot)?);
        let card = pcscd.new_card(&format!("card-{slot}"))?;
        pcscd.insert(slot, &card)?;
        wait_for_card(&pcscd, slot, true)?;
    }
    for slot in 0..4 {
        pcscd.cards().remove(slot)?;
        wait_for_card(&pcscd, slot, false)?;
    }
    Ok(())
}

#[test]
fn a_card_torn_before_verify_keeps_its_tries_and_one_torn_after_has_lost_one() -> TestResult {
    let pcscd = Pcscd::start(2)?;
    for (name, after, left) in [("before", false, "SW2=0xC3"), ("after", true, "SW2=0xC2")] {
        let card = pcscd.new_card(name)?;
        pcscd.insert(0, &card)?;
        if after {
            pcscd.cards().tear_after(0, 2)?;
        } else {
            pcscd.cards().tear_before(0, 2)?;
        }
        let torn = exchange(&pcscd, 0, &[SELECT_PIV, WRONG_PIN]);
        assert!(torn.is_err(), "the torn card answered: {torn:?}");
        pcscd.cards().wait_empty(0, PATIENCE)?;
        wait_for_card(&pcscd, 0, false)?;

        pcscd.insert(0, &card)?;
        let tries = exchange(&pcscd, 0, &[SELECT_PIV, PIN_TRIES])?;
        assert!(tries.contains(left), "torn {name} VERIFY: {tries}");
        pcscd.cards().remove(0)?;
    }
    Ok(())
}

fn running_in(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for process in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if line.contains(&*folder.to_string_lossy()) {
            found.push(line);
        }
    }
    found
}

#[test]
fn nothing_is_left_running_after_the_value_is_dropped() -> TestResult {
    let pcscd = Pcscd::start(2)?;
    let folder = pcscd.folder().to_owned();
    assert!(running_in(&folder).iter().any(|line| line.starts_with("pcscd")));
    drop(pcscd);
    assert_eq!(running_in(&folder), Vec::<String>::new());
    assert!(!folder.exists());
    Ok(())
}
