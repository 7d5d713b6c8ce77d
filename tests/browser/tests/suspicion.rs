//! Somebody tries PINs at a shop, the service counts, and an auditor looks and says what is behind it, in a real browser.

use anyhow::{Result, ensure};
use browser::{
    Chromium, Scripts, Visitor,
    visitor::{LANGUAGES, speak},
};
use serde_json::json;
use town::{Place, Town, service::ADMINISTRATOR, wait};

/// Invented, like every name and number here.
const PIN: &str = "731945";
const WRONG_PIN: &str = "246802";
const DOCUMENT: &str = "110000199001010013";

/// A town in which a shop's terminal has seen more wrong PINs than its service calls usual.
fn tried() -> Result<Town> {
    let mut town = Town::open()?;
    let card = town.holder_with_money("测试阿依·Test", DOCUMENT, PIN, 50_000)?;
    town.put(&card, Place::Shop)?;
    for pin in [WRONG_PIN, WRONG_PIN, PIN, WRONG_PIN, PIN] {
        let tap = json!({"operation": "purse.payment", "amount_fen": 100, "pin": pin, "receipt_wait_ms": 10_000});
        let shop = town.at(Place::Shop).local()?;
        wait::until("the reader is free", || {
            let said = shop.post("/v1/taps", &tap)?;
            Ok((said.body["type"] != "urn:nrc:daemon:reader-busy").then_some(()))
        })?;
    }
    // What has come in is counted when the service starts, and once an hour.
    town.service.set("CARD_SERVICE_SUSPICION__WRONG_PINS", "2");
    town.service.process().stop()?;
    town.service.start()?;
    Ok(town)
}

#[test]
fn an_auditor_looks_at_a_terminal_with_many_wrong_pins_and_says_why_in_both_languages() -> Result<()> {
    let town = tried()?;
    let browser = Chromium::start(Scripts::Allowed)?;
    let url = town.service.url().to_owned();
    let mut visitor = Visitor::new(&browser, LANGUAGES[0]);
    visitor.sign_in(&url, ADMINISTRATOR)?;
    for language in LANGUAGES {
        visitor.language = language;
        wait::until("the service has counted", || {
            browser.open(&url)?;
            Ok((browser.count("a.tile[href='/suspicions'] .count")? == 1).then_some(()))
        })?;
        speak(&browser, language)?;
        browser.follow("a.tile[href='/suspicions']")?;
        visitor.visit("suspicion-list")?;
        browser.follow("tbody a")?;
        browser.until("#review")?;
        visitor.visit("suspicion-terminal")?;
        browser.follow("#review button")?;
        browser.until(".summary a")?;
        visitor.visit("suspicion-wrong")?;
    }
    browser.click("label[for=finding-explained]")?;
    browser.follow("#review button")?;
    browser.until("main .tag.idle")?;
    visitor.visit("suspicion-reviewed")?;
    browser.open(&url)?;
    assert_eq!(browser.count("a.tile[href='/suspicions'] .count")?, 0, "somebody has looked");
    ensure!(visitor.noted.is_empty(), "{:#?}", visitor.noted);
    Ok(())
}
