//! A dormitory's people are registered from a spreadsheet, in a real browser.

use std::fs;

use anyhow::Result;
use browser::{
    Chromium, Scripts, Visitor,
    visitor::{LANGUAGES, sheet_is_done},
};
use town::Town;

/// Invented, like every name and number here.
const CLERK: (&str, &str) = ("test-clerk", "invented for a clerk of a few minutes");
const HEADINGS: &str = "姓名*,证件种类,证件号码*,出生日期,现住址*,入住日期*,居住方式*,电话";

/// A dormitory's sheet of invented people, alike to nobody on another sheet; the second has a day of birth that no
/// calendar has.
fn sheet(letter: char) -> String {
    let year = 1950 + u32::from(letter) - u32::from('A');
    let person = |number: u32, name: &str, birth: &str| {
        format!("{name},护照,{letter}{:07},{birth},测试路 8 号宿舍,2026-03-01,单位宿舍,", 1_000_000 + number)
    };
    [
        HEADINGS.to_owned(),
        person(1, &format!("测试甲{letter}"), &format!("{year}-03-07")),
        person(2, &format!("测试乙{letter}"), &format!("{year}-02-30")),
        person(3, &format!("测试丙{letter}"), &format!("{year}-05-19")),
    ]
    .join("\r\n")
}

/// Looks at a page in every way; only a browser that runs scripts can.
fn look(visitor: &mut Visitor<'_>, scripts: Scripts, page: &str) -> Result<()> {
    if scripts == Scripts::Allowed { visitor.visit(page) } else { Ok(()) }
}

fn story(scripts: Scripts, letters: [char; 2]) -> Result<()> {
    let (town, browser) = (Town::open()?, Chromium::start(scripts)?);
    town.office.add_staff(&town.service.root(), CLERK, "clerk")?;
    let (url, folder) = (town.service.url().to_owned(), tempfile::tempdir()?);
    let mut visitor = Visitor::new(&browser, LANGUAGES[0]);
    for (language, letter) in LANGUAGES.into_iter().zip(letters) {
        visitor.language = language;
        visitor.sign_in(&url, CLERK)?;
        browser.follow("a[href='/imports']")?;
        look(&mut visitor, scripts, "imports")?;
        // Nothing chosen, then a sheet with a formula: each says what to do, and the form is there still.
        browser.follow("main form button.primary")?;
        browser.until(".summary a[href='#sheet']")?;
        let file = folder.path().join("sheet.csv");
        fs::write(&file, format!("{HEADINGS}\r\n=A1,,,,,,,"))?;
        browser.type_into("#sheet", &file.display().to_string())?;
        browser.follow("main form button.primary")?;
        assert!(browser.text(".summary")?.contains("A2"), "the place of the formula");
        look(&mut visitor, scripts, "imports-wrong")?;

        fs::write(&file, sheet(letter))?;
        browser.type_into("#sheet", &file.display().to_string())?;
        browser.follow("main form button.primary")?;
        sheet_is_done(&browser, scripts)?;
        assert_eq!(browser.texts("#rejected ~ tbody td:first-child")?, ["3"], "the row in the spreadsheet");
        look(&mut visitor, scripts, "import-checked")?;
        browser.click("label[for=what-all]")?;
        browser.follow("main form button.primary")?;
        browser.until(".summary a[href='#next']")?;
        browser.click("label[for=what-good]")?;
        browser.follow("main form button.primary")?;
        sheet_is_done(&browser, scripts)?;
        assert_eq!(browser.count("#registered ~ tbody tr")?, 2);
        look(&mut visitor, scripts, "import-done")?;
        // One of them is looked at; that record stays when the others are taken back.
        let import = browser.address()?;
        browser.follow("#registered ~ tbody tr:first-child a")?;
        browser.click("main label[for$='registration']")?;
        browser.follow("main form[action$='/record'] button")?;
        browser.open(&import)?;
        browser.follow("form[action$='/undo'] button")?;
        sheet_is_done(&browser, scripts)?;
        assert_eq!(browser.count("#registered ~ tbody tr")?, 1, "what was touched");
        look(&mut visitor, scripts, "import-undone")?;
        visitor.sign_out()?;
    }
    assert!(visitor.noted.is_empty(), "{:#?}", visitor.noted);
    Ok(())
}

#[test]
fn a_dormitory_is_registered_from_a_spreadsheet_and_taken_back_in_both_languages() -> Result<()> {
    story(Scripts::Allowed, ['A', 'N'])
}

#[test]
fn the_same_goes_without_scripts() -> Result<()> {
    story(Scripts::Off, ['B', 'P'])
}
