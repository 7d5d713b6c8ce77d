//! A shop's reader is revoked, and somebody in the office decides about what it had sold before, in a real browser on each side.

use anyhow::{Result, ensure};
use browser::{
    Chromium, Scripts, Visitor,
    terminal_page::enter_counter,
    visitor::{LANGUAGES, speak},
};
use serde_json::json;
use town::{Place, Town, wait};

/// Invented, like every name and number here.
const SUPERVISOR: (&str, &str) = ("test-supervisor", "invented for a supervisor of a few minutes");
const PIN: &str = "731945";
const DOCUMENT: &str = "110000199001010013";

/// A town whose shop has charged 12.50 yuan with a reader that had just been revoked.
fn robbed() -> Result<Town> {
    let mut town = Town::open()?;
    town.office.add_staff(&town.service.root(), SUPERVISOR, "supervisor")?;
    town.service.a_week_after_admission()?;
    let card = town.holder_with_money("测试阿依·Test", DOCUMENT, PIN, 50_000)?;
    town.put(&card, Place::Shop)?;
    let terminal = town.at(Place::Shop).terminal;
    let revoked = town.office.api().post(&format!("/v1/terminals/{terminal}/revoke"), &json!({"reason": "stolen"}))?;
    revoked.success()?;
    let said = town.at(Place::Shop).pay(1_250, None)?.0;
    ensure!(said["outcome"] == "quarantined", "{said}");
    Ok(town)
}

/// The newest tap in the shop's own book says this.
fn said(merchant: &Chromium, origin: &str, class: &str) -> Result<()> {
    wait::until("the shop's book", || {
        merchant.open(&format!("{origin}/counter/taps"))?;
        Ok((merchant.count(&format!("tbody tr:first-child .{class}"))? > 0).then_some(()))
    })
}

#[test]
fn somebody_in_the_office_decides_and_the_shop_hears_it() -> Result<()> {
    let mut town = robbed()?;
    let (desk, merchant) = (Chromium::start(Scripts::Allowed)?, Chromium::start(Scripts::Allowed)?);
    let link = enter_counter(&mut town, Place::Shop, &merchant)?;
    let origin = link.split_once("/enter/").expect("a link to a page").0.to_owned();
    said(&merchant, &origin, "kept")?;
    let url = town.service.url().to_owned();
    let (mut visitor, mut at_shop) = (Visitor::new(&desk, LANGUAGES[0]), Visitor::at_terminal(&merchant, LANGUAGES[0]));
    visitor.sign_in(&url, SUPERVISOR)?;
    for language in LANGUAGES {
        (visitor.language, at_shop.language) = (language, language);
        desk.open(&url)?;
        speak(&desk, language)?;
        speak(&merchant, language)?;
        at_shop.visit("quarantine-book-held")?;
        desk.until("a.tile[href='/quarantine'] .count")?;
        visitor.visit("quarantine-home")?;
        desk.follow("a.tile[href='/quarantine']")?;
        visitor.visit("quarantine-list")?;
        desk.follow("tbody a")?;
        desk.click("label[for=purpose-fault]")?;
        desk.follow("main form button")?;
        desk.until("#check")?;
        visitor.visit("quarantine-terminal")?;
        desk.type_into("#until", "yesterday")?;
        desk.click("label[for=reason-before]")?;
        desk.follow("#check button")?;
        desk.until(".summary a[href='#until']")?;
        visitor.visit("quarantine-wrong")?;
        ensure!(desk.attribute("#until", "value")? == "yesterday", "what was typed stays");
        desk.clear("#until")?;
        desk.follow("#check button")?;
        desk.until("#settle")?;
        ensure!(desk.text("#settle-title")?.contains("12.50"), "what they come to");
        visitor.visit("quarantine-check")?;
    }
    desk.follow("#settle button")?;
    desk.until("main .tag.idle")?;
    visitor.visit("quarantine-decided")?;
    town.at(Place::Shop).local()?.post("/v1/outbox/retry", &json!({}))?.success()?;
    said(&merchant, &origin, "ok")?;
    at_shop.visit("quarantine-book-decided")?;
    let noted = (visitor.noted, at_shop.noted);
    ensure!(noted.0.is_empty() && noted.1.is_empty(), "{noted:#?}");
    Ok(())
}
