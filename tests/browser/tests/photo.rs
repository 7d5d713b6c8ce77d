//! A photo is taken with the camera, sent as a file, looked at and removed, in a real browser.

use anyhow::Result;
use browser::{Chromium, Scripts, Visitor, visitor::LANGUAGES};
use serde_json::json;
use town::Town;

/// Invented, like every name and number here.
const CLERK: (&str, &str) = ("test-clerk", "invented for a clerk of a few minutes");

fn look(visitor: &mut Visitor<'_>, scripts: Scripts, page: &str) -> Result<()> {
    if scripts == Scripts::Allowed { visitor.visit(page) } else { Ok(()) }
}

fn story(scripts: Scripts) -> Result<()> {
    let (town, browser) = (Town::open()?, Chromium::start(scripts)?);
    town.office.add_staff(&town.service.root(), CLERK, "clerk")?;
    let (url, folder) = (town.service.url().to_owned(), tempfile::tempdir()?);
    let holder = town.office.register("测试甲", "110000199001010013")?;
    // The page itself serves as the picture: a PNG of as many pixels as a screen has.
    browser.open(&url)?;
    let (picture, text) = (folder.path().join("picture.png"), folder.path().join("text.jpg"));
    std::fs::write(&picture, browser.picture()?)?;
    std::fs::write(&text, "no picture")?;
    let mut visitor = Visitor::new(&browser, LANGUAGES[0]);
    for language in LANGUAGES {
        visitor.language = language;
        visitor.sign_in(&url, CLERK)?;
        browser.open(&format!("{url}/holders/{holder}"))?;
        browser.follow("a[href$='/photo']")?;
        look(&mut visitor, scripts, "photo")?;
        browser.type_into("#picture", &text.display().to_string())?;
        browser.follow("#photo > button")?;
        browser.until(".summary a[href='#picture']")?;
        look(&mut visitor, scripts, "photo-wrong")?;
        browser.type_into("#picture", &picture.display().to_string())?;
        browser.follow("#photo > button")?;
        browser.until("img.portrait")?;
        if scripts == Scripts::Allowed {
            browser.click("#start")?;
            browser.until("#take:not([hidden])")?;
            browser.follow("#take")?;
            browser.until("img.portrait")?;
            let drawn = "arguments[0](document.querySelector('img.portrait').naturalHeight)";
            assert_eq!(browser.run(drawn, &[])?, json!(320), "the browser shows it");
        }
        look(&mut visitor, scripts, "photo-taken")?;
        browser.follow("main a.primary")?;
        browser.click("main label[for$='holder_request']")?;
        browser.follow("main form[action$='/record'] button")?;
        browser.until("#record img.portrait")?;
        look(&mut visitor, scripts, "record-with-photo")?;
        browser.follow("a[href$='/photo']")?;
        browser.follow("form[action$='/remove'] button")?;
        assert_eq!(browser.count("form[action$='/remove']")?, 0);
        visitor.sign_out()?;
    }
    assert!(visitor.noted.is_empty(), "{:#?}", visitor.noted);
    Ok(())
}

#[test]
fn a_photo_is_taken_shown_and_removed_in_both_languages() -> Result<()> {
    story(Scripts::Allowed)
}

#[test]
fn the_same_goes_without_scripts() -> Result<()> {
    story(Scripts::Off)
}
