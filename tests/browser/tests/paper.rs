//! Papers for people's hands, in a real browser: issued, printed, read by another program's reader of square codes, and checked.

use anyhow::{Context, Result, bail, ensure};
use browser::{Chromium, Look, Scripts, Visitor, pictures, visitor::LANGUAGES};
use card_schema::{
    envelope::{
        PublicKey,
        paper::{PaperKind, Printed},
    },
    paper::{self, Named},
};
use serde_json::Value;
use town::{Place, Town, process, wait};

/// Invented, like every name and number here.
const CLERK: (&str, &str) = ("test-clerk", "invented for a clerk of a few minutes");
const NAME: &str = "测试阿依·Test";
const PIN: &str = "731945";
/// Points to a millimetre: PDF counts 72 to an inch.
const POINTS: f64 = 72.0 / 25.4;

/// A clerk at the console, and whoever else looks at papers.
struct Desk<'browser> {
    browser: &'browser Chromium,
    visitor: Visitor<'browser>,
    url: String,
    /// Whether each page is looked at in every way, with scripts.
    looks: bool,
}

impl Desk<'_> {
    fn page(&mut self, name: &str) -> Result<()> {
        if self.looks { self.visitor.visit(&format!("paper-{name}")) } else { Ok(()) }
    }

    /// Asks for nothing, is told so, and chooses.
    fn choose(&mut self, form: &str, name: &str, choice: &str) -> Result<()> {
        self.browser.follow(&format!("{form} button"))?;
        self.browser.until(".summary[role=alert]")?;
        self.page(&format!("{name}-missing"))?;
        self.browser.click(&format!("main label[for={choice}]"))?;
        self.browser.follow(&format!("{form} button"))
    }

    /// Issues a paper from the list of them, and opens it to be printed.
    fn issue(&mut self, kind: &str) -> Result<()> {
        self.page(&format!("before-{kind}"))?;
        self.browser.follow("main a[href$='/papers/new']")?;
        self.choose("main form", &format!("new-{kind}"), &format!("kind-{kind}"))?;
        self.browser.until("#withdraw")?;
        self.choose("#open", kind, "purpose-holder_request")?;
        self.browser.until("#sheet svg")?;
        self.page(&format!("sheet-{kind}"))
    }

    /// What a reader of square codes reads from the printed page, and the check code beside it.
    fn scan(&self, name: &str) -> Result<(String, String)> {
        let code = self.browser.text("#code")?;
        self.browser.look(Look::Print)?;
        pictures::keep(&format!("{name}-{}-paper.png", self.visitor.language), || self.browser.picture())?;
        // As a scanner of 400 dots an inch sees it.
        let square = self.browser.enlarged("#sheet svg", 4)?;
        self.browser.look(Look::Office)?;
        pictures::keep(&format!("{name}-{}-square.png", self.visitor.language), || Ok(square.clone()))?;
        Ok((pictures::scanned(&square)?, code))
    }

    /// Opens the page of checks as somebody does who scanned a paper, in a browser that knows nobody.
    fn check(&mut self, text: &str) -> Result<()> {
        self.browser.open(&format!("{}/papers/check", self.url))?;
        if self.looks {
            self.browser.open(text)?;
            wait::until("the text is taken from the address", || {
                Ok((!self.browser.address()?.contains('#')).then_some(()))
            })?;
        } else {
            self.browser.type_into("#text", text)?;
        }
        self.browser.follow("#check button")
    }

    fn compare(&self, name: &str, document: &str, code: &str) -> Result<()> {
        for (field, text) in [("#name", name), ("#document_number", document), ("#code", code)] {
            self.browser.clear(field)?;
            self.browser.type_into(field, text)?;
        }
        self.browser.follow("#compare button")
    }
}

/// The width and height of each page of a PDF, in millimetres.
fn pages_of(pdf: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(pdf);
    let sizes = text.split("/MediaBox [").skip(1).filter_map(|after| {
        let mut numbers = after.split(']').next()?.split_whitespace().skip(2);
        let mut next = || Some(numbers.next()?.parse::<f64>().ok()? / POINTS);
        Some(format!("{:.0} by {:.0}", next()?, next()?))
    });
    sizes.collect()
}

