//! An employer enrols a worker, declares with errors and without, and corrects; what it pays arrives; and the worker's months say so. A
//! worker finds that a month is missing and says so, and the bureau answers. All in a real browser.

use anyhow::{Result, ensure};
use browser::{
    Chromium, Scripts, Visitor,
    insured::{FACTORY, FILER, arrives, declare, enrol, takes_part},
    terminal_page::{enter, enter_counter, type_digits},
    visitor::{LANGUAGES, speak},
};
use card_schema::ids::HolderId;
use town::{Place, Town, clock, office::Office, service::ADMINISTRATOR};

/// Invented, like every name and number here.
const OFFICER: (&str, &str) = ("test-officer", "invented for an officer of a few minutes");
const PIN: &str = "864209";
const WORKERS: [(&str, &str); 2] = [("测试工人甲", "110000199001010013"), ("测试工人乙", "110000199001010136")];

#[test]
fn an_employer_declares_with_an_error_and_its_correction_and_the_workers_months_say_so() -> Result<()> {
    let (town, browser) = (Town::open()?, Chromium::start(Scripts::Allowed)?);
    town.office.add_organisation(FACTORY, "employer")?;
    town.office.add_staff(&town.service.root(), FILER, "filer")?;
    let (url, folder) = (town.service.url().to_owned(), tempfile::tempdir()?);
    let file = folder.path().join("sheet.csv");
    let mut visitor = Visitor::new(&browser, LANGUAGES[0]);
    visitor.sign_in(&url, ADMINISTRATOR)?;
    takes_part(&browser, &url)?;
    visitor.sign_out()?;
    for (language, (name, number)) in LANGUAGES.into_iter().zip(WORKERS) {
        visitor.language = language;
        let holder = format!("{url}/holders/{}", town.office.register(name, number)?);
        visitor.sign_in(&url, FILER)?;
        visitor.visit("insurance-filer-home")?;
        browser.follow("a.tile[href='/filings']")?;
        browser.type_into("#number", "110000199001010021")?;
        browser.type_into("#name", name)?;
        browser.click("label[for=household-other_rural]")?;
        browser.follow("#enrol button")?;
        browser.until(".summary a[href='#number']")?;
        visitor.visit("insurance-enrol-wrong")?;
        browser.clear("#number")?;
        browser.type_into("#number", number)?;
        browser.follow("#enrol button")?;
        assert_eq!(browser.count(".summary")?, 0, "{}", browser.text("main")?);

        browser.follow("a[href='/filings/new']")?;
        visitor.visit("insurance-declare")?;
        let row = format!("{number},{name},8000,");
        declare(&browser, &file, ("2", "8000"), &row)?;
        browser.until(".summary a[href='#workers']")?;
        declare(&browser, &file, ("2", "8001"), &format!("{row}\r\n110000199001010021,{name},1,"))?;
        browser.until(".summary a[href='#sheet']")?;
        assert_eq!(browser.count("dl.facts > div")?, 1, "one row is wrong");
        visitor.visit("insurance-declare-rows")?;
        declare(&browser, &file, ("1", "8000"), &row)?;
        visitor.visit("insurance-filings")?;
        browser.follow("a[href='/filings/new']")?;
        browser.click("label[for=kind-correction]")?;
        declare(&browser, &file, ("1", "9000"), &format!("{number},{name},9000,"))?;
        visitor.sign_out()?;

        // It pays more than both come to.
        visitor.sign_in(&url, ADMINISTRATOR)?;
        browser.open(&format!("{url}/receipts/new"))?;
        visitor.visit("insurance-receipts")?;
        arrives(&browser, &url, &file, (&format!("TEST-{language}"), 4))?;
        visitor.visit("insurance-employer")?;
        browser.open(&holder)?;
        browser.follow("a[href$='/insurance']")?;
        browser.click("label[for=reason-holder_request]")?;
        browser.follow("main form button.primary")?;
        browser.until("main .tag.ok")?;
        let said = browser.text("main")?;
        // 8% and 2% of 9,000 yuan are the worker's own.
        assert!(said.contains("720.00") && said.contains("180.00"), "{said}");
        visitor.visit("insurance-months")?;
        visitor.sign_out()?;
    }
    assert!(visitor.noted.is_empty(), "{:#?}", visitor.noted);
    Ok(())
}

