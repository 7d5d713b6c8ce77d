//! An employer is given the list of its own people, in a real browser, and the list is read back.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use browser::{
    Chromium, Scripts, Visitor,
    visitor::{LANGUAGES, sheet_is_done},
};
use town::{Town, service::ADMINISTRATOR};

/// Invented, like every name and number here.
const PEOPLE: &str = "姓名*,证件种类,证件号码*,出生日期,现住址*,入住日期*,居住方式*,工作单位或学校,电话
测试甲,护照,T1000001,1981-03-07,测试路 8 号宿舍,2026-03-01,单位宿舍,测试电子（南）厂,+442079460000
测试乙丙,护照,T1000002,1992-05-19,测试路 9 号宿舍,2026-03-01,单位宿舍,测试电子(南)厂,
测试丁戊己,护照,T1000003,1973-11-02,测试路 7 号,2026-03-01,租赁,测试电器厂,";
const FACTORY: &str = "测试电子(南)厂";
const EMPTY: &str = "测试空厂";
const PATIENCE: Duration = Duration::from_mins(1);

/// Asks for the file as the form does, and answers what comes; a browser that runs no scripts only fills the form in.
const FETCH: &str = "const [answered] = arguments; const form = document.querySelector('main form');
    fetch(form.action, { method: 'POST', body: new URLSearchParams(new FormData(form)) })
        .then((response) => response.text()).then(answered);";

fn add(browser: &Chromium, url: &str, name: &str) -> Result<()> {
    browser.open(&format!("{url}/organisations/new"))?;
    browser.type_into("#name", name)?;
    browser.click("label[for=kind-employer]")?;
    browser.follow("main form button.primary")
}

fn story(scripts: Scripts) -> Result<()> {
    let (town, browser) = (Town::open()?, Chromium::start(scripts)?);
    let url = town.service.url().to_owned();
    let import = town.office.send_sheet(PEOPLE.replace('\n', "\r\n").as_bytes(), PATIENCE)?;
    town.office.register_sheet(&import, PATIENCE)?;
    let folder = tempfile::tempdir()?;
    let mut visitor = Visitor::new(&browser, LANGUAGES[0]);
    for (at, language) in LANGUAGES.into_iter().enumerate() {
        visitor.language = language;
        visitor.sign_in(&url, ADMINISTRATOR)?;
        if at == 0 {
            add(&browser, &url, FACTORY)?;
            add(&browser, &url, EMPTY)?;
        }
        let looks = scripts == Scripts::Allowed;
        let mut look = |page: &str| if looks { visitor.visit(page) } else { Ok(()) };
        browser.open(&url)?;
        browser.follow("a.tile[href='/rosters']")?;
        look("rosters")?;
        let names = browser.texts("main tbody th")?;
        let row = |name: &str| {
            let at = names.iter().position(|known| known == name).with_context(|| format!("{names:?}"))?;
            Ok::<_, anyhow::Error>(format!("main tbody tr:nth-child({}) a", at + 1))
        };
        browser.follow(&row(EMPTY)?)?;
        browser.until("main .empty")?;
        look("roster-nobody")?;
        browser.follow("a.back")?;
        browser.follow(&row(FACTORY)?)?;
        assert!(browser.text("label[for=whom-works-1]")?.contains('2'), "two work there, however it is written");
        look("roster")?;
        browser.follow("main form button.primary")?;
        browser.until(".summary a[href='#whom-works-1']")?;
        look("roster-wrong")?;
        browser.click("label[for=whom-works-1]")?;
        browser.follow("main form button.primary")?;
        browser.until(".summary a[href='#given-organisation_check']")?;
        assert_eq!(browser.count("#whom-works-1:checked")?, 1, "what was chosen stays");
        browser.click("label[for=given-organisation_check]")?;
        browser.click("label[for=format-csv]")?;
        if looks {
            let list = browser.run(FETCH, &[])?.as_str().context("a text")?.to_owned();
            assert_eq!(list.lines().count(), 3, "{list}");
            assert!(list.contains("测试乙丙") && list.contains(",'+442079460000,") && !list.contains("测试丁戊己"));
            // It is sent back: everybody is known, and nothing is wrong in any row.
            let file = folder.path().join("list.csv");
            fs::write(&file, list)?;
            browser.open(&format!("{url}/imports"))?;
            browser.type_into("#sheet", &file.display().to_string())?;
            browser.follow("main form button.primary")?;
            sheet_is_done(&browser, Scripts::Allowed)?;
            let holders = browser.count("#rejected ~ tbody a[href^='/holders/']")?;
            assert_eq!(holders, 2, "each row leads to the record that it is of");
        }
        visitor.sign_out()?;
    }
    assert!(visitor.noted.is_empty(), "{:#?}", visitor.noted);
    Ok(())
}

#[test]
fn an_employer_is_given_its_people_and_the_list_is_read_back_in_both_languages() -> Result<()> {
    story(Scripts::Allowed)
}

#[test]
fn a_list_is_asked_for_without_scripts() -> Result<()> {
    story(Scripts::Off)
}
