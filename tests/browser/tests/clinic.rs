//! A clinic's desk in a real browser: somebody who is insured checks in, a bill is written with an error and without, settled with the card,
//! printed and taken back.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use browser::{
    Chromium, Scripts, Visitor,
    insured::insure,
    terminal_page::{enter_desk, enter_riders, type_digits},
    visitor::{LANGUAGES, speak},
};
use town::{Place, Town, daemon::Daemon, service::ADMINISTRATOR};

/// Invented, like every name and number here.
const PATIENT: (&str, &str) = ("测试病人", "110000199001010013");
const PIN: &str = "731945";
const DISEASE: &str = "made-up appendicitis 虚构阑尾炎";

/// See the module.
struct Desk<'browser> {
    town: Town,
    daemon: Daemon,
    clerk: &'browser Chromium,
    card: PathBuf,
}

impl<'browser> Desk<'browser> {
    /// A clinic of the lowest level, and somebody who is insured and has 500 yuan on the card.
    fn open(clerk: &'browser Chromium, holder: &Chromium) -> Result<Self> {
        let mut town = Town::open_with(1)?;
        let card = town.holder_with_money(PATIENT.0, PATIENT.1, PIN, 50_000)?;
        let (daemon, visitor) = (town.clinic()?, Visitor::new(clerk, LANGUAGES[0]));
        insure(&town, clerk, &visitor, PATIENT)?;
        let url = town.service.url().to_owned();
        visitor.sign_in(&url, ADMINISTRATOR)?;
        clerk.open(&format!("{url}/clinics"))?;
        clerk.follow("main table a")?;
        clerk.click("label[for=level-community]")?;
        clerk.follow("#level button")?;
        visitor.sign_out()?;
        enter_desk(&daemon, clerk)?;
        enter_riders(&daemon, holder)?;
        Ok(Self { town, daemon, clerk, card })
    }

    /// The holder types the PIN, if one is due, and holds the card to the reader.
    fn signs(&self, pin: Option<&str>) -> Result<()> {
        if let Some(pin) = pin {
            self.clerk.until("#pin")?;
            type_digits(self.clerk, "#pin", pin, false)?;
            self.clerk.follow("main form button.primary")?;
        }
        self.holds(&self.card, "main .result")
    }

    /// A card comes, and goes when the page shows how it ended.
    fn holds(&self, card: &Path, ends: &str) -> Result<()> {
        let reader = Place::ALL.len();
        self.town.pcscd.insert(reader, card)?;
        self.clerk.until(ends)?;
        Ok(self.town.pcscd.cards().remove(reader)?)
    }

    fn go_on(&self) -> Result<()> {
        self.clerk.follow("form[action$='/put-away'] button")
    }

    /// Types a line of the bill.
    fn types(&self, row: usize, [item, quantity, price]: [&str; 3]) -> Result<()> {
        for (name, text) in [("item", item), ("quantity", quantity), ("price", price)] {
            let field = format!(".rows tbody tr:nth-child({row}) input[name={name}]");
            self.clerk.clear(&field)?;
            self.clerk.type_into(&field, text)?;
        }
        Ok(())
    }

    fn says(&self, said: &[&str]) -> Result<()> {
        let page = self.clerk.text("main")?;
        for text in said {
            ensure!(page.contains(text), "{text}: {page}");
        }
        Ok(())
    }
}

/// What the bureau sees of it: the month, its bills, and one that is opened for a reason.
fn at_the_bureau(desk: &Desk<'_>, browser: &Chromium) -> Result<()> {
    let (url, mut visitor) = (desk.town.service.url().to_owned(), Visitor::new(browser, LANGUAGES[0]));
    for language in LANGUAGES {
        visitor.language = language;
        visitor.sign_in(&url, ADMINISTRATOR)?;
        browser.open(&format!("{url}/clinics"))?;
        visitor.visit("clinic-levels")?;
        browser.follow("main table a")?;
        visitor.visit("clinic-level")?;
        // The month before first, then this one.
        browser.follow("main p:nth-of-type(3) a.button")?;
        let month = browser.address()?;
        visitor.visit("clinic-month")?;
        browser.open(&format!("{month}/list"))?;
        visitor.visit("clinic-list")?;
        browser.open(&format!("{month}/bills"))?;
        ensure!(!browser.text("main")?.contains(PATIENT.0), "nobody is named");
        visitor.visit("clinic-bills")?;
        browser.follow("main table tbody tr:first-child a")?;
        visitor.visit("clinic-claim-ask")?;
        browser.click("label[for=reason-complaint]")?;
        browser.follow("main form button.primary")?;
        let shown = browser.text("main")?;
        ensure!(shown.contains(DISEASE) && shown.contains("S2018") && !shown.contains(PATIENT.0), "{shown}");
        visitor.visit("clinic-claim")?;
        visitor.sign_out()?;
    }
    ensure!(visitor.noted.is_empty(), "{:#?}", visitor.noted);
    Ok(())
}

