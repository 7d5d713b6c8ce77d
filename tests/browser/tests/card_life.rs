//! A card's whole life at the desk, in a real browser: blank cards come in a box, one becomes somebody's, expires, is renewed
//! and given back; and what happened can be read.

use anyhow::Result;
use browser::{Chromium, Scripts, Visitor, visitor::LANGUAGES};
use town::{Place, Town, service::ADMINISTRATOR};

/// Invented, like every name and number here.
const CLERK: (&str, &str) = ("test-clerk", "invented for a clerk of a few minutes");
const PIN: &str = "731945";
const DOCUMENTS: [&str; 2] = ["110000199001010013", "110000199001010136"];

/// Moves the end of every card that is in use so many days from now, as if time had passed.
fn cards_end_in(town: &Town, days: i64) -> Result<()> {
    let ends = "UPDATE card SET expires_at = (CAST(strftime('%s', 'now') AS INTEGER) + ? * 86400) * 1000000
        WHERE state = 'active'";
    town.service.rewrite(ends, days).map(drop)
}

/// Says that the town's station is one, so that it keeps stock.
fn open_station(browser: &Chromium) -> Result<()> {
    browser.follow("a.tile[href='/organisations']")?;
    let stations = browser.texts("th[scope=row]")?;
    let at = stations.iter().position(|name| name.starts_with("Invented Station")).expect("the town has a station");
    browser.follow(&format!("tbody tr:nth-child({}) a", at + 1))?;
    browser.click("label[for=kind-station]")?;
    browser.follow("#save button")
}

#[test]
fn a_box_of_blank_cards_is_received_and_written_off_and_a_station_with_few_is_seen_in_both_languages() -> Result<()> {
    let browser = Chromium::start(Scripts::Allowed)?;
    let mut town = Town::open()?;
    let url = town.service.url().to_owned();
    let mut visitor = Visitor::new(&browser, LANGUAGES[0]);
    for (language, document) in LANGUAGES.into_iter().zip(DOCUMENTS) {
        visitor.language = language;
        visitor.sign_in(&url, ADMINISTRATOR)?;
        if language == LANGUAGES[0] {
            open_station(&browser)?;
        }
        browser.open(&format!("{url}/stock"))?;
        visitor.visit("stock")?;
        browser.follow("tbody a")?;
        browser.type_into("#received", "ten")?;
        browser.type_into("#batch", "B-2026-11")?;
        browser.follow("#receive button")?;
        browser.until(".summary a[href='#received']")?;
        visitor.visit("stock-wrong")?;
        assert_eq!(browser.attribute("#batch", "value")?, "B-2026-11", "what was typed is kept");
        browser.clear("#received")?;
        browser.type_into("#received", "3")?;
        browser.follow("#receive button")?;
        browser.until("table")?;
        browser.follow("main a.button[href^='/stock/']")?;
        browser.type_into("#written_off", "1")?;
        browser.click("label[for=why_written_off-torn]")?;
        browser.follow("#write_off button")?;
        let before: i64 = browser.text("p.lead strong")?.parse()?;

        // A card that comes into use takes one.
        let holder = town.office.register("测试阿依·Test", document)?;
        let card = town.pcscd.new_card(language)?;
        town.put(&card, Place::Station)?;
        town.issue(holder, PIN)?;
        town.take(Place::Station)?;
        let moves = browser.address()?;
        browser.open(&moves)?;
        assert_eq!(browser.text("p.lead strong")?.parse::<i64>()?, before - 1);
        visitor.visit("stock-moves")?;
        browser.open(&url)?;
        browser.until("a.tile[href='/stock'] .count")?;
        visitor.visit("stock-home")?;
        visitor.sign_out()?;
    }
    assert!(visitor.noted.is_empty(), "{:#?}", visitor.noted);
    Ok(())
}

#[test]
fn a_card_that_expires_is_renewed_and_the_old_one_given_back_and_destroyed_in_both_languages() -> Result<()> {
    let browser = Chromium::start(Scripts::Allowed)?;
    let mut town = Town::open()?;
    town.office.add_staff(&town.service.root(), CLERK, "clerk")?;
    let url = town.service.url().to_owned();
    let mut visitor = Visitor::new(&browser, LANGUAGES[0]);
    for (language, document) in LANGUAGES.into_iter().zip(DOCUMENTS) {
        visitor.language = language;
        let holder = town.office.register("测试阿依·Test", document)?;
        let old = town.pcscd.new_card(&format!("{language}-old"))?;
        town.put(&old, Place::Station)?;
        let issued = town.issue(holder, PIN)?;
        cards_end_in(&town, 30)?;
        visitor.sign_in(&url, CLERK)?;
        browser.follow("a.tile[href='/expiring']")?;
        browser.until(&format!("#soon a[href='/holders/{holder}']"))?;
        visitor.visit("expiring")?;
        cards_end_in(&town, -2)?;
        browser.open(&format!("{url}/expiring"))?;
        browser.follow(&format!("#over a[href='/holders/{holder}']"))?;
        browser.until(".card-line .tag.no")?;
        visitor.visit("expired")?;

        town.take(Place::Station)?;
        let new = town.pcscd.new_card(&format!("{language}-new"))?;
        town.put(&new, Place::Station)?;
        let renewed = town.issue(holder, PIN)?;
        browser.open(&format!("{url}/expiring"))?;
        assert_eq!(browser.count(&format!("a[href='/holders/{holder}']"))?, 0, "it has been renewed");

        browser.open(&format!("{url}/holders/{holder}/cards/{}", issued.id))?;
        browser.click("label[for=change-given_back]")?;
        browser.follow("main form button.primary")?;
        browser.until("label[for=fate-destroyed]")?;
        visitor.visit("card-back-ask")?;
        browser.click("label[for=fate-destroyed]")?;
        browser.follow("main form button.primary")?;
        browser.until("#fate")?;
        assert_eq!(browser.count("main form")?, 0, "nothing is left to be done with it");
        assert!(browser.text("#history li:first-child")?.contains(CLERK.0), "who did it");
        visitor.visit("card-back")?;
        browser.open(&format!("{url}/holders/{holder}/cards/{}", renewed.id))?;
        visitor.visit("card-renewed")?;
        visitor.sign_out()?;
        town.take(Place::Station)?;
    }
    assert!(visitor.noted.is_empty(), "{:#?}", visitor.noted);
    Ok(())
}