/// The key of papers, as the service tells everybody.
fn public_key(town: &Town) -> Result<(String, PublicKey)> {
    let printed = process::run(town.service.command()?.args(["paper", "key", "--format", "json"]))?;
    let printed: Value = serde_json::from_slice(&printed.stdout)?;
    let told = town.office.api().get("/v1/papers/key")?.success()?;
    ensure!(told == printed, "the API and the command line tell the same key");
    let pem = told["public_key"].as_str().context("a key")?;
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let der = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, body)?;
    Ok((pem.to_owned(), PublicKey::from_spki(&der)?))
}

/// What the command line says of a paper, with a public key in a file and nothing else: its exit code.
fn checked_offline(town: &Town, pem: &str, text: &str, on_paper: [&str; 3]) -> Result<Option<i32>> {
    let folder = tempfile::tempdir()?;
    let (key, [name, document, code]) = (folder.path().join("paper.pem"), on_paper);
    std::fs::write(&key, pem)?;
    let mut command = town.service.command()?;
    command.args(["paper", "check", text, "--name", name, "--document-number", document, "--code", code, "--key"]);
    Ok(command.arg(&key).output()?.status.code())
}

/// A person with a residence permit that is in force.
fn with_permit(town: &Town, name: &str, document: &str) -> Result<String> {
    let holder = town.office.register(name, document)?;
    for act in ["act=apply&proof=lease", "act=grant", "act=issue"] {
        let done = town.office.api().visit(&format!("/holders/{holder}/permit"), Some(act))?;
        ensure!(done.status == 303, "{act} was answered with {}", done.status);
    }
    Ok(holder.to_string())
}

fn story(scripts: Scripts, documents: [&str; 2]) -> Result<()> {
    let (town, browser) = (Town::open()?, Chromium::start(scripts)?);
    town.office.add_staff(&town.service.root(), CLERK, "clerk")?;
    let (url, (pem, key)) = (town.service.url().to_owned(), public_key(&town)?);
    let looks = scripts == Scripts::Allowed;
    let mut desk = Desk { browser: &browser, visitor: Visitor::new(&browser, LANGUAGES[0]), url, looks };
    for (language, document) in LANGUAGES.into_iter().zip(documents) {
        desk.visitor.language = language;
        let holder = with_permit(&town, NAME, document)?;
        desk.visitor.sign_in(&desk.url, CLERK)?;
        browser.open(&format!("{}/holders/{holder}", desk.url))?;
        browser.follow("main a[href$='/papers']")?;
        let papers = browser.address()?;
        let mut certificate = None;
        for kind in PaperKind::ALL {
            desk.issue(kind.name())?;
            assert_eq!(pages_of(&browser.paper()?), ["210 by 297"], "one sheet of A4");
            let shown = browser.text("#sheet")?;
            assert!(shown.contains(NAME) && shown.contains(document) && shown.contains("测试路 1 号"), "{shown}");
            let (text, code) = desk.scan(kind.name())?;
            assert!(text.starts_with(&format!("{}/papers/check#", desk.url)), "{text}");
            // What a landlord's program does.
            let Printed::Paper(paper) = paper::read(&text, &key)? else { bail!("no paper of a holder's") };
            assert_eq!(paper.kind, kind);
            let code_on_paper = code.parse()?;
            let named = Named { name: NAME, document_number: document, code: &code_on_paper };
            assert!(named.is_on(&paper) && !Named { name: "测试他人", ..named }.is_on(&paper));
            certificate.get_or_insert((text, code));
            browser.open(&papers)?;
        }
        assert_eq!(browser.count("#papers li .tag.ok")?, 2);
        browser.follow("main a[href$='/slip']")?;
        desk.page("slip")?;
        assert_eq!(pages_of(&browser.paper()?), ["80 by 140"], "one slip");
        let slip = browser.text("#slip")?;
        for personal in [NAME, "Test", document, "测试路"] {
            assert!(!slip.contains(personal), "a slip may be lost: {slip}");
        }
        desk.visitor.sign_out()?;

        let (text, code) = certificate.context("a certificate was issued")?;
        for (text, name, code, exit) in [
            (text.clone(), NAME, &*code, 0),
            (text.clone(), "测试他人", &code, 1),
            (format!("{text}A"), NAME, &code, 1),
            (text.clone(), NAME, "12", 2),
        ] {
            assert_eq!(checked_offline(&town, &pem, &text, [name, document, code])?, Some(exit), "{name} {code}");
        }
        checked_by_a_stranger(&mut desk, &text, &code, document)?;
        desk.visitor.sign_in(&desk.url, CLERK)?;
        browser.open(&papers)?;
        browser.follow("#papers li:last-child a")?;
        desk.choose("#withdraw", "withdraw", "change-lost")?;
        browser.until("main .tag.no")?;
        desk.page("withdrawn")?;
        desk.visitor.sign_out()?;
        desk.check(&text)?;
        browser.until("main .tag.no")?;
        desk.page("check-withdrawn")?;
    }
    assert!(desk.visitor.noted.is_empty(), "{:#?}", desk.visitor.noted);
    Ok(())
}

