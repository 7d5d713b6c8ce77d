//! A site with gates, a visitor's pass and somebody who may pass there, in a real browser; and the gate that opens for it.

use anyhow::{Context, Result, ensure};
use browser::{Chromium, Look, Scripts, Visitor, pictures, visitor::LANGUAGES};
use card_schema::{
    date::Date,
    ids::{HolderId, TerminalId},
};
use serde_json::{Value, json};
use town::{Place, Town, clock, service::ADMINISTRATOR, wait};

/// Invented, like every name and number here.
const NAME: &str = "测试阿依·Test";
const PIN: &str = "731945";

fn day(days_from_today: i64) -> Result<String> {
    Ok(Date::from_days(clock::today()?.days() + days_from_today).context("a day")?.to_string())
}

/// Whoever does everything at the console.
struct Desk<'browser> {
    browser: &'browser Chromium,
    visitor: Visitor<'browser>,
    url: String,
}

impl Desk<'_> {
    /// Types into fields that may hold something.
    fn fill(&self, fields: &[(&str, &str)]) -> Result<()> {
        for (field, typed) in fields {
            self.browser.clear(&format!("#{field}"))?;
            self.browser.type_into(&format!("#{field}"), typed)?;
        }
        Ok(())
    }

    /// Sends the form of a page that lacks something, and is told so.
    fn missing(&mut self, field: &str, page: &str) -> Result<()> {
        self.browser.follow("main form button.primary")?;
        self.browser.until(&format!(".summary a[href='#{field}']"))?;
        self.visitor.visit(page)
    }

    /// Adds a site and puts the gate there: the address of its page.
    fn site(&mut self, name: &str, gate: TerminalId) -> Result<String> {
        self.browser.follow("a.brand")?;
        self.browser.follow("a.tile[href='/gates']")?;
        self.visitor.visit("gates-list")?;
        self.browser.follow("a[href='/gates/new']")?;
        self.missing("name", "gates-new-wrong")?;
        self.fill(&[("name", name), ("organisation", Place::Gate.organisation())])?;
        self.browser.click("label[for=kind-compound]")?;
        self.browser.follow("main form button")?;
        self.browser.until("#put")?;
        self.visitor.visit("gates-site-new")?;
        self.browser.click(&format!("label[for='put-{gate}']"))?;
        self.browser.follow("#put button")?;
        self.browser.until("#take")?;
        self.visitor.visit("gates-site")?;
        self.browser.address()
    }

    /// Gives out a visitor's pass for a site and prints it: what its square code says.
    fn pass(&mut self, site: &str) -> Result<String> {
        let id = site.rsplit('/').next().context("a site has an id")?;
        self.browser.follow("a.brand")?;
        self.browser.follow("a.tile[href='/passes']")?;
        self.visitor.visit("passes-sites")?;
        self.browser.follow(&format!("a[href='/passes/{id}']"))?;
        self.browser.follow(&format!("a[href='/passes/{id}/new']"))?;
        self.missing("reason-visits", "pass-new-wrong")?;
        self.browser.click("label[for=reason-visits]")?;
        let (from, until) = (day(0)?, day(2)?);
        self.fill(&[("from_day", &from), ("from_time", "0:00"), ("until_day", &until), ("until_time", "18:30")])?;
        self.browser.follow("main form button")?;
        self.browser.until("#withdraw")?;
        self.visitor.visit("pass")?;
        self.browser.follow("main a[href$='/print']")?;
        self.visitor.visit("pass-sheet")?;
        self.browser.look(Look::Print)?;
        let square = self.browser.enlarged("#sheet svg", 4)?;
        self.browser.look(Look::Office)?;
        pictures::scanned(&square)
    }

    /// Lets somebody pass at a site, after mistakes on each page.
    fn grant(&mut self, holder: HolderId, site: &str) -> Result<()> {
        let id = site.rsplit('/').next().context("a site has an id")?;
        self.browser.open(&format!("{}/holders/{holder}", self.url))?;
        self.browser.follow("main a[href$='/gates/new']")?;
        self.browser.follow("main form button.primary")?;
        self.browser.until(".summary a[href^='#site-']")?;
        self.visitor.visit("grant-where-wrong")?;
        self.browser.click(&format!("label[for='site-{id}']"))?;
        self.browser.click("label[for=reason-cares]")?;
        self.browser.follow("main form button.primary")?;
        self.browser.until("#first")?;
        self.missing("last", "grant-when-wrong")?;
        self.fill(&[("last", &day(60)?), ("from_time", "00:00"), ("until_time", "24:00")])?;
        self.browser.follow("main form button.primary")?;
        self.browser.until("#grant")?;
        self.visitor.visit("grant-check")?;
        self.browser.follow("#again button")?;
        ensure!(self.browser.count("#reason-cares:checked")? == 1, "what was answered stays");
        for page in ["#first", "#grant"] {
            self.browser.follow("main form button.primary")?;
            self.browser.until(page)?;
        }
        self.browser.follow("#grant button")?;
        self.browser.until("#record")
    }

    /// Sees where somebody may pass, and ends it.
    fn end(&mut self, holder: HolderId) -> Result<()> {
        self.browser.open(&format!("{}/holders/{holder}/gates", self.url))?;
        self.missing("reason-registration", "granted-why")?;
        self.browser.click("label[for=reason-holder_request]")?;
        self.browser.follow("main form button.primary")?;
        self.browser.until(".granted .tag.ok")?;
        self.visitor.visit("granted")?;
        self.browser.follow(".granted a.button")?;
        self.missing("change-unneeded", "grant-end-wrong")?;
        self.browser.click("label[for=change-holder_asked]")?;
        self.browser.follow("main form button.primary")?;
        self.browser.until("#reason-registration")
    }

    /// The page on which anybody checks a paper says this of it.
    fn check(&mut self, text: &str, tone: &str, page: &str) -> Result<()> {
        self.browser.open(&format!("{}/papers/check", self.url))?;
        self.browser.open(text)?;
        self.browser.follow("#check button")?;
        self.browser.until(&format!("main .tag.{tone}"))?;
        self.visitor.visit(page)
    }
}

