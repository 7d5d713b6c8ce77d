//! Fares are imported in a real browser: what is wrong with a feed is told with its place, what was understood is looked at, and taken.

use std::{fs, path::Path};

use anyhow::Result;
use browser::{Chromium, Scripts, Visitor, visitor::LANGUAGES};
use town::{Town, service::ADMINISTRATOR};

/// Uploads a feed and what stands beside it.
fn upload(browser: &Chromium, folder: &Path, (archive, supplement): (Vec<u8>, String)) -> Result<()> {
    for (field, name, file) in [("archive", "city.zip", archive), ("supplement", "fares.toml", supplement.into_bytes())]
    {
        let path = folder.join(name);
        fs::write(&path, file)?;
        browser.type_into(&format!("#{field}"), &path.display().to_string())?;
    }
    browser.follow("main form button.primary")
}

#[test]
fn an_administrator_imports_a_feed_sees_what_is_wrong_with_it_and_takes_another() -> Result<()> {
    let (town, browser) = (Town::open()?, Chromium::start(Scripts::Allowed)?);
    let (url, folder) = (town.service.url().to_owned(), tempfile::tempdir()?);
    let mut visitor = Visitor::new(&browser, LANGUAGES[0]);
    for (number, language) in (1..).zip(LANGUAGES) {
        visitor.language = language;
        visitor.sign_in(&url, ADMINISTRATOR)?;
        browser.follow("a.tile[href='/fares']")?;
        visitor.visit("fares-list")?;
        browser.follow("a[href='/fares/new']")?;
        browser.follow("main form button.primary")?;
        browser.until(".summary a[href='#archive']")?;
        visitor.visit("fares-new-wrong")?;

        // A price that is none: file, line and field are told.
        upload(&browser, folder.path(), fares::archive_with("caps", "fare_products.txt", "bad,Bad,,two yuan,CNY\n")?)?;
        browser.until("table tbody tr")?;
        let said = browser.texts("table tbody tr")?.join(" ");
        assert!(said.contains("fare_products.txt") && said.contains("amount"), "{said}");
        assert_eq!(browser.count("#take")?, 0, "what is wrong is not taken");
        visitor.visit("fares-report")?;

        browser.open(&format!("{url}/fares/new"))?;
        upload(&browser, folder.path(), fares::archive("caps")?)?;
        browser.until("main form input[name=take]")?;
        visitor.visit("fares-check")?;
        browser.follow("main form button.primary")?;
        browser.until(".summary a")?;
        visitor.visit("fares-check-wrong")?;
        browser.click("label[for=when-at_once]")?;
        browser.click("label[for=take-yes]")?;
        browser.follow("main form button.primary")?;
        browser.until("main .tag.ok")?;
        assert!(browser.address()?.ends_with(&format!("/fares/{number}")), "{}", browser.address()?);
        visitor.visit("fares-version")?;
        browser.open(&format!("{url}/fares/settlement"))?;
        visitor.visit("fares-settlement")?;
        visitor.sign_out()?;
    }
    assert!(visitor.noted.is_empty(), "{:#?}", visitor.noted);
    Ok(())
}
