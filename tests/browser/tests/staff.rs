//! Staff are added, given roles by two, and sign in with a second factor, in a real browser.

use anyhow::{Context, Result};
use browser::{
    Chromium, Scripts, Visitor,
    visitor::{LANGUAGES, show_code},
};
use serde_json::Value;
use town::{
    authenticator::{self, Authenticator},
    process,
    service::{ADMINISTRATOR, Service},
};

/// Invented, like every name here.
const OTHER: (&str, &str) = ("test-other", "invented for another administrator");
const CHOSEN: &str = "invented by a clerk of a few minutes";

/// An office, a browser in it, and who looks at what.
struct Office<'a> {
    url: &'a str,
    browser: &'a Chromium,
    visitor: Visitor<'a>,
    /// Whether each page is looked at in every way; only a browser that runs scripts can.
    looks: bool,
}

impl Office<'_> {
    fn look(&mut self, page: &str) -> Result<()> {
        if self.looks { self.visitor.visit(&format!("staff-{page}")) } else { Ok(()) }
    }

    fn press(&self) -> Result<()> {
        self.browser.follow("main form button.primary")
    }

    /// Adds a clerk and answers the first password.
    fn add(&mut self, name: &str) -> Result<String> {
        let browser = self.browser;
        browser.follow("a.tile[href='/staff']")?;
        self.look("list")?;
        browser.follow("a[href='/staff/new']")?;
        self.press()?;
        browser.until(".summary a[href='#name']")?;
        self.look("add-wrong")?;
        browser.type_into("#name", name)?;
        browser.click("label[for=role-clerk]")?;
        self.press()?;
        browser.until("#once")?;
        self.look("first-password")?;
        let first = browser.text("#once code")?;
        browser.follow("main a.primary")?;
        self.look("member")?;
        Ok(first)
    }

    /// Signs in with the first password and chooses another.
    fn begin(&mut self, name: &str, first: &str) -> Result<()> {
        let browser = self.browser;
        self.visitor.sign_in(self.url, (name, first))?;
        browser.until("#new")?;
        self.look("choose-password")?;
        assert_eq!(browser.count("#present")?, 0);
        browser.open(&format!("{}/find", self.url))?;
        browser.until("#new")?;
        browser.type_into("#new", CHOSEN)?;
        browser.type_into("#repeated", first)?;
        self.press()?;
        browser.until(".summary a[href='#repeated']")?;
        self.look("choose-password-wrong")?;
        for field in ["#new", "#repeated"] {
            browser.type_into(field, CHOSEN)?;
        }
        self.press()?;
        browser.until("a.tile[href='/find']")
    }

    /// Sets up the second factor that is asked for, with a code that is computed here.
    fn enrol(&mut self, name: &str) -> Result<()> {
        let browser = self.browser;
        browser.until("#begin")?;
        self.look("second-factor-owed")?;
        browser.follow("#begin button")?;
        browser.until("svg.qr")?;
        self.look("second-factor")?;
        let mut authenticator = Authenticator::of(&browser.text("#secret")?)?;
        browser.type_into("#code", "000")?;
        self.press()?;
        browser.until(".summary a[href='#code']")?;
        self.look("second-factor-wrong")?;
        browser.type_into("#code", &authenticator.code()?)?;
        self.press()?;
        browser.until("#once")?;
        assert_eq!(browser.count("#once code")?, 10);
        self.look("recovery-codes")?;
        authenticator::carry(self.url, name, authenticator);
        browser.follow("main a.primary")?;
        browser.until("a.tile[href='/find']")
    }

    /// One administrator asks for another role, the other agrees.
    fn promote(&mut self, name: &str, others: (&str, &str)) -> Result<()> {
        let browser = self.browser;
        browser.open(&format!("{}/staff", self.url))?;
        let links = browser.texts("tbody th a")?;
        let row = links.iter().position(|link| link == name).context("the clerk is on the list")? + 1;
        browser.follow(&format!("tbody tr:nth-child({row}) th a"))?;
        browser.click("label[for=role-supervisor]")?;
        browser.follow("#role button")?;
        browser.until("#withdraw")?;
        self.look("request-own")?;
        self.visitor.sign_out()?;

        self.visitor.sign_in(self.url, others)?;
        browser.until(".count")?;
        self.look("home-waiting")?;
        browser.follow("a.tile[href='/approvals']")?;
        self.look("requests")?;
        browser.follow("tbody th a")?;
        browser.until("#approve")?;
        browser.follow("#refuse button")?;
        browser.until(".summary a[href='#reason-unneeded']")?;
        self.look("request")?;
        browser.follow("#approve button")?;
        browser.until(".tag.ok")?;
        self.look("request-approved")?;
        self.visitor.sign_out()
    }

    /// Signs in with password and code.
    fn with_code(&mut self, name: &str) -> Result<()> {
        let browser = self.browser;
        browser.open(&format!("{}/sign-in?to=/find", self.url))?;
        browser.type_into("#name", name)?;
        browser.type_into("#password", CHOSEN)?;
        browser.follow("form[action='/sign-in'] button")?;
        browser.until("#code")?;
        self.look("code")?;
        browser.type_into("#code", "000000")?;
        browser.follow("form[action^='/sign-in/code'] button")?;
        browser.until(".summary a[href='#code']")?;
        self.look("code-wrong")?;
        show_code(browser, self.url, name)?;
        browser.until("form.leave")?;
        assert!(browser.address()?.ends_with("/find"), "where they wanted to go");
        self.visitor.sign_out()
    }
}

fn story(scripts: Scripts, language: &'static str) -> Result<()> {
    const NAME: &str = "test-clerk";
    let folder = tempfile::tempdir()?;
    let service = Service::found(folder.path())?;
    service.office()?.add_staff(&service.root(), OTHER, "administrator")?;
    service.a_week_after_admission()?;
    let (url, browser) = (service.url().to_owned(), Chromium::start(scripts)?);
    let visitor = Visitor::new(&browser, language);
    let mut story = Office { url: &url, browser: &browser, visitor, looks: scripts == Scripts::Allowed };
    story.visitor.sign_in(&url, ADMINISTRATOR)?;
    let first = story.add(NAME)?;
    story.visitor.sign_out()?;
    story.begin(NAME, &first)?;
    story.visitor.sign_out()?;
    story.visitor.sign_in(&url, ADMINISTRATOR)?;
    story.promote(NAME, OTHER)?;
    story.visitor.sign_in(&url, (NAME, CHOSEN))?;
    story.enrol(NAME)?;
    story.visitor.sign_out()?;
    story.with_code(NAME)?;
    // Whoever runs the machine helps where nobody else can.
    let reset = process::run(service.command()?.args(["staff", "reset", NAME, "--format", "json"]))?;
    let reset: Value = serde_json::from_slice(&reset.stdout)?;
    authenticator::forget(&url, NAME);
    story.visitor.sign_in(&url, (NAME, reset["first_password"].as_str().context("a password")?))?;
    browser.until("#new")?;
    assert!(story.visitor.noted.is_empty(), "{:#?}", story.visitor.noted);
    Ok(())
}

#[test]
fn a_clerk_is_added_gets_a_role_by_two_and_signs_in_with_a_code_in_chinese() -> Result<()> {
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
