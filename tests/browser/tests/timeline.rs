//! Everything that was done with a person, in a real browser: for whoever says why, and nothing of where the card is used.

use anyhow::Result;
use browser::{Chromium, Scripts, Visitor, visitor::LANGUAGES};
use town::Town;

/// Invented, like every name and number here.
const CLERK: (&str, &str) = ("test-clerk", "invented for a clerk of a few minutes");

/// The person moves, as the clerk writes it down.
fn moves(browser: &Chromium, holder: &str) -> Result<()> {
    browser.open(&format!("{holder}/change/address"))?;
    browser.type_into("#address", "测试路 2 号")?;
    browser.type_into("#address_since", "2026-10-01")?;
    browser.click("label[for=home-employer]")?;
    browser.click("label[for=reason-changed]")?;
    browser.follow("main form button.primary")?;
    browser.until("#timeline")
}

fn story(scripts: Scripts) -> Result<()> {
    let (town, browser) = (Town::open()?, Chromium::start(scripts)?);
    town.office.add_staff(&town.service.root(), CLERK, "clerk")?;
    let url = town.service.url().to_owned();
    let mut visitor = Visitor::new(&browser, LANGUAGES[0]);
    for (language, document) in LANGUAGES.into_iter().zip(["110000199001010013", "110000199001010136"]) {
        visitor.language = language;
        let holder = format!("{url}/holders/{}", town.office.register("测试甲", document)?);
        visitor.sign_in(&url, CLERK)?;
        moves(&browser, &holder)?;
        browser.open(&format!("{holder}/permit"))?;
        browser.click("label[for=apply-lease]")?;
        browser.follow("#apply button")?;
        browser.open(&holder)?;
        let looks = scripts == Scripts::Allowed;
        let mut look = |page: &str| if looks { visitor.visit(page) } else { Ok(()) };
        look("timeline-way")?;
        browser.follow("#timeline a")?;
        look("timeline-asks")?;
        assert_eq!(browser.count("#history")?, 0, "nothing is shown before somebody says why");
        browser.follow("main form button.primary")?;
        browser.until(".summary a[href='#reason-registration']")?;
        look("timeline-missing")?;
        browser.click("label[for=reason-holder_request]")?;
        browser.follow("main form button.primary")?;
        look("timeline")?;
        let lines = browser.texts("#history li")?;
        let at = |text: &str| lines.iter().position(|line| line.contains(text));
        let [second, first] = ["测试路 2 号", "测试路 1 号"].map(at);
        assert!(second.is_some() && second < first, "{lines:#?}");
        assert!(lines.iter().filter(|line| line.contains(CLERK.0)).count() >= 3, "{lines:#?}");
        // Loading the page anew asks again.
        browser.open(&browser.address()?)?;
        browser.until("#reason-registration")?;
        visitor.sign_out()?;
    }
    assert!(visitor.noted.is_empty(), "{:#?}", visitor.noted);
    Ok(())
}

#[test]
fn what_was_done_with_a_person_is_shown_in_order_in_both_languages() -> Result<()> {
    story(Scripts::Allowed)
}

#[test]
fn the_same_goes_without_scripts() -> Result<()> {
    story(Scripts::Off)
}
