//! The console as an administrator sees it in a real browser, over a whole town.

use anyhow::{Context, Result};
use browser::{Chromium, Scripts, Site, pictures};
use serde_json::json;
use town::{Place, Town, service::ADMINISTRATOR};

/// Invented, like every name and number here; the region code belongs to no place.
const NEWCOMER: &str = "测试甲 Test Newcomer";
const DOCUMENT: &str = "110000199001010013";
const PIN: &str = "731945";

/// A town in which one newcomer got a card, paid twice, was refused once and went through the gate.
fn busy_town() -> Result<Town> {
    let mut town = Town::open()?;
    let holder = town.office.register(NEWCOMER, DOCUMENT)?;
    let card = town.pcscd.new_card("newcomer")?;
    town.put(&card, Place::Station)?;
    town.issue(holder, PIN)?;
    let top_up = json!({"operation": "purse.top_up", "amount_fen": 5000, "receipt_wait_ms": 10_000});
    town.at(Place::Station).tap(&top_up)?;
    town.carry(&card, Place::Station, Place::Shop)?;
    town.at(Place::Shop).pay(1250, None)?;
    town.at(Place::Shop).pay(2500, Some(PIN))?;
    town.at(Place::Shop).pay(1251, None)?;
    town.carry(&card, Place::Shop, Place::Gate)?;
    town.at(Place::Gate).tap(&json!({"operation": "gate.check", "receipt_wait_ms": 10_000}))?;
    Ok(town)
}

/// Keeps a picture of the page in both languages and comes back to Chinese.
fn pictures(browser: &Chromium, name: &str) -> Result<()> {
    for language in ["en", "zh-CN"] {
        speak(browser, language)?;
        let file = pictures::keep(&format!("console-{name}-{language}"), &browser.picture()?)?;
        println!("{}", file.display());
    }
    Ok(())
}

fn speak(browser: &Chromium, language: &str) -> Result<()> {
    browser.click(&format!(".languages button[value='{language}']"))?;
    browser.until(&format!("html[lang='{language}'] .languages button[value='{language}'][aria-current='true']"))
}

#[test]
fn an_administrator_without_scripts_looks_at_activity_and_asks_for_a_holder_with_a_reason() -> Result<()> {
    let town = busy_town()?;
    let browser = Chromium::start(Scripts::Off)?;
    let probe = Site::serve("<!DOCTYPE html><noscript><p id=off>off</p></noscript>")?;
    browser.open(&format!("http://127.0.0.1:{}/", probe.port()))?;
    assert_eq!(browser.count("#off")?, 1, "scripts are off");

    browser.open(&format!("{}/console", town.service.url())).context("the console's address")?;
    browser.open(town.service.url())?;
    browser.until("form[action='/sign-in']")?;
    pictures(&browser, "sign-in")?;
    browser.type_into("#name", ADMINISTRATOR.0)?;
    browser.type_into("#password", "something else, as invented")?;
    browser.click("form[action='/sign-in'] button")?;
    browser.until(".summary[role=alert]")?;
    assert_eq!(browser.count("form.leave")?, 0, "a wrong password does not sign in");
    browser.type_into("#password", ADMINISTRATOR.1)?;
    browser.click("form[action='/sign-in'] button")?;

    browser.until("form.leave")?;
    assert_eq!(browser.count("table")?, 0, "no activity before a purpose");
    pictures(&browser, "purpose")?;
    browser.click("label[for=purpose-oversight]")?;
    browser.click("main form button")?;

    browser.until("table")?;
    speak(&browser, "en")?;
    pictures::update("console-activity", &browser.picture()?)?;
    pictures(&browser, "activity")?;
    // The newest first: short, with PIN, without PIN, top-up, the holder's consent. The gate is counted, not listed.
    let amounts = browser.texts("tbody td.number")?;
    assert_eq!(amounts.len(), 5, "{amounts:?}");
    let shown = ["12.51", "25.00", "12.50", "50.00", "–"];
    for (amount, shown) in amounts.iter().zip(shown) {
        assert!(amount.ends_with(shown), "{amount} is not {shown}");
    }
    assert_eq!(browser.count("tbody .tag.ok")?, 4);
    assert_eq!(browser.count("tbody tr:nth-child(1) .tag.no")?, 1, "the tap that was refused");
    assert_eq!(browser.count(".evidence dd.big")?, 1, "the log's newest checkpoint");

    browser.click("tbody tr:first-child .card-link")?;
    browser.until("#holder form")?;
    assert_eq!(browser.count("tbody tr")?, 5, "all taps were this card's");
    assert_eq!(browser.count("#holder dl")?, 0, "no holder before a purpose");
    pictures(&browser, "card")?;
    browser.click("#holder label[for=purpose-complaint]")?;
    browser.click("#holder form button")?;

    browser.until("#holder dl")?;
    let facts = browser.texts("#holder dd")?;
    assert_eq!(facts.len(), 3, "{facts:?}");
    assert_ne!(facts[0], NEWCOMER);
    assert_ne!(facts[1], DOCUMENT);
    assert!(facts[1].contains('*'), "the number is masked: {facts:?}");
    println!("{}", pictures::keep("console-holder-zh-CN", &browser.picture()?)?.display());
    // Switching the language leads back to the card: showing the holder again would be another look.
    speak(&browser, "en")?;
    browser.until("#holder form")?;

    browser.click("form.leave button")?;
    browser.until("form[action='/sign-in']")?;
    browser.open(&format!("{}/activity?purpose=oversight", town.service.url()))?;
    browser.until("form[action='/sign-in']")?;
    assert_eq!(browser.count("table")?, 0, "signed out is signed out");
    Ok(())
}
