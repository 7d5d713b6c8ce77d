//! The page at the reader in a real browser: a holder chooses the PIN of a new card and agrees, and no other page gets there.

use anyhow::{Context, Result};
use browser::{
    Chromium, Scripts, Visitor, foreign,
    terminal_page::{enter, type_digits},
    visitor::{LANGUAGES, speak},
};
use town::{Place, Town, wait};

/// Invented, like every name and number here.
const DOCUMENTS: [&str; 2] = ["110000199001010013", "110000199001010136"];
const PIN: &str = "731945";

/// A holder gets a card and does everything on the page.
fn story(scripts: Scripts, languages: &[&'static str]) -> Result<()> {
    let mut town = Town::open()?;
    let browser = Chromium::start(scripts)?;
    let looks = scripts == Scripts::Allowed;
    let mut visitor = Visitor::at_terminal(&browser, LANGUAGES[0]);
    let url = enter(&mut town, Place::Station, &browser)?;
    let set = |pins: [&str; 2]| {
        type_digits(&browser, "#pin", pins[0], looks)?;
        type_digits(&browser, "#again", pins[1], looks)?;
        browser.follow("button[name=agree]")
    };
    for (language, document) in languages.iter().zip(DOCUMENTS) {
        speak(&browser, language)?;
        visitor.language = language;
        let mut look = |page: &str| if looks { visitor.visit(&format!("at-reader-{page}")) } else { Ok(()) };
        let holder = town.office.register("测试阿依·Test", document)?;
        look("idle")?;
        let station = town.at(Place::Station).terminal;
        let card = town.office.issue_card(holder, station)?;
        // With or without scripts, nobody has to press anything for the page to say what is asked.
        browser.until("h1")?;
        wait::until("a card is asked for", || Ok((browser.count(".aside")? == 0).then_some(())))?;
        look("insert-card")?;
        let blank = town.pcscd.new_card(language)?;
        town.put(&blank, Place::Station)?;
        browser.until("#again")?;
        look("new-pin")?;
        for (pins, case) in [([PIN, "731946"], "differ"), (["12345", "12345"], "format"), (["123456"; 2], "factory")] {
            set(pins)?;
            browser.until(".wrong input[aria-invalid]")?;
            look(case)?;
        }
        set([PIN; 2])?;
        browser.until(".text")?;
        look("consent")?;
        type_digits(&browser, "#pin", PIN, looks)?;
        browser.follow("button[name=agree]")?;
        wait::until("the card is in use", || Ok((town.office.issuance(card)?["state"] == "finished").then_some(())))?;
        browser.until(".aside")?;
        town.take(Place::Station)?;
    }
    assert!(visitor.noted.is_empty(), "{:#?}", visitor.noted);

    browser.forget_cookies()?;
    browser.open(&url)?;
    assert_eq!(browser.count("header")?, 0, "a link works once");
    Ok(())
}

#[test]
fn a_holder_chooses_a_pin_and_agrees_on_the_page_at_the_reader_in_both_languages() -> Result<()> {
    story(Scripts::Allowed, &LANGUAGES)
}

#[test]
fn and_without_scripts() -> Result<()> {
    story(Scripts::Off, &LANGUAGES[1..])
}

#[test]
fn whoever_declines_on_the_page_keeps_a_card_that_is_not_issued() -> Result<()> {
    let mut town = Town::open()?;
    let browser = Chromium::start(Scripts::Allowed)?;
    enter(&mut town, Place::Station, &browser)?;
    let holder = town.office.register("测试阿依·Test", DOCUMENTS[0])?;
    let blank = town.pcscd.new_card("blank")?;
    town.put(&blank, Place::Station)?;
    let station = town.at(Place::Station).terminal;
    let card = town.office.issue_card(holder, station)?;
    browser.until("#again")?;
    browser.follow("button[name=decline]")?;
    wait::until("the issuance waits for the clerk", || {
        Ok((town.office.issuance(card)?["waiting_for"] == "resume").then_some(()))
    })
}

#[test]
fn the_pages_of_two_readers_do_not_shut_each_other_out() -> Result<()> {
    let mut town = Town::open()?;
    let browser = Chromium::start(Scripts::Allowed)?;
    let pages = [Place::Station, Place::Shop].map(|place| enter(&mut town, place, &browser));
    for page in pages {
        let page = page?;
        let (origin, _) = page.split_once("/enter/").context("a link to a page")?;
        browser.open(origin)?;
        browser.until("header")?;
    }
    Ok(())
}

#[test]
fn no_other_page_types_a_pin_or_sees_what_is_asked_though_the_browser_was_let_in() -> Result<()> {
    let mut town = Town::open()?;
    let browser = Chromium::start(Scripts::Allowed)?;
    let url = enter(&mut town, Place::Station, &browser)?;
    let (origin, _) = url.split_once("/enter/").context("a link to a page")?;
    let holder = town.office.register("测试阿依·Test", DOCUMENTS[0])?;
    let blank = town.pcscd.new_card("blank")?;
    town.put(&blank, Place::Station)?;
    let station = town.at(Place::Station).terminal;
    town.office.issue_card(holder, station)?;
    browser.until("#again")?;
    let answer_to = browser.attribute("form[action^='/prompts/']", "action")?;
    let asked = town.at(Place::Station).local()?.get("/v1/prompts?wait_s=0")?.success()?;

    let site = foreign::prize()?;
    for host in foreign::HOSTS {
        for path in [answer_to.as_str(), "/sign-in", "/language"] {
            foreign::open(&browser, &site, host)?;
            let body = format!("pin={PIN}&again={PIN}&agree=yes&lang=en&here=/");
            foreign::post(&browser, &format!("{origin}{path}"), &body)?;
        }
        for path in ["/", "/live"] {
            foreign::open(&browser, &site, host)?;
            foreign::read(&browser, &format!("{origin}{path}"))?;
        }
    }
    let still = town.at(Place::Station).local()?.get("/v1/prompts?wait_s=0")?.success()?;
    assert_eq!(still, asked, "the question stands as it stood");

    // All that was missing was to be the daemon's own page.
    browser.open(&format!("{origin}/"))?;
    type_digits(&browser, "#pin", PIN, false)?;
    type_digits(&browser, "#again", PIN, false)?;
    browser.follow("button[name=agree]")?;
    browser.until(".text")
}
