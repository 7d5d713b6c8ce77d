//! The private pcscd, seen by programs that nobody here wrote.

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use town::pcscd::Pcscd;

type TestResult = Result<(), Box<dyn Error>>;

/// Far beyond pcscd's 0.4 s for noticing a card; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(20);

/// A third party's program that talks to this pcscd, ended if a card keeps it waiting.
fn tool(pcscd: &Pcscd, name: &str) -> Command {
    let mut command = pcscd.command("timeout");
    command.args(["--kill-after=5", &PATIENCE.as_secs().to_string(), name]);
    command
}

fn output(command: &mut Command) -> Result<String, Box<dyn Error>> {
    let Output { status, stdout, stderr } = command.output()?;
    let text = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    if status.success() { Ok(text) } else { Err(format!("{command:?} failed ({status}): {text}").into()) }
}

/// What opensc's list of readers says of the card in a slot.
fn card_seen(pcscd: &Pcscd, slot: usize) -> Result<bool, Box<dyn Error>> {
    let text = output(tool(pcscd, "opensc-tool").arg("--list-readers"))?;
    let name = &pcscd.readers()[slot];
    let line = text
        .lines()
        .find(|line| line.ends_with(name.as_str()))
        .ok_or_else(|| format!("no reader {name} in:\n{text}"))?;
    Ok(line.split_whitespace().nth(1) == Some("Yes"))
}

