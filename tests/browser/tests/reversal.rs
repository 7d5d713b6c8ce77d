//! A supervisor reverses what a shop has charged, a small amount alone and a large one with another, in a real browser.

use anyhow::{Result, ensure};
use browser::{Chromium, Scripts, Visitor, visitor::LANGUAGES};
use serde_json::json;
use town::{Place, Town};

/// Invented, like every name and number here.
const ONE: (&str, &str) = ("test-supervisor", "invented for a supervisor of a few minutes");
const OTHER: (&str, &str) = ("test-supervisor-2", "invented for another supervisor");
const PIN: &str = "731945";
const DOCUMENT: &str = "110000199001010013";

/// A town in which somebody has paid 450.00 yuan and 12.50 yuan, and two supervisors.
fn paid() -> Result<Town> {
    let mut town = Town::open()?;
    for who in [ONE, OTHER] {
        town.office.add_staff(&town.service.root(), who, "supervisor")?;
    }
    town.service.a_week_after_admission()?;
    let holder = town.office.register("测试阿依·Test", DOCUMENT)?;
    let card = town.pcscd.new_card("holder")?;
    town.put(&card, Place::Station)?;
    town.issue(holder, PIN)?;
    town.at(Place::Station).tap(&json!({
        "operation": "purse.top_up", "amount_fen": 50_000, "receipt_wait_ms": 10_000,
    }))?;
    town.carry(&card, Place::Station, Place::Shop)?;
    town.at(Place::Shop).pay(45_000, Some(PIN))?;
    town.at(Place::Shop).pay(1_250, None)?;
    Ok(town)
}

/// Somebody at the console.
struct Desk<'a> {
    url: &'a str,
    browser: &'a Chromium,
    visitor: Visitor<'a>,
    /// Whether each page is looked at in every way; only a browser that runs scripts can.
    looks: bool,
}

impl Desk<'_> {
    fn look(&mut self, page: &str) -> Result<()> {
        if self.looks { self.visitor.visit(&format!("reversal-{page}")) } else { Ok(()) }
    }

    /// From the list of what cards did to the page of the tap with this amount.
    fn open(&mut self, amount: &str) -> Result<()> {
        let browser = self.browser;
        browser.open(self.url)?;
        browser.follow("a.tile[href='/activity']")?;
        browser.click("label[for=purpose-complaint]")?;
        browser.follow("main form button")?;
        browser.until("td.number")?;
        self.look("activity")?;
        let amounts = browser.texts("td.number")?;
        let row = amounts.iter().position(|shown| shown.contains(amount)).expect("the payment is on the list") + 1;
        browser.follow(&format!("tbody tr:nth-child({row}) td.what a"))?;
        browser.until("main .facts")
    }

    fn reverse(&self, amount: &str, reason: &str) -> Result<()> {
        let browser = self.browser;
        browser.clear("#amount")?;
        browser.type_into("#amount", amount)?;
        browser.click(&format!("label[for=reason-{reason}]"))?;
        browser.follow("#reverse button")
    }

    /// A small one, after mistakes at the form.
    fn small(&mut self) -> Result<()> {
        self.open("12.50")?;
        self.look("booked")?;
        ensure!(self.browser.attribute("#amount", "value")? == "12.50", "all that is left is filled in");
        self.browser.clear("#amount")?;
        self.browser.type_into("#amount", "12.505")?;
        self.browser.follow("#reverse button")?;
        self.browser.until(".summary a[href='#amount']")?;
        self.look("wrong")?;
        ensure!(self.browser.attribute("#amount", "value")? == "12.505", "what was typed stays");
        self.reverse("99", "wrong_amount")?;
        self.browser.until(".summary a[href='#amount']")?;
        self.reverse("2.50", "wrong_amount")?;
        self.browser.until("main .tag.wait")?;
        self.look("part")?;
        ensure!(self.browser.texts("main .facts dd")?.iter().any(|fact| fact.contains(ONE.0)), "who did it");
        self.reverse("10", "returned")?;
        self.browser.until("main .tag.idle")?;
        self.look("whole")?;
        ensure!(self.browser.count("#reverse")? == 0, "nothing is left");
        Ok(())
    }

    /// A large one, which another agrees to.
    fn large(&mut self) -> Result<()> {
        self.open("450.00")?;
        self.reverse("450", "returned")?;
        self.browser.until("#withdraw")?;
        self.look("asked")?;
        let request = self.browser.address()?;
        self.browser.follow("main a.button[href^='/cards/']")?;
        self.browser.click("label[for=purpose-complaint]")?;
        self.browser.follow("main form button")?;
        self.browser.until("main a.button[href^='/approvals/']")?;
        self.look("waits")?;
        self.visitor.sign_out()?;

        self.visitor.sign_in(self.url, OTHER)?;
        self.browser.until("a.tile[href='/approvals'] .count")?;
        self.browser.follow("a.tile[href='/approvals']")?;
        self.look("approvals")?;
        self.browser.follow("tbody a")?;
        ensure!(self.browser.address()? == request, "it is the one that was asked for");
        self.look("request")?;
        self.browser.follow("#refuse button")?;
        self.browser.until(".summary a[href='#reason-unneeded']")?;
        self.look("refuse-wrong")?;
        self.browser.follow("#approve button")?;
        self.browser.until("main .tag.ok")?;
        self.look("approved")?;
        self.open("450.00")?;
        ensure!(self.browser.count("main .tag.idle")? == 1, "it was done");
        let facts = self.browser.texts("main .facts dd")?;
        ensure!(facts.iter().any(|fact| fact.contains(ONE.0) && fact.contains(OTHER.0)), "by both: {facts:?}");
        self.look("by-two")
    }
}

fn story(scripts: Scripts, language: &'static str) -> Result<()> {
    let town = paid()?;
    let (url, browser) = (town.service.url().to_owned(), Chromium::start(scripts)?);
    let visitor = Visitor::new(&browser, language);
    let mut desk = Desk { url: &url, browser: &browser, visitor, looks: scripts == Scripts::Allowed };
    desk.visitor.sign_in(&url, ONE)?;
    desk.small()?;
    desk.large()?;
    desk.visitor.sign_out()?;
    ensure!(desk.visitor.noted.is_empty(), "{:#?}", desk.visitor.noted);
    Ok(())
}

#[test]
fn a_small_reversal_takes_one_and_a_large_one_two_in_chinese() -> Result<()> {
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