/// What the command line says of a pass: its exit code.
fn checked_offline(town: &Town, arguments: &[&str]) -> Result<Option<i32>> {
    let mut command = town.service.command()?;
    Ok(command.args(["paper", "check"]).args(arguments).output()?.status.code())
}

/// Whether the gate lets in whoever has the card that lies there, as soon as it knows.
fn opens(town: &mut Town, expected: bool) -> Result<()> {
    wait::until("the gate knows", || {
        let gate = town.at(Place::Gate);
        gate.local()?.post("/v1/outbox/retry", &Value::Null)?.success()?;
        let reply = gate.tap(&json!({"operation": "gate.check"}))?.0;
        let opened = reply["state"] == "signed" || reply["state"] == "accepted";
        let code = reply["refusal"]["code"].as_str().unwrap_or_default();
        ensure!(opened || ["may-not-pass", "stands-nowhere"].contains(&code), "{reply}");
        Ok((opened == expected).then_some(()))
    })
}

/// What the gate says of a visitor's pass: nothing where it opens, or the code of a no.
fn admits(town: &mut Town, text: &str) -> Result<Option<String>> {
    let reply = town.at(Place::Gate).local()?.post("/v1/passes", &json!({"text": text}))?;
    if reply.status == 204 {
        return Ok(None);
    }
    Ok(Some(reply.body["type"].as_str().context("why not")?.rsplit(':').next().unwrap_or_default().to_owned()))
}

#[test]
fn a_site_gets_its_gate_a_visitor_a_pass_and_somebody_may_pass_until_it_is_ended() -> Result<()> {
    let (mut town, browser) = (Town::open()?, Chromium::start(Scripts::Allowed)?);
    let url = town.service.url().to_owned();
    let mut desk = Desk { browser: &browser, visitor: Visitor::new(&browser, LANGUAGES[0]), url };
    let holder = town.office.register(NAME, "110000199001010013")?;
    let card = town.pcscd.new_card("passer")?;
    town.put(&card, Place::Station)?;
    town.issue(holder, PIN)?;
    town.carry(&card, Place::Station, Place::Gate)?;
    let gate = town.at(Place::Gate).terminal;
    for (language, name) in LANGUAGES.into_iter().zip(["测试小区", "Test Compound"]) {
        desk.visitor.language = language;
        desk.visitor.sign_in(&desk.url, ADMINISTRATOR)?;
        let site = desk.site(name, gate)?;
        opens(&mut town, false).context("nobody has said so yet")?;
        desk.grant(holder, &site)?;
        opens(&mut town, true)?;
        desk.end(holder)?;
        opens(&mut town, false).context("it was ended")?;
        let text = desk.pass(&site)?;
        let pass = browser.address()?.trim_end_matches("/print").to_owned();
        desk.visitor.sign_out()?;
        for (arguments, exit) in [
            (&[&*text][..], 0),
            (&[&format!("{text}A")], 1),
            (&[&*text, "--name", NAME, "--document-number", "T1234567", "--code", "1234 5678 9012 3456"], 2),
        ] {
            assert_eq!(checked_offline(&town, arguments)?, Some(exit), "{arguments:?}");
        }
        desk.check(&text, "ok", "pass-check-good")?;
        wait::until("the gate stands there", || {
            town.at(Place::Gate).local()?.post("/v1/outbox/retry", &Value::Null)?.success()?;
            Ok(admits(&mut town, &text)?.is_none().then_some(()))
        })?;
        assert_eq!(admits(&mut town, &format!("{text}A"))?.as_deref(), Some("no-pass"));
        assert_eq!(browser.count("#document_number")?, 0, "a pass names nobody");
        desk.visitor.sign_in(&desk.url, ADMINISTRATOR)?;
        browser.open(&pass)?;
        browser.follow("#withdraw button")?;
        browser.until("main .tag.no")?;
        desk.visitor.visit("pass-withdrawn")?;
        desk.visitor.sign_out()?;
        desk.check(&text, "no", "pass-check-withdrawn")?;
        wait::until("the gate knows that it was withdrawn", || {
            town.at(Place::Gate).local()?.post("/v1/outbox/retry", &Value::Null)?.success()?;
            Ok(admits(&mut town, &text)?.filter(|code| code == "pass-over"))
        })?;
    }
    assert!(desk.visitor.noted.is_empty(), "{:#?}", desk.visitor.noted);
    Ok(())
}
