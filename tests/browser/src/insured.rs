//! Somebody who is insured through an employer, as employer and bureau bring that about in the console.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};
use town::{Town, clock, service::ADMINISTRATOR, wait};

use crate::{Chromium, Visitor};

/// Invented, like every name and number here.
pub const FILER: (&str, &str) = ("test-filer", "invented for a filer of a few minutes");
/// The employer.
pub const FACTORY: &str = "测试工厂";

/// Declares with what is said of all rows, and rows.
///
/// # Errors
/// When the page has no form for that.
pub fn declare(browser: &Chromium, file: &Path, (people, wages): (&str, &str), rows: &str) -> Result<()> {
    fs::write(file, format!("社会保障号码,姓名,月工资,缴费基数\r\n{rows}"))?;
    for (field, text) in [("#workers", people), ("#wages", wages)] {
        browser.clear(field)?;
        browser.type_into(field, text)?;
    }
    browser.type_into("#sheet", &file.display().to_string())?;
    browser.follow("main form button.primary")
}

/// An administrator has the factory take part, and somebody file for it.
///
/// # Errors
/// When there is no such factory, or nobody of that name.
pub fn takes_part(browser: &Chromium, url: &str) -> Result<()> {
    browser.open(&format!("{url}/employers"))?;
    browser.follow("main table a")?;
    let employer = browser.address()?.rsplit('/').next().context("the employer's page")?.to_owned();
    browser.type_into("#risk", "2")?;
    browser.follow("#class button")?;
    browser.open(&format!("{url}/staff"))?;
    let mut links = browser.texts("main table a")?.into_iter();
    let place = links.position(|name| name == FILER.0).context("the filer is in the list")?;
    browser.follow(&format!("main table tbody tr:nth-child({}) a", place + 1))?;
    browser.click(&format!("label[for='station-{employer}']"))?;
    browser.follow("#move button")?;
    Ok(())
}

/// Whoever files enrols a worker from this month on.
///
/// # Errors
/// When that is refused.
pub fn enrol(browser: &Chromium, (name, number): (&str, &str)) -> Result<()> {
    browser.type_into("#number", number)?;
    browser.type_into("#name", name)?;
    browser.click("label[for=household-other_rural]")?;
    browser.follow("#enrol button")?;
    ensure!(browser.count(".summary")? == 0, "{}", browser.text("main")?);
    Ok(())
}

/// Has somebody who is registered be insured: the month is declared, and paid.
///
/// # Errors
/// When any of it is refused.
pub fn insure(town: &Town, browser: &Chromium, visitor: &Visitor<'_>, worker: (&str, &str)) -> Result<()> {
    town.office.add_organisation(FACTORY, "employer")?;
    town.office.add_staff(&town.service.root(), FILER, "filer")?;
    let (url, folder) = (town.service.url().to_owned(), tempfile::tempdir()?);
    let file = folder.path().join("sheet.csv");
    visitor.sign_in(&url, ADMINISTRATOR)?;
    takes_part(browser, &url)?;
    visitor.sign_out()?;
    visitor.sign_in(&url, FILER)?;
    browser.follow("a.tile[href='/filings']")?;
    enrol(browser, worker)?;
    browser.follow("a[href='/filings/new']")?;
    let (name, number) = worker;
    declare(browser, &file, ("1", "8000"), &format!("{number},{name},8000,"))?;
    visitor.sign_out()?;
    visitor.sign_in(&url, ADMINISTRATOR)?;
    browser.open(&format!("{url}/receipts/new"))?;
    arrives(browser, &url, &file, ("TEST-1", 2))?;
    visitor.sign_out()
}

/// What the factory pays arrives at the bank, on the page where that is said: more than everything comes to. The bureau's page of the
/// factory names this day so often then.
///
/// # Errors
/// When it is refused, or does not come into the books.
pub fn arrives(browser: &Chromium, url: &str, file: &Path, (number, days): (&str, usize)) -> Result<()> {
    let today = clock::today()?;
    fs::write(file, format!("流水号,日期,金额,付款人\r\n{number},{today},9999.99,{FACTORY}"))?;
    browser.type_into("#sheet", &file.display().to_string())?;
    browser.follow("main form button.primary")?;
    browser.until("main .tag.ok")?;
    browser.open(&format!("{url}/employers"))?;
    browser.follow("main table a")?;
    let employer = browser.address()?;
    wait::until("what was declared is booked", || {
        browser.open(&employer)?;
        Ok((browser.text("main")?.matches(&today.to_string()).count() >= days).then_some(()))
    })
}
