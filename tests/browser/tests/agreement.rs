//! Agreement on paper, in a real browser: a newcomer who takes no card signs a form before being registered, withdraws,
//! and agrees again.

use anyhow::Result;
use browser::{
    Chromium, Look, Scripts, Visitor, pictures,
    visitor::{LANGUAGES, agree},
};
use town::Town;

/// Invented, like every name and number here.
const CLERK: (&str, &str) = ("test-clerk", "invented for a clerk of a few minutes");
const NAME: &str = "测试阿依·Test";
const HELPER: &str = "测试代签";

/// A clerk at the console, with the newcomer beside the desk.
struct Desk<'browser> {
    browser: &'browser Chromium,
    visitor: Visitor<'browser>,
    url: String,
    /// Whether each page is looked at in every way, with scripts.
    looks: bool,
}

impl Desk<'_> {
    fn page(&mut self, name: &str) -> Result<()> {
        if self.looks { self.visitor.visit(&format!("agreement-{name}")) } else { Ok(()) }
    }

    fn go_on(&self) -> Result<()> {
        self.browser.follow("main form button.primary")
    }

    /// From the first page to the one on which everything is checked.
    fn type_all(&self, document: &str) -> Result<()> {
        self.browser.open(&self.url)?;
        self.browser.follow("form[action='/registrations'] button")?;
        self.browser.click("label[for=document_kind-passport]")?;
        self.browser.type_into("#document_number", document)?;
        self.go_on()?;
        self.browser.type_into("#name", NAME)?;
        self.browser.type_into("#birth", if document.ends_with('1') { "1990-01-01" } else { "1991-02-02" })?;
        self.go_on()?;
        self.go_on()?;
        self.browser.type_into("#address", &format!("测试路 {document} 号"))?;
        self.browser.click("label[for=home-rented]")?;
        self.go_on()?;
        self.browser.until(".answers")
    }

    /// Sends nothing more, is told what to do, looks at that, and says who has signed.
    fn sign(&mut self, name: &str, signer: &str, by: Option<&str>) -> Result<()> {
        self.go_on()?;
        self.browser.until(".summary[role=alert] a[href='#signer-holder']")?;
        self.page(&format!("{name}-wrong"))?;
        self.browser.click(&format!("label[for=signer-{signer}]"))?;
        if let Some(by) = by {
            self.browser.type_into("#name", by)?;
        }
        self.go_on()
    }

    /// The number of the form that is shown, which fits on a sheet of paper and names the person.
    fn form(&mut self, name: &str, document: &str) -> Result<String> {
        self.browser.until("#number")?;
        self.page(name)?;
        let (number, sheet) = (self.browser.text("#number")?, self.browser.text("#sheet")?);
        for printed in [NAME, document, "我同意", "I agree", CLERK.0] {
            assert!(sheet.contains(printed), "{printed} is not on the form: {sheet}");
        }
        let pdf = String::from_utf8_lossy(&self.browser.paper()?).into_owned();
        assert_eq!(pdf.matches("/MediaBox [").count(), 1, "one sheet");
        self.browser.look(Look::Print)?;
        let file = format!("console-agreement-{name}-{}.png", self.visitor.language);
        pictures::keep(&file, || self.browser.picture())?;
        self.browser.look(Look::Office)?;
        Ok(number)
    }

    fn story(&mut self, document: &str) -> Result<()> {
        let browser = self.browser;
        self.type_all(document)?;
        browser.follow("form[action$='/check'] button")?;
        browser.until(".summary[role=alert] a[href='#agrees-card']")?;
        self.page("check-missing")?;
        agree(browser, "paper")?;
        let number = self.form("form", document)?;
        self.sign("form", "relative", Some(HELPER))?;

        browser.until("#agreement .tag.ok")?;
        let holder = browser.address()?;
        assert!(!browser.text("main")?.contains(HELPER), "who signed is told to whoever says why");
        browser.click("#record label[for=purpose-registration]")?;
        browser.follow("#record form button")?;
        assert!(browser.text("#signer")?.contains(HELPER));
        browser.follow("#agreement a")?;
        self.page("agreed")?;
        assert!(browser.text("main")?.contains(&number));

        browser.follow("main a[href$='/withdraw']")?;
        self.page("withdraw")?;
        self.sign("withdraw", "holder", None)?;
        browser.until("main .tag.no")?;
        self.page("withdrawn")?;

        // The person agrees again: a form is printed, taken home, and found again by its number.
        browser.follow("form[action$='/agreement/form'] button")?;
        let again = self.form("form-again", document)?;
        assert_ne!(again, number);
        browser.open(&format!("{}/find/number", self.url))?;
        browser.type_into("#number", &again)?;
        self.go_on()?;
        browser.until("#form")?;
        assert_eq!(browser.attribute("#form", "value")?, again);
        self.page("signed")?;
        self.sign("signed", "holder", None)?;
        browser.until("main .tag.ok")?;
        browser.open(&holder)?;
        browser.until("#agreement .tag.ok")?;
        Ok(())
    }
}

fn story(scripts: Scripts, documents: [&str; 2]) -> Result<()> {
    let (town, browser) = (Town::open()?, Chromium::start(scripts)?);
    town.office.add_staff(&town.service.root(), CLERK, "clerk")?;
    let (url, looks) = (town.service.url().to_owned(), scripts == Scripts::Allowed);
    let mut desk = Desk { browser: &browser, visitor: Visitor::new(&browser, LANGUAGES[0]), url, looks };
    for (language, document) in LANGUAGES.into_iter().zip(documents) {
        desk.visitor.language = language;
        desk.visitor.sign_in(&desk.url, CLERK)?;
        desk.story(document)?;
        desk.visitor.sign_out()?;
    }
    assert!(desk.visitor.noted.is_empty(), "{:#?}", desk.visitor.noted);
    Ok(())
}

#[test]
fn a_newcomer_agrees_on_paper_withdraws_and_agrees_again_in_both_languages() -> Result<()> {
    story(Scripts::Allowed, ["TST0000001", "TST0000002"])
}

#[test]
fn the_same_goes_without_scripts() -> Result<()> {
    story(Scripts::Off, ["TST0000011", "TST0000012"])
}
