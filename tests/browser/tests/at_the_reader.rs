//! What goes wrong at the reader while a clerk looks at the console: the wrong card, a card that is taken off too early, a
//! reader that is unplugged. Each time the page says what happened and what to do next, and the clerk goes on to the end.

use std::path::{Path, PathBuf};

use anyhow::Result;
use browser::{Chromium, Scripts, Visitor, visitor::LANGUAGES};
use serde_json::json;
use town::{Place, Town, wait};
use virtual_card::CardKind;

/// Invented, like every name and number here.
const CLERK: (&str, &str) = ("test-clerk", "invented for a clerk of a few minutes");
const PIN: &str = "731945";
const ANOTHER_PIN: &str = "246802";
const DOCUMENTS: [&str; 2] = ["110000199001010013", "110000199001010136"];

/// What the page says, in each of the languages.
type Said = [&'static str; 2];
const HOLDERS_CARD: Said = ["这张卡已经有持卡人了", "This card is somebody's already"];
const FOREIGN_CARD: Said = ["这是另一种卡", "This card is of another kind"];
const OTHER_CARD: Said = ["放入的是另一张卡", "Another card was put in"];
const CARD_BACK: Said = ["放回去", "back: it goes on where it stopped"];
const NO_READER: Said = ["读卡器没有连接", "The reader is not connected"];
const NEW_PIN: Said = ["密码", "choose a PIN"];
const CONSENT: Said = ["阅读并确认同意", "read and agree"];

/// A clerk at the console, with a reader on the desk.
struct Desk<'browser> {
    town: Town,
    browser: &'browser Chromium,
    visitor: Visitor<'browser>,
    /// A card that somebody else has, and one of another make.
    others: PathBuf,
    foreign: PathBuf,
}

impl<'browser> Desk<'browser> {
    fn open(browser: &'browser Chromium) -> Result<Self> {
        let mut town = Town::open()?;
        town.office.add_staff(&town.service.root(), CLERK, "clerk")?;
        let others = town.pcscd.new_card("somebody-elses")?;
        let foreign = town.pcscd.folder().join("foreign");
        town.pcscd.cards().create_kind(&foreign, CardKind::Foreign)?;
        town.put(&others, Place::Station)?;
        let holder = town.office.register("测试他人", "110000199001010419")?;
        town.issue(holder, PIN)?;
        Ok(Self { town, browser, visitor: Visitor::new(browser, LANGUAGES[0]), others, foreign })
    }

    fn url(&self) -> String {
        self.town.service.url().to_owned()
    }

    /// Whether the page says this in the clerk's language.
    fn says(&self, said: Said) -> Result<bool> {
        let at = LANGUAGES.iter().position(|language| *language == self.visitor.language).expect("one of the two");
        Ok(self.browser.text("#progress")?.contains(said[at]))
    }

    /// Waits until the page says this.
    fn reads(&self, said: Said) -> Result<()> {
        wait::until(said[1], || Ok(self.says(said)?.then_some(())))
    }

    /// Waits until the page says this, and looks at it in every way.
    fn sees(&mut self, said: Said, name: &str) -> Result<()> {
        self.reads(said)?;
        self.visitor.visit(&format!("reader-{name}"))
    }

    /// Another card instead of the one on the reader.
    fn swap(&mut self, card: &Path) -> Result<()> {
        self.town.take(Place::Station)?;
        self.town.put(card, Place::Station)
    }

    fn go_on(&self) -> Result<()> {
        self.browser.follow("#progress form[action$='/resume'] button")
    }

    /// Answers what is asked at the reader until nothing of this kind is asked any more.
    fn answer(&mut self, pin: &str, kinds: &[&str]) -> Result<()> {
        let desk = self.town.at(Place::Station).local()?;
        for prompt in desk.get("/v1/prompts?wait_s=0")?.success()?.as_array().into_iter().flatten() {
            if kinds.iter().any(|kind| prompt["kind"] == *kind) {
                let id = prompt["id"].as_str().unwrap_or_default();
                desk.post(&format!("/v1/prompts/{id}"), &json!({"pin": pin, "confirm": true}))?;
            }
        }
        Ok(())
    }

    /// The reader is unplugged, and the page says so; plugged in again, with its card, the job goes on.
    fn unplug(&mut self, name: &str) -> Result<()> {
        self.town.pcscd.cards().stop_pcscd()?;
        self.sees(NO_READER, name)?;
        Ok(self.town.pcscd.cards().start_pcscd()?)
    }