/// Sends APDUs by opensc-tool, whose own selections come first; `Err` when the card left.
fn exchange(pcscd: &Pcscd, slot: usize, apdus: &[&str]) -> Result<String, Box<dyn Error>> {
    let mut command = tool(pcscd, "opensc-tool");
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
        assert!(card_seen(&pcscd, slot)?);
    }
    for slot in 0..4 {
        pcscd.remove(slot)?;
        assert!(!card_seen(&pcscd, slot)?);
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
        pcscd.wait_seen(0, false)?;

        pcscd.insert(0, &card)?;
        let tries = exchange(&pcscd, 0, &[SELECT_PIV, PIN_TRIES])?;
        assert!(tries.contains(left), "torn {name} VERIFY: {tries}");
        pcscd.remove(0)?;
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

#[test]
fn nothing_is_left_running_after_the_owner_is_killed() -> TestResult {
    let mut owner =
        Command::new(env!("CARGO_BIN_EXE_town-readers")).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    BufReader::new(owner.stdout.take().ok_or("no stdout")?).read_line(&mut line)?;
    let told: serde_json::Value = serde_json::from_str(&line)?;
    let folder = PathBuf::from(told["folder"].as_str().ok_or("no folder")?);
    assert!(running_in(&folder).iter().any(|line| line.starts_with("pcscd")));
    owner.kill()?;
    owner.wait()?;
    let begun = Instant::now();
    while !running_in(&folder).is_empty() {
        if begun.elapsed() > PATIENCE {
            return Err(format!("still running: {:?}", running_in(&folder)).into());
        }
    }
    // A killed owner cannot tidy up after itself.
    Ok(std::fs::remove_dir_all(folder)?)
}

#[test]
fn two_towns_in_parallel_do_not_see_each_others_cards() -> TestResult {
    let (here, there) = std::thread::scope(|scope| {
        let there = scope.spawn(|| Pcscd::start(2));
        (Pcscd::start(2), there.join().expect("start returns its errors"))
    });
    let (here, there) = (here?, there?);
    assert_eq!(here.readers(), there.readers());
    here.insert(0, &here.new_card("card")?)?;
    assert!(card_seen(&here, 0)?);
    assert!(!card_seen(&there, 0)?);
    there.insert(1, &there.new_card("card")?)?;
    assert!(card_seen(&there, 1)?);
    drop(here);
    assert!(exchange(&there, 1, &[SELECT_PIV])?.contains("SW1=0x90"));
    Ok(())
}

#[test]
fn a_town_without_readers_says_so() -> TestResult {
    let pcscd = Pcscd::start(0)?;
    let text = output(tool(&pcscd, "opensc-tool").arg("--list-readers"))?;
    assert!(text.contains("No smart card readers found"), "{text}");
    Ok(())
}

#[test]
fn a_card_is_noticed_anew_after_pcscd_restarts() -> TestResult {
    let pcscd = Pcscd::start(2)?;
    pcscd.insert(0, &pcscd.new_card("card")?)?;
    pcscd.cards().stop_pcscd()?;
    let text = output(tool(&pcscd, "opensc-tool").arg("--list-readers"))?;
    assert!(!text.contains("Virtual PCD"), "{text}");
    pcscd.restart()?;
    pcscd.wait_seen(0, true)?;
    assert!(card_seen(&pcscd, 0)?);
    assert!(exchange(&pcscd, 0, &[SELECT_PIV])?.contains("SW1=0x90"));
    Ok(())
}

#[test]
fn a_hung_card_blocks_its_own_client_and_no_other_reader() -> TestResult {
    let pcscd = Pcscd::start(2)?;
    for slot in 0..2 {
        pcscd.insert(slot, &pcscd.new_card(&format!("card-{slot}"))?)?;
    }
    pcscd.cards().hang(0)?;
    // Not opensc: it connects to every reader, whichever it was asked for.
    let mut blocked =
        piv_command(&pcscd, 0).args(["-a", "status"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    for _ in 0..5 {
        let text = output(piv_command(&pcscd, 1).args(["-a", "status"]))?;
        assert!(text.contains("PIN tries left:\t3"), "{text}");
    }
    assert!(blocked.try_wait()?.is_none(), "a hung card answered");
    pcscd.cards().resume(0)?;
    assert!(blocked.wait()?.success());
    Ok(())
}

#[test]
fn pcscd_and_the_card_logged_the_same_apdus() -> TestResult {
    let pcscd = Pcscd::start(2)?;
    pcscd.insert(0, &pcscd.new_card("card")?)?;
    exchange(&pcscd, 0, &[SELECT_PIV, PIN_TRIES, WRONG_PIN])?;
    let hex = |bytes: &[u8]| -> String {
        let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
        digits.concat()
    };
    let logged: Vec<(String, String)> =
        pcscd.apdu_log()?.iter().map(|apdu| (hex(&apdu.command), hex(&apdu.response))).collect();
    let trace = pcscd.cards().trace(0, 0)?;
    assert_eq!(trace.len(), logged.len());
    for (seen, (command, response)) in trace.iter().zip(&logged) {
        assert!(command.starts_with(&seen.command));
        assert_eq!(command.len(), seen.command.len() + 2 * seen.redacted_bytes);
        assert_eq!(*response, format!("{}{:04X}", seen.response, seen.status));
    }
    assert_eq!(logged.len() as u64, pcscd.cards().apdus(0)?);
    Ok(())
}

fn piv_command(pcscd: &Pcscd, slot: usize) -> Command {
    let mut command = tool(pcscd, "yubico-piv-tool");
    command.args(["--reader", &pcscd.readers()[slot]]);
    command
}

/// Asks yubico-piv-tool; every action on the card in slot 0.
fn piv_tool(pcscd: &Pcscd, arguments: &[&str]) -> Result<String, Box<dyn Error>> {
    output(piv_command(pcscd, 0).args(arguments))
}

#[test]
fn keys_of_two_fresh_cards_differ() -> TestResult {
    let pcscd = Pcscd::start(2)?;
    let mut keys = Vec::new();
    for name in ["first", "second"] {
        pcscd.insert(0, &pcscd.new_card(name)?)?;
        let text = piv_tool(&pcscd, &["-a", "generate", "-s", "9e", "-A", "ECCP256"])?;
        assert!(text.contains("BEGIN PUBLIC KEY"), "{text}");
        keys.push(text);
        pcscd.remove(0)?;
    }
    assert_ne!(keys[0], keys[1]);
    Ok(())
}

#[test]
fn tools_that_nobody_here_wrote_personalise_and_use_a_card() -> TestResult {
    let pcscd = Pcscd::start(2)?;
    pcscd.insert(0, &pcscd.new_card("card")?)?;
    let path = |name: &str| pcscd.folder().join(name).to_string_lossy().into_owned();
    let (key, certificate, hash, signature) =
        (path("key.pem"), path("certificate.pem"), path("hash"), path("signature"));

    piv_tool(&pcscd, &["-a", "generate", "-s", "9a", "-A", "ECCP256", "-o", &key])?;
    // yubico-piv-tool 2.2 cannot self-sign with OpenSSL 3: openssl makes the certificate.
    let (issuer_key, issuer) = (path("issuer-key.pem"), path("issuer.pem"));
    let openssl = |arguments: &str| -> TestResult {
        let mut command = Command::new("openssl");
        command.args(arguments.split(' ')).current_dir(pcscd.folder());
        output(&mut command).map(drop)
    };
    openssl(&format!(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -subj /CN=Test-Issuer -keyout {issuer_key} -out {issuer}"
    ))?;
    openssl(&format!(
        "x509 -new -force_pubkey {key} -subj /CN=Test-Newcomer -CA {issuer} -CAkey {issuer_key} -out {certificate}"
    ))?;
    piv_tool(&pcscd, &["-a", "import-certificate", "-s", "9a", "-i", &certificate])?;
    let text = piv_tool(
        &pcscd,
        &[&["-a", "verify-pin", "-P", "123456", "-s", "9a"][..], &["-a", "test-signature", "-i", &certificate]]
            .concat(),
    )?;
    assert!(text.contains("Successful"), "{text}");
    let text = piv_tool(&pcscd, &["-a", "status"])?;
    assert!(text.contains("Test-Newcomer"), "{text}");

    let text = output(tool(&pcscd, "opensc-tool").arg("--name"))?;
    assert!(text.contains("Personal Identity Verification Card"), "{text}");
    let text = output(tool(&pcscd, "piv-tool").arg("--name"))?;
    assert!(text.contains("Personal Identity Verification Card"), "{text}");
    std::fs::write(&hash, [0x5A; 32])?;
    output(
        tool(&pcscd, "pkcs11-tool")
            .args(["--login", "--pin", "123456", "--sign", "--mechanism", "ECDSA", "--id", "01"])
            .args(["--input-file", &hash, "--output-file", &signature]),
    )?;
    assert_eq!(std::fs::metadata(&signature)?.len(), 64);
    Ok(())
}
