//! An operator adds a terminal, gives out another code for it and revokes it, in a real browser; the computer beside it enrols.

use std::{fs, path::Path};

use anyhow::{Result, ensure};
use browser::{Chromium, Scripts, Visitor, visitor::LANGUAGES};
use town::{Place, Town, process, programs, wait};

/// Invented, like every name here.
const OPERATOR: (&str, &str) = ("test-operator", "invented for an operator of a few minutes");
const NAME: &str = "收银台 9";

/// An operator at the console.
struct Desk<'a> {
    browser: &'a Chromium,
    visitor: Visitor<'a>,
    /// Whether each page is looked at in every way; only a browser that runs scripts can.
    looks: bool,
}

impl Desk<'_> {
    fn look(&mut self, page: &str) -> Result<()> {
        if self.looks { self.visitor.visit(&format!("terminals-{page}")) } else { Ok(()) }
    }

    fn press(&self) -> Result<()> {
        self.browser.follow("main form button.primary")
    }

    /// The code that is shown, once.
    fn code(&mut self, page: &str) -> Result<String> {
        self.browser.until("#once")?;
        self.look(page)?;
        let code = self.browser.text("#once code")?;
        self.browser.follow("main a.primary")?;
        self.browser.until("#revoke")?;
        Ok(code)
    }

    /// From the first page to the page of a new terminal.
    fn add(&mut self, organisation: &str) -> Result<String> {
        let browser = self.browser;
        browser.follow("a.tile[href='/terminals']")?;
        ensure!(browser.count("tbody tr")? == Place::ALL.len(), "every terminal of the town is on the list");
        wait::until("the town's terminals are heard of", || {
            browser.follow("a.brand")?;
            browser.follow("a.tile[href='/terminals']")?;
            let heard = browser.texts("tbody td:nth-of-type(2)")?;
            Ok(heard.iter().all(|heard| heard.starts_with("20")).then_some(()))
        })?;
        self.look("list")?;
        browser.follow("a[href='/terminals/new']")?;
        browser.type_into("#name", NAME)?;
        browser.type_into("#organisation", "测试无此机构")?;
        browser.click("label[for=place-till]")?;
        self.press()?;
        browser.until(".summary a[href='#organisation']")?;
        self.look("add-wrong")?;
        ensure!(browser.attribute("#name", "value")? == NAME, "what was typed stays");
        browser.clear("#organisation")?;
        browser.type_into("#organisation", organisation)?;
        self.press()?;
        self.code("code")
    }

    /// From the page of a terminal that is in use to its end.
    fn revoke(&mut self) -> Result<()> {
        let browser = self.browser;
        browser.follow("#revoke button")?;
        browser.until(".summary a[href='#reason-lost']")?;
        self.look("revoke-wrong")?;
        browser.click("label[for=reason-broken]")?;
        browser.follow("#revoke button")?;
        browser.until("main .tag.idle")?;
        self.look("revoked")?;
        ensure!(browser.count("main form[action^='/terminals/']")? == 0, "nothing is done with it any more");
        Ok(())
    }
}

/// Whether a computer that is new to the service enrols with a code.
fn enrols(town: &Town, folder: &Path, code: &str) -> Result<bool> {
    fs::create_dir_all(folder)?;
    let config = folder.join("reader-daemon.toml");
    fs::write(&config, format!("data_dir = \"{}\"\n", folder.join("data").display()))?;
    let mut enrol = process::tethered(programs::program("reader-daemon")?);
    enrol.arg("--config").arg(config).args(["enrol", "--service", town.service.url(), "--code", code]);
    enrol.arg("--root").arg(town.service.root());
    Ok(enrol.output()?.status.success())
}

fn story(scripts: Scripts, language: &'static str) -> Result<()> {
    let town = Town::open()?;
    town.office.add_staff(&town.service.root(), OPERATOR, "operator")?;
    let (url, browser) = (town.service.url().to_owned(), Chromium::start(scripts)?);
    let visitor = Visitor::new(&browser, language);
    let mut desk = Desk { browser: &browser, visitor, looks: scripts == Scripts::Allowed };
    desk.visitor.sign_in(&url, OPERATOR)?;
    let folder = tempfile::tempdir()?;
    let lost = desk.add("Invented Noodle Shop 虚构面馆")?;
    desk.look("awaiting")?;
    browser.follow("#code button")?;
    let code = desk.code("code-again")?;
    ensure!(!enrols(&town, &folder.path().join("found"), &lost)?, "a code that was replaced enrols nobody");
    ensure!(enrols(&town, &folder.path().join("till"), &code)?, "the new code enrols");
    browser.open(&browser.address()?)?;
    browser.until("main .tag.ok")?;
    desk.look("in-use")?;
    desk.revoke()?;
    ensure!(desk.visitor.noted.is_empty(), "{:#?}", desk.visitor.noted);
    Ok(())
}

#[test]
fn an_operator_adds_a_terminal_and_revokes_it_in_chinese() -> Result<()> {
    story(Scripts::Allowed, LANGUAGES[0])
}

#[test]
fn the_same_goes_in_english() -> Result<()> {
    story(Scripts::Allowed, LANGUAGES[1])
}

#[test]
fn and_without_scripts() -> Result<()> {
    story(Scripts::Off, LANGUAGES[1])
}
