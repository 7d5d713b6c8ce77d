//! A holder is found by document, name, number and card, in a real browser with a real reader.

use anyhow::Result;
use browser::{Chromium, Scripts, Visitor, visitor::LANGUAGES};
use town::{Place, Town, wait};

/// Invented, like every name and number here.
const CLERK: (&str, &str) = ("test-clerk", "invented for a clerk of a few minutes");
const NAME: &str = "测试小明";
const DOCUMENT: &str = "110000199001010013";
const PIN: &str = "731945";

/// What a clerk sees of a job at the reader until it is over.
fn until_over(browser: &Chromium, tone: &str) -> Result<()> {
    wait::until("the reader has answered", || {
        // Where scripts run, the page follows by itself.
        if browser.count("main noscript a, main a.button.quiet[href^='/identifications/']")? > 0 {
            let address = browser.address()?;
            browser.open(&address)?;
        }
        Ok((browser.count(tone)? == 1).then_some(()))
    })
}

fn look(visitor: &mut Visitor<'_>, scripts: Scripts, page: &str) -> Result<()> {
    if scripts == Scripts::Allowed { visitor.visit(page) } else { Ok(()) }
}

fn story(scripts: Scripts) -> Result<()> {
    let (mut town, browser) = (Town::open()?, Chromium::start(scripts)?);
    town.office.add_staff(&town.service.root(), CLERK, "clerk")?;
    let chip = town.pcscd.new_card("newcomer")?;
    town.put(&chip, Place::Station)?;
    let url = town.service.url().to_owned();
    let holder = town.office.register(NAME, DOCUMENT)?;
    let card = town.issue(holder, PIN)?;
    let own = format!("{url}/holders/{holder}");
    let mut visitor = Visitor::new(&browser, LANGUAGES[0]);
    for language in LANGUAGES {
        visitor.language = language;
        visitor.sign_in(&url, CLERK)?;
        browser.follow("main a.tile[href='/find']")?;
        look(&mut visitor, scripts, "find-document")?;
        browser.click("label[for=document_kind-resident_identity_card]")?;
        browser.type_into("#document_number", DOCUMENT)?;
        browser.follow("main form button.primary")?;
        assert_eq!(browser.address()?, own, "found by the document");

        browser.open(&format!("{url}/find"))?;
        browser.follow("main a[href='/find/name']")?;
        browser.type_into("#name", "ce shi xiao ming")?;
        browser.click("label[for=reason-holder_request]")?;
        browser.follow("main form button.primary")?;
        browser.until(".summary a[href='#birth']")?;
        look(&mut visitor, scripts, "find-name-alone")?;
        browser.type_into("#birth", "1990-01-01")?;
        browser.follow("main form button.primary")?;
        browser.until("main table")?;
        look(&mut visitor, scripts, "find-found")?;
        let main = browser.text("main")?;
        assert!(main.contains(NAME) && !main.contains(DOCUMENT), "{main}");
        browser.follow("main table a")?;
        assert_eq!(browser.address()?, own, "found by the name");

        browser.open(&format!("{url}/find/number"))?;
        browser.type_into("#number", "9999")?;
        browser.follow("main form button.primary")?;
        browser.until(".summary a[href='#number']")?;
        look(&mut visitor, scripts, "find-number-wrong")?;
        browser.clear("#number")?;
        browser.type_into("#number", &card.id.to_string()[..8])?;
        browser.follow("main form button.primary")?;
        assert_eq!(browser.address()?, own, "found by the number");

        browser.open(&format!("{url}/find/tap"))?;
        look(&mut visitor, scripts, "find-tap")?;
        town.take(Place::Station)?;
        browser.follow("main form button.primary")?;
        browser.until("progress")?;
        look(&mut visitor, scripts, "find-tap-waits")?;
        town.put(&chip, Place::Station)?;
        until_over(&browser, "main .tag.ok")?;
        look(&mut visitor, scripts, "find-tap-found")?;
        browser.follow("main a.button.primary")?;
        assert_eq!(browser.address()?, own, "found by the card");

        // A card that is nobody's: the clerk can go on at once with the one that is.
        town.take(Place::Station)?;
        let blank = town.pcscd.new_card(&format!("blank-{language}"))?;
        town.put(&blank, Place::Station)?;
        browser.open(&format!("{url}/find/tap"))?;
        browser.follow("main form button.primary")?;
        until_over(&browser, "main .tag.no")?;
        look(&mut visitor, scripts, "find-tap-nobody")?;
        town.take(Place::Station)?;
        town.put(&chip, Place::Station)?;
        browser.follow("main a.button.primary")?;
        browser.follow("main form button.primary")?;
        until_over(&browser, "main .tag.ok")?;
        visitor.sign_out()?;
    }
    assert!(visitor.noted.is_empty(), "{:#?}", visitor.noted);
    Ok(())
}

#[test]
fn a_holder_is_found_in_four_ways_in_both_languages() -> Result<()> {
    story(Scripts::Allowed)
}

#[test]
fn the_same_goes_without_scripts() -> Result<()> {
    story(Scripts::Off)
}