/// A town that was founded so long ago that a month of somebody's is over by now, which their employer has not declared.
fn with_a_gap(browser: &Chromium) -> Result<(Town, HolderId)> {
    // Two months together have at most 62 days.
    const DAYS: i32 = 62;
    clock::set_days_ahead(-DAYS);
    let mut town = Town::open()?;
    town.office.add_organisation(FACTORY, "employer")?;
    town.office.add_staff(&town.service.root(), FILER, "filer")?;
    let (name, number) = WORKERS[0];
    let holder = town.office.register(name, number)?;
    let (url, visitor) = (town.service.url().to_owned(), Visitor::new(browser, LANGUAGES[0]));
    visitor.sign_in(&url, ADMINISTRATOR)?;
    takes_part(browser, &url)?;
    visitor.sign_out()?;
    visitor.sign_in(&url, FILER)?;
    browser.follow("a.tile[href='/filings']")?;
    enrol(browser, (name, number))?;
    visitor.sign_out()?;

    town.service.process().stop()?;
    clock::set_days_ahead(0);
    town.service.start()?;
    town.at(Place::Station).set_clock_ahead(0)?;
    town.office = Office::sign_in(&url, &town.service.root(), ADMINISTRATOR.0, ADMINISTRATOR.1)?;
    town.office.add_staff(&town.service.root(), OFFICER, "bureau_officer")?;
    Ok((town, holder))
}

/// The officer answers what waits.
fn answer(browser: &Chromium, visitor: &mut Visitor<'_>, url: &str, answer: &str) -> Result<()> {
    visitor.sign_in(url, OFFICER)?;
    visitor.visit("disputes-home")?;
    browser.follow("a.tile[href='/disputes']")?;
    visitor.visit("disputes")?;
    browser.follow("#waiting a")?;
    visitor.visit("dispute-ask")?;
    browser.click("label[for=reason-complaint]")?;
    browser.follow("main form button.primary")?;
    let said = browser.text("main")?;
    ensure!(said.contains(WORKERS[0].0) && said.contains(WORKERS[0].1), "{said}");
    visitor.visit("dispute")?;
    browser.click(&format!("label[for=answer-{answer}]"))?;
    browser.follow("#settle button")?;
    ensure!(browser.count("#waiting a")? == 0, "{}", browser.text("main")?);
    visitor.sign_out()
}

#[test]
fn a_holder_finds_that_a_month_is_missing_says_so_and_reads_the_answer() -> Result<()> {
    let [desk, clerk, screen] = [(); 3].map(|()| Chromium::start(Scripts::Allowed));
    let (desk, clerk, screen) = (desk?, clerk?, screen?);
    let (mut town, holder) = with_a_gap(&desk)?;
    let url = town.service.url().to_owned();
    let card = town.pcscd.new_card("disputing")?;
    town.put(&card, Place::Station)?;
    town.issue(holder, PIN)?;
    town.take(Place::Station)?;
    enter_counter(&mut town, Place::Station, &clerk)?;
    enter(&mut town, Place::Station, &screen)?;
    let (mut at_desk, mut at_screen) = (Visitor::new(&desk, LANGUAGES[0]), Visitor::at_terminal(&screen, LANGUAGES[0]));
    clerk.follow("a[href='/counter/statement']")?;
    clerk.until("a[href='/counter/statement'][aria-current]")?;
    // The holder types the PIN and holds the card there.
    let sign = |town: &mut Town, ends: &str| -> Result<()> {
        screen.until("#pin")?;
        type_digits(&screen, "#pin", PIN, true)?;
        screen.follow("main form button.primary")?;
        town.put(&card, Place::Station)?;
        screen.until(ends)?;
        town.take(Place::Station)
    };
    for (language, before, said) in [
        (LANGUAGES[0], "没有申报", "upheld"),
        (LANGUAGES[1], "You are right: the employer has been told to declare, correct or pay.", "unfounded"),
    ] {
        (at_desk.language, at_screen.language) = (language, language);
        speak(&screen, language)?;
        clerk.follow("main form button.primary")?;
        sign(&mut town, "table.insured")?;
        let gap = screen.text("table.insured tr.gap:last-child")?;
        ensure!(gap.contains(FACTORY) && gap.contains(before), "{gap}");
        at_screen.visit("holder-insured")?;
        screen.follow("tr.gap:last-child form[action$='/dispute'] button")?;
        sign(&mut town, ".result.ok")?;
        at_screen.visit("holder-disputed")?;
        clerk.until(".result.ok")?;
        ensure!(!clerk.text("main")?.contains(FACTORY), "what it is about is nothing for the clerk");
        clerk.follow("form[action$='/put-away'] button")?;
        answer(&desk, &mut at_desk, &url, said)?;
        clerk.open(&clerk.address()?)?;
        clerk.follow("a[href='/counter/statement']")?;
        clerk.until("a[href='/counter/statement'][aria-current]")?;
    }
    ensure!(at_desk.noted.is_empty() && at_screen.noted.is_empty(), "{:#?}", (at_desk.noted, at_screen.noted));
    Ok(())
}