/// Whether a text stands in any file of a daemon.
fn is_written_down(daemon: &Daemon, text: &str) -> Result<bool> {
    for entry in fs::read_dir(daemon.outbox().parent().context("a folder")?)? {
        let path = entry?.path();
        if path.is_file() && fs::read(&path)?.windows(text.len()).any(|part| part == text.as_bytes()) {
            return Ok(true);
        }
    }
    Ok(false)
}

#[test]
fn somebody_checks_in_at_a_clinic_and_leaves_with_a_receipt_in_both_languages() -> Result<()> {
    let (clerk, holder) = (Chromium::start(Scripts::Allowed)?, Chromium::start(Scripts::Allowed)?);
    let desk = Desk::open(&clerk, &holder)?;
    let mut at_desk = Visitor::at_terminal(&clerk, LANGUAGES[0]);
    let said = [
        (LANGUAGES[0], ["可以报销", "第 2 行：数量须大于零", "NO-1", "由基金支付 90%"]),
        (
            LANGUAGES[1],
            ["Covered, until", "Line 2: a quantity is above zero", "the catalogue has no NO-1", "the fund pays 90%"],
        ),
    ];
    // Of 2,000 yuan the fund pays 90% of what lies above the deductible of 1,800; nothing is in the own account yet but 2% of 8,000.
    let (fund, rest) = ("180.00", "1660.00");
    for (language, [covered, quantity, unknown, band]) in said {
        at_desk.language = language;
        speak(&clerk, language)?;
        at_desk.visit("clinic-check-in")?;
        clerk.follow("main form button.primary")?;
        desk.signs(Some(PIN))?;
        // One tap says it on one screen.
        clerk.until("dl.facts")?;
        desk.says(&[covered, "1800.00", "160.00"])?;
        at_desk.visit("clinic-covered")?;
        desk.go_on()?;
        desk.says(&[covered])?;

        clerk.type_into("#diagnosis", DISEASE)?;
        desk.types(1, ["S2018", "1", "2000"])?;
        desk.types(2, ["S2019", "-1", "3"])?;
        clerk.follow("#bill button.primary")?;
        desk.says(&[quantity])?;
        desk.types(2, ["NO-1", "1", "3"])?;
        clerk.follow("#bill button.primary")?;
        desk.says(&[unknown])?;
        ensure!(clerk.attribute("#diagnosis", "value")? == DISEASE, "what was typed stays");
        at_desk.visit("clinic-bill-wrong")?;
        desk.types(2, ["", "", ""])?;
        clerk.follow("#bill button.primary")?;
        clerk.until("#reckoned")?;
        desk.says(&[band, fund, rest])?;
        at_desk.visit("clinic-bill")?;

        // More than the purse holds moves nothing; then a part of it is paid in cash.
        for (purse, ends) in [(rest, ".result.no"), ("200", ".result.ok")] {
            clerk.clear("#purse")?;
            clerk.type_into("#purse", purse)?;
            clerk.follow("#reckoned form[action$='/settlement'] button.primary")?;
            clerk.until("#pin")?;
            holder.until("dl.facts")?;
            ensure!(holder.text("dl.facts")?.contains(fund), "the holder sees who pays what before typing the PIN");
            ensure!(!holder.text("main")?.contains(DISEASE), "and not why, on a screen to the street");
            desk.signs(Some(PIN))?;
            clerk.until(ends)?;
            desk.go_on()?;
        }
        desk.says(&[fund, "200.00"])?;
        clerk.follow("#reckoned a[href$='/receipt']")?;
        desk.says(&[band, "S2018", "200.00", "1460.00"])?;
        at_desk.visit("clinic-receipt")?;
        clerk.follow("a.button[href*='/visits/']")?;
        clerk.follow("#reckoned form[action$='/reversal'] button")?;
        desk.signs(None)?;
        clerk.until(".result.ok")?;
        desk.go_on()?;
        at_desk.visit("clinic-taken-back")?;
        clerk.follow("a[href='/counter/clinic/visits']")?;
        at_desk.visit("clinic-visits")?;
        clerk.follow("a[href='/counter/clinic']")?;
    }
    ensure!(!is_written_down(&desk.daemon, "S2018")? && !is_written_down(&desk.daemon, "appendicitis")?);
    ensure!(is_written_down(&desk.daemon, "SQLite format 3")?, "and what is written down was looked at");
    at_the_bureau(&desk, &clerk)?;
    ensure!(at_desk.noted.is_empty(), "{:#?}", at_desk.noted);
    Ok(())
}