    /// Answers everything until the page says that it is done.
    fn finish(&mut self, pin: &str) -> Result<()> {
        wait::until("it is done", || {
            self.answer(pin, &["new_pin", "pin", "consent"])?;
            Ok((self.browser.count("main .tag.ok")? == 1).then_some(()))
        })
    }
}

#[test]
fn whatever_happens_at_the_reader_a_card_is_issued_in_the_end_in_both_languages() -> Result<()> {
    let browser = Chromium::start(Scripts::Allowed)?;
    let mut desk = Desk::open(&browser)?;
    for (language, document) in LANGUAGES.into_iter().zip(DOCUMENTS) {
        desk.visitor.language = language;
        let holder = desk.town.office.register("测试阿依·Test", document)?;
        let blank = desk.town.pcscd.new_card(language)?;
        let others = desk.others.clone();
        let foreign = desk.foreign.clone();
        desk.visitor.sign_in(&desk.url(), CLERK)?;
        browser.open(&format!("{}/holders/{holder}", desk.url()))?;
        browser.follow("#issue button")?;
        // The card of whoever was here before still lies there.
        desk.sees(HOLDERS_CARD, "issue-holders-card")?;
        desk.swap(&foreign)?;
        desk.go_on()?;
        desk.sees(FOREIGN_CARD, "issue-foreign-card")?;
        desk.swap(&blank)?;
        desk.go_on()?;
        desk.reads(NEW_PIN)?;
        desk.town.take(Place::Station)?;
        desk.sees(CARD_BACK, "issue-card-back")?;
        desk.town.put(&others, Place::Station)?;
        desk.sees(OTHER_CARD, "issue-other-card")?;
        desk.swap(&blank)?;
        desk.go_on()?;
        desk.reads(NEW_PIN)?;
        desk.unplug("issue-no-reader")?;
        wait::until("the holder is asked to agree", || {
            desk.answer(PIN, &["new_pin", "pin"])?;
            Ok(desk.says(CONSENT)?.then_some(()))
        })?;
        desk.town.take(Place::Station)?;
        desk.reads(CARD_BACK)?;
        desk.town.put(&blank, Place::Station)?;
        desk.finish(PIN)?;
        browser.follow("main a.button.primary")?;
        assert_eq!(browser.count(".card-line .tag.ok")?, 1, "the holder has a card that is in use");
        desk.swap(&others)?;
        desk.visitor.sign_out()?;
    }
    assert!(desk.visitor.noted.is_empty(), "{:#?}", desk.visitor.noted);
    Ok(())
}

#[test]
fn whatever_happens_at_the_reader_a_pin_is_chosen_in_the_end_in_both_languages() -> Result<()> {
    let browser = Chromium::start(Scripts::Allowed)?;
    let mut desk = Desk::open(&browser)?;
    for (language, document) in LANGUAGES.into_iter().zip(DOCUMENTS) {
        desk.visitor.language = language;
        let holder = desk.town.office.register("测试阿依·Test", document)?;
        let own = desk.town.pcscd.new_card(language)?;
        let others = desk.others.clone();
        let foreign = desk.foreign.clone();
        desk.swap(&own)?;
        let card = desk.town.issue(holder, PIN)?;
        desk.swap(&others)?;
        desk.visitor.sign_in(&desk.url(), CLERK)?;
        browser.open(&format!("{}/holders/{holder}/cards/{}/unblock", desk.url(), card.id))?;
        browser.click("label[for=document_kind-resident_identity_card]")?;
        browser.type_into("#document_number", document)?;
        browser.follow("#unblock button")?;
        desk.sees(OTHER_CARD, "unblock-other-card")?;
        desk.swap(&foreign)?;
        desk.go_on()?;
        desk.sees(FOREIGN_CARD, "unblock-foreign-card")?;
        desk.swap(&own)?;
        desk.go_on()?;
        desk.reads(NEW_PIN)?;
        desk.town.take(Place::Station)?;
        desk.sees(CARD_BACK, "unblock-card-back")?;
        desk.town.put(&own, Place::Station)?;
        desk.reads(NEW_PIN)?;
        desk.unplug("unblock-no-reader")?;
        desk.finish(ANOTHER_PIN)?;
        let top_up = json!({"operation": "purse.top_up", "amount_fen": 1, "pin": ANOTHER_PIN});
        let opened = desk.town.at(Place::Station).local()?.post("/v1/taps", &top_up)?;
        assert!(opened.status < 300, "the PIN that was chosen opens the card: {}", opened.body);
        desk.swap(&others)?;
        desk.visitor.sign_out()?;
    }
    assert!(desk.visitor.noted.is_empty(), "{:#?}", desk.visitor.noted);
    Ok(())
}
