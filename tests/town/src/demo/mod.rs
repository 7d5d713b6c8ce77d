//! One newcomer's first day with the card, through every program for real. Stops at the first step that fails.

mod print;

use std::fs;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

pub use self::print::Format;
use self::print::Printer;
use crate::{Place, Town, authenticator, daemon::TapReply, programs, service, wait};

/// Invented, like every name and number here; the region code belongs to no place.
const NEWCOMER: &str = "测试甲 Test Newcomer";
/// Passes the check of GB 11643 and belongs to nobody: 110000 is a whole province, people are registered in a district.
const DOCUMENT: &str = "110000199001010013";
/// What the newcomer types.
const PIN: &str = "731945";

/// Walks through the town once and leaves it open.
///
/// # Errors
/// With the first step that fails.
pub fn walk(format: Format) -> Result<Town> {
    let mut p = Printer::new(format);
    p.say("New Resident Card: a newcomer's first day. All names and numbers are invented.\n");

    let mut town = p.step("open", "The town opens", || {
        let town = Town::open()?;
        let detail = format!(
            "pcscd with {} readers; service on SQLite at {}; terminals enrolled at station, shop and gate",
            town.pcscd.readers().len(),
            town.service.url()
        );
        Ok((town, detail))
    })?;
    let holder = p.step("register", "The clerk registers a newcomer", || {
        let holder = town.office.register(NEWCOMER, DOCUMENT)?;
        Ok((holder, format!("holder {holder}; name and document number are stored encrypted")))
    })?;
    let card = town.pcscd.new_card("newcomer")?;
    p.step("issue", "A blank card is personalised at the station's reader", || {
        town.put(&card, Place::Station)?;
        let issued = town.issue(holder, PIN)?;
        let issuance = town.office.issuance(issued)?;
        let steps = &issuance["steps_done"];
        Ok((
            (),
            format!(
                "card {}: {steps} steps; keys made on the chip, PIN chosen by the holder, consent signed",
                issued.id
            ),
        ))
    })?;
    p.step("top-up", "50.00 yuan in cash onto the purse", || {
        let reply = town.at(Place::Station).tap(&json!({
            "operation": "purse.top_up", "amount_fen": 5000, "receipt_wait_ms": WAIT_MS,
        }))?;
        Ok(((), accepted(&reply, 5000)?))
    })?;
    p.step("pay", "The shop takes 12.50 without PIN", || {
        town.carry(&card, Place::Station, Place::Shop)?;
        let reply = town.at(Place::Shop).pay(1250, None)?;
        Ok(((), accepted(&reply, 3750)?))
    })?;
    p.step("pay-pin", "The shop takes 25.00 with PIN", || {
        let reply = town.at(Place::Shop).pay(2500, Some(PIN))?;
        Ok(((), accepted(&reply, 1250)?))
    })?;
    p.step("short", "The shop asks for 12.51 and the balance is short", || {
        let reply = town.at(Place::Shop).pay(1251, None)?;
        ensure!(reply.0["state"] == "refused", "was not refused: {}", reply.0);
        Ok(((), format!("refused: {}; balance still {} fen", reply.0["outcome"], reply.0["balance_fen"])))
    })?;
    p.step("gate", "The clerk lets the newcomer pass at the village, and its gate opens", || {
        town.let_pass(holder)?;
        town.carry(&card, Place::Shop, Place::Gate)?;
        let reply = town.at(Place::Gate).tap(&json!({"operation": "gate.check"}))?;
        ensure!(reply.0["state"] == "signed", "the gate stayed shut: {}", reply.0);
        Ok(((), format!("yes; {}", on_the_wire(&reply))))
    })?;
    p.step("power-loss", "The shop's daemon loses power with a signed tap in hand", || {
        town.carry(&card, Place::Gate, Place::Shop)?;
        power_loss(&mut town)
    })?;
    p.step("verify", "An auditor verifies the whole installation from an export", || {
        let folder = town.folder().join("evidence");
        let report = town.service.verified_evidence(&folder)?;
        let bytes: u64 = fs::read_dir(&folder)?.filter_map(|e| e.ok()?.metadata().ok()).map(|m| m.len()).sum();
        Ok(((), format!("{}; {bytes} bytes exported", summary(&report))))
    })?;
    p.end();
    Ok(town)
}

/// Says what can be looked at while the town stays open.
///
/// # Errors
/// When the programs are not where they were built.
pub fn invite(town: &Town, format: Format) -> Result<()> {
    let p = Printer::new(format);
    let (name, password) = service::ADMINISTRATOR;
    p.say(&format!("\nThe town stays open until Ctrl-C.\n  Console:  {}/console", town.service.url()));
    p.say(&format!("  Sign in:  {name} / {password}, then one of these codes, each once:"));
    for codes in authenticator::recovery_codes(town.service.url(), name).chunks(5) {
        p.say(&format!("            {}", codes.join("  ")));
    }
    let (program, folder) = (programs::program("reader-daemon")?, town.folder().display());
    let page = format!("{} --config {folder}/station/reader-daemon.toml page", program.display());
    p.say(&format!("  Reader:   {page}\n            (the page at the station's reader, for PIN and consent)"));
    p.say(&format!("  Folder:   {folder} (programs' logs, configuration, cards)"));
    Ok(())
}

/// How long the people at a terminal wait for the service's answer.
const WAIT_MS: u32 = 10_000;

fn accepted(reply: &TapReply, balance: i64) -> Result<String> {
    ensure!(reply.0["state"] == "accepted", "was not accepted: {}", reply.0);
    ensure!(reply.0["balance_fen"] == balance, "the balance should be {balance} fen: {}", reply.0);
    Ok(format!("balance {} yuan; {}", card_schema::money::Fen(balance), on_the_wire(reply)))
}

fn on_the_wire(reply: &TapReply) -> String {
    format!("{} APDUs, {} bytes", reply.0["apdus"], reply.0["wire_bytes"])
}

/// The card signs while the service is out of reach, the daemon is killed, both come back: the tap is posted once.
fn power_loss(town: &mut Town) -> Result<((), String)> {
    town.service.process().pause()?;
    let signed = town.at(Place::Shop).tap(&json!({
        "operation": "purse.payment", "amount_fen": 250, "receipt_wait_ms": 0,
    }));
    // Whatever came of it, the town must not stay frozen.
    let killed = town.at(Place::Shop).process().kill();
    town.service.process().resume()?;
    let signed = signed?;
    killed?;
    ensure!(signed.0["state"] == "signed", "should have been signed and waiting: {}", signed.0);
    town.at(Place::Shop).start()?;
    wait::until("the outbox is empty again", || {
        let outbox = town.at(Place::Shop).local()?.get("/v1/outbox")?.success()?;
        Ok((outbox["pending"] == json!(0)).then_some(()))
    })?;
    let reply = town.at(Place::Shop).pay(1000, None)?;
    Ok(((), format!("2.50 posted exactly once after the restart; then {}", accepted(&reply, 0)?)))
}

fn summary(report: &Value) -> String {
    let rows = report["rows"].as_object();
    let all: u64 = rows.into_iter().flat_map(|tables| tables.values()).filter_map(Value::as_u64).sum();
    let of = |table: &str| report["rows"][table].to_string();
    format!("{} leaves, {all} rows, {} transfers and {} taps among them", report["leaves"], of("transfer"), of("tap"))
}