/// Somebody who has the paper and no account checks it.
fn checked_by_a_stranger(desk: &mut Desk<'_>, text: &str, code: &str, document: &str) -> Result<()> {
    let browser = desk.browser;
    browser.open(&format!("{}/papers/check", desk.url))?;
    desk.page("check")?;
    browser.follow("#check button")?;
    browser.until(".summary a[href='#text']")?;
    desk.page("check-missing")?;
    desk.check(&format!("{text}A"))?;
    browser.until("main .tag.no")?;
    desk.page("check-not-ours")?;
    desk.check(text)?;
    browser.until("main .tag.ok")?;
    desk.page("check-genuine")?;
    assert!(!browser.text("main")?.contains(NAME), "a square code names nobody");
    desk.compare(NAME, document, "12")?;
    browser.until(".summary a[href='#code']")?;
    desk.page("check-wrong")?;
    desk.compare("测试他人", document, code)?;
    browser.until("#named .tag.no")?;
    desk.page("check-other")?;
    desk.compare(NAME, document, code)?;
    browser.until("#named .tag.ok")?;
    desk.page("check-same")?;
    assert_eq!(browser.address()?, format!("{}/papers/check/answer", desk.url), "what is typed is in no address");
    Ok(())
}

#[test]
fn papers_are_issued_printed_and_checked_in_both_languages() -> Result<()> {
    story(Scripts::Allowed, ["110000199001010013", "110000199001010136"])
}

#[test]
fn the_same_goes_without_scripts() -> Result<()> {
    story(Scripts::Off, ["110000199001010013", "110000199001010136"])
}

#[test]
fn a_card_that_was_issued_and_a_pin_that_was_chosen_have_their_slips() -> Result<()> {
    let (mut town, browser) = (Town::open()?, Chromium::start(Scripts::Off)?);
    town.office.add_staff(&town.service.root(), CLERK, "clerk")?;
    let document = "110000199001010013";
    let holder = town.office.register(NAME, document)?;
    let card = town.pcscd.new_card("newcomer")?;
    town.put(&card, Place::Station)?;
    let url = town.service.url().to_owned();
    let visitor = Visitor::new(&browser, LANGUAGES[1]);
    visitor.sign_in(&url, CLERK)?;
    browser.open(&format!("{url}/holders/{holder}"))?;
    browser.follow("#issue button")?;
    for refresh in ["issuances", "unblocks"] {
        if refresh == "unblocks" {
            browser.open(&format!("{url}/holders/{holder}"))?;
            browser.follow(".card-line .card-link")?;
            browser.follow("main a[href$='/unblock']")?;
            browser.click("label[for=document_kind-resident_identity_card]")?;
            browser.type_into("#document_number", document)?;
            browser.follow("#unblock button")?;
        }
        let station = town.at(Place::Station);
        wait::until("it is done", || {
            station.answer_prompts(PIN)?;
            let job = format!("main .button[href^='/{refresh}/']");
            if browser.count(&format!("{job}[href$='/slip']"))? == 1 {
                return Ok(Some(()));
            }
            browser.follow(&job)?;
            Ok(None)
        })?;
        browser.follow("main a[href$='/slip']")?;
        let slip = browser.text("#slip")?;
        assert!(!slip.contains(NAME) && !slip.contains(document), "{slip}");
        pictures::keep(&format!("slip-{refresh}.png"), || browser.picture())?;
        assert_eq!(pages_of(&browser.paper()?), ["80 by 140"]);
    }
    Ok(())
}
