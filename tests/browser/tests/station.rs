//! The service station: a clerk registers a newcomer and issues the card, in a real browser with a real reader.

use anyhow::Result;
use browser::{
    Chromium, Scripts, Visitor, pictures,
    visitor::{LANGUAGES, agree},
};
use serde_json::json;
use town::{Place, Town, wait};

/// Invented, like every name and number here.
const CLERK: (&str, &str) = ("test-clerk", "invented for a clerk of a few minutes");
const SUPERVISOR: (&str, &str) = ("test-supervisor", "invented for a supervisor of a few minutes");
const NAME: &str = "测试阿依·Test";
const PHONE: &str = "138 0013 8000";
const ADDRESS: &str = "测试区测试街道测试社区 1 号楼 2 单元 301";
const PIN: &str = "731945";

fn station() -> Result<Town> {
    let mut town = Town::open()?;
    for (who, role) in [(CLERK, "clerk"), (SUPERVISOR, "supervisor")] {
        town.office.add_staff(&town.service.root(), who, role)?;
    }
    let card = town.pcscd.new_card("newcomer")?;
    town.put(&card, Place::Station)?;
    Ok(town)
}

/// A clerk at the console, with the newcomer beside the desk.
struct Desk<'town, 'browser> {
    town: &'town mut Town,
    browser: &'browser Chromium,
    visitor: Visitor<'browser>,
    /// Whether each page is looked at in every way, with scripts.
    looks: bool,
    pages: usize,
}

impl Desk<'_, '_> {
    /// Another page of the registration is shown.
    fn page(&mut self, name: &str) -> Result<()> {
        self.pages += 1;
        if self.looks { self.visitor.visit(&format!("station-{name}")) } else { Ok(()) }
    }

    fn fill(&self, field: &str, text: &str) -> Result<()> {
        self.browser.clear(field)?;
        self.browser.type_into(field, text)
    }

    fn go_on(&self) -> Result<()> {
        self.browser.follow("main form button.primary")
    }

    /// From the first page to the page of the registered holder.
    fn register(&mut self, document: &str) -> Result<()> {
        self.page("home")?;
        self.browser.follow("form[action='/registrations'] button")?;
        self.browser.until("#document_number")?;
        self.page("document")?;
        self.browser.click("label[for=document_kind-resident_identity_card]")?;
        // Two digits swapped.
        let (head, tail) = document.split_at(document.len() - 3);
        let mut swapped: Vec<char> = tail.chars().collect();
        swapped.swap(0, 2);
        self.fill("#document_number", &format!("{head}{}", swapped.into_iter().collect::<String>()))?;
        self.go_on()?;
        self.browser.until(".summary[role=alert] a[href='#document_number']")?;
        if self.looks {
            self.visitor.visit("station-document-wrong")?;
        }
        self.fill("#document_number", document)?;
        self.go_on()?;

        self.browser.until("#latin_name")?;
        self.page("person")?;
        assert_eq!(self.browser.attribute("#birth", "value")?, "1990-01-01", "as in the document");
        self.fill("#name", NAME)?;
        self.go_on()?;

        self.browser.until("#phone")?;
        self.page("contact")?;
        self.fill("#phone", PHONE)?;
        self.fill("#household_region", "安徽省合肥市蜀山区")?;
        self.go_on()?;

        self.browser.until("#address")?;
        self.page("address")?;
        self.fill("#address", ADDRESS)?;
        self.browser.click("label[for=home-rented]")?;
        self.go_on()?;

        self.browser.until(".answers, table.compare")?;
        // Whoever comes second shares name, birth and telephone with the first.
        if self.browser.count("table.compare")? == 1 {
            self.page("similar")?;
            self.browser.click("label[for=answer-relatives]")?;
            self.go_on()?;
            self.browser.until(".answers")?;
        }
        self.page("check")?;
        let answers = self.browser.texts(".answers dd:not(.change)")?;
        for shown in [document, NAME, "13800138000", "安徽省合肥市蜀山区 340104", ADDRESS] {
            assert!(answers.iter().any(|answer| answer == shown), "{shown} is not among {answers:?}");
        }
        agree(self.browser, "card")?;
        self.browser.until("#record form")
    }

    /// From the holder's page until the card is in use.
    fn issue(&mut self) -> Result<()> {
        self.browser.follow("#issue button")?;
        self.browser.until("progress")?;
        self.page("issuance")?;
        let (town, browser) = (&mut *self.town, self.browser);
        let (station, watches) = (town.at(Place::Station), self.looks);
        wait::until("the card is in use", || {
            station.answer_prompts(PIN)?;
            // Where scripts run, the page follows by itself.
            if !watches {
                browser.follow("main .button[href^='/issuances/']")?;
            }
            Ok((browser.count("main .tag.ok")? == 1).then_some(()))
        })?;
        if self.looks { self.visitor.visit("station-issued") } else { Ok(()) }
    }
}

#[test]
fn a_clerk_without_scripts_registers_a_newcomer_and_issues_the_card_in_nine_pages() -> Result<()> {
    let (mut town, browser) = (station()?, Chromium::start(Scripts::Off)?);
    let url = town.service.url().to_owned();
    let document = "110000199001010013";
    let visitor = Visitor::new(&browser, LANGUAGES[0]);
    visitor.sign_in(&url, CLERK)?;
    let mut desk = Desk { town: &mut town, browser: &browser, visitor, looks: false, pages: 0 };
    desk.register(document)?;
    let holder = browser.address()?;
    for personal in [NAME, document, "13800138000", ADDRESS] {
        assert!(!browser.text("main")?.contains(personal), "the record is shown before a purpose was stated");
    }
    desk.page("holder")?;
    browser.click("#record label[for=purpose-registration]")?;
    browser.follow("#record form button")?;
    browser.until("#record dl")?;
    let facts = browser.texts("#record dd")?;
    assert!(facts.iter().any(|fact| fact == NAME) && facts.iter().any(|fact| fact == document), "{facts:?}");
    desk.issue()?;
    assert!(desk.pages <= 9, "{} pages from the blank form to the card", desk.pages);

    browser.follow("main a.button.primary")?;
    assert_eq!(browser.address()?, holder);
    assert_eq!(browser.count(".card-line .tag.ok")?, 1, "the holder has a card that is in use");

    // The same document once more: nobody is registered twice, and what was typed is not lost.
    browser.open(&url)?;
    browser.follow("form[action='/registrations'] button")?;
    browser.click("label[for=document_kind-resident_identity_card]")?;
    browser.type_into("#document_number", document)?;
    browser.follow("main form button.primary")?;
    browser.until("a.button[href^='/holders/']")?;
    browser.open(&url)?;
    browser.follow(".plain a[href^='/registrations/']")?;
    assert_eq!(browser.attribute("#document_number", "value")?, document);
    browser.open(&format!("{url}/find"))?;
    browser.click("label[for=document_kind-resident_identity_card]")?;
    browser.type_into("#document_number", document)?;
    browser.follow("main form button.primary")?;
    assert_eq!(browser.address()?, holder, "found by the document");
    Ok(())
}

#[test]
fn every_page_of_the_registration_can_be_used_by_everybody_in_both_languages() -> Result<()> {
    let (mut town, browser) = (station()?, Chromium::start(Scripts::Allowed)?);
    let url = town.service.url().to_owned();
    let mut visitor = Visitor::new(&browser, LANGUAGES[0]);
    for (language, document) in LANGUAGES.into_iter().zip(["110000199001010013", "110000199001010136"]) {
        visitor.language = language;
        visitor.sign_in(&url, CLERK)?;
        let mut desk = Desk { town: &mut town, browser: &browser, visitor, looks: true, pages: 0 };
        desk.register(document)?;
        desk.page("holder")?;
        desk.issue()?;
        visitor = desk.visitor;
        browser.follow("main a.button.primary")?;
        browser.click("#record label[for=purpose-registration]")?;
        browser.follow("#record form button")?;
        browser.until("#record dl")?;
        visitor.visit("station-record")?;
        browser.open(&format!("{url}/find"))?;
        visitor.visit("station-find")?;
        visitor.sign_out()?;
        town.take(Place::Station)?;
        let card = town.pcscd.new_card(language)?;
        town.put(&card, Place::Station)?;
    }
    assert!(visitor.noted.is_empty(), "{:#?}", visitor.noted);
    Ok(())
}

#[test]
fn what_was_typed_outlives_the_session() -> Result<()> {
    let (town, browser) = (station()?, Chromium::start(Scripts::Off)?);
    let url = town.service.url().to_owned();
    let visitor = Visitor::new(&browser, LANGUAGES[0]);
    visitor.sign_in(&url, CLERK)?;
    browser.follow("form[action='/registrations'] button")?;
    browser.click("label[for=document_kind-passport]")?;
    browser.type_into("#document_number", "T1234567")?;
    browser.follow("main form button.primary")?;
    let step = browser.address()?;
    browser.type_into("#name", NAME)?;
    browser.forget_cookies()?;
    browser.follow("main form button.primary")?;
    browser.until("form[action='/sign-in']")?;
    browser.type_into("#name", CLERK.0)?;
    browser.type_into("#password", CLERK.1)?;
    browser.follow("form[action='/sign-in'] button")?;
    assert_eq!(browser.address()?, step, "back at the page on which the session ended");
    browser.follow("a.back")?;
    assert_eq!(browser.attribute("#document_number", "value")?, "T1234567", "earlier pages are kept");
    Ok(())
}

#[test]
fn a_card_that_is_reported_lost_is_replaced_and_the_old_one_stays_out_of_use() -> Result<()> {
    let (mut town, browser) = (station()?, Chromium::start(Scripts::Off)?);
    let url = town.service.url().to_owned();
    let holder = town.office.register(NAME, "110000199001010013")?;
    let lost = town.issue(holder, PIN)?;
    town.take(Place::Station)?;
    let another = town.pcscd.new_card("another")?;
    town.put(&another, Place::Station)?;
    let visitor = Visitor::new(&browser, LANGUAGES[0]);
    visitor.sign_in(&url, CLERK)?;
    browser.open(&format!("{url}/holders/{holder}"))?;
    browser.follow(".card-line .card-link")?;
    browser.click("label[for=change-lost]")?;
    browser.follow("main form button.primary")?;
    browser.until("main .tag.no")?;
    browser.follow("a.back")?;
    let mut desk = Desk { town: &mut town, browser: &browser, visitor, looks: false, pages: 0 };
    desk.issue()?;
    browser.follow("main a.button.primary")?;
    assert_eq!((browser.count(".card-line .tag.ok")?, browser.count(".card-line .tag.idle")?), (1, 1));
    let old = town.office.api().get(&format!("/v1/cards/{}", lost.id))?.success()?;
    assert_eq!(old["state"], "replaced");
    Ok(())
}

#[test]
fn a_record_is_corrected_and_the_page_says_who_did_it_and_why() -> Result<()> {
    let (town, browser) = (station()?, Chromium::start(Scripts::Off)?);
    let url = town.service.url().to_owned();
    let holder = town.office.register(NAME, "110000199001010013")?;
    let visitor = Visitor::new(&browser, LANGUAGES[1]);
    visitor.sign_in(&url, CLERK)?;
    browser.open(&format!("{url}/holders/{holder}"))?;
    browser.click("#record label[for=purpose-registration]")?;
    browser.follow("#record form button")?;
    browser.follow("#record a[href$='/change/address']")?;
    browser.type_into("#address", "测试路 2 号")?;
    browser.type_into("#address_since", "2026-10-01")?;
    browser.click("label[for=home-employer]")?;
    browser.follow("main form button.primary")?;
    browser.until(".summary a[href='#reason-mistyped']")?;
    browser.click("label[for=reason-changed]")?;
    browser.follow("main form button.primary")?;
    browser.until("#timeline")?;
    browser.click("#record label[for=purpose-registration]")?;
    browser.follow("#record form button")?;
    assert!(browser.texts("#record dd")?.iter().any(|fact| fact == "测试路 2 号"));
    // Where the person lived before, and from when until when.
    assert_eq!(browser.texts("#earlier li")?, ["2026-03-01 – 2026-10-01 测试路 1 号"]);
    Ok(())
}

#[test]
fn somebody_who_is_registered_under_another_document_is_found_before_a_second_record_is_made() -> Result<()> {
    let (town, browser) = (station()?, Chromium::start(Scripts::Off)?);
    let url = town.service.url().to_owned();
    let known = town.office.register("测小明", "110000199001010013")?;
    let visitor = Visitor::new(&browser, LANGUAGES[1]);
    visitor.sign_in(&url, CLERK)?;
    browser.follow("form[action='/registrations'] button")?;
    browser.click("label[for=document_kind-passport]")?;
    browser.type_into("#document_number", "T1234567")?;
    browser.follow("main form button.primary")?;
    browser.type_into("#name", "CE XIAOMING")?;
    browser.type_into("#birth", "1990-01-01")?;
    browser.follow("main form button.primary")?;
    browser.follow("main form button.primary")?;
    browser.type_into("#address", ADDRESS)?;
    browser.click("label[for=home-rented]")?;
    browser.follow("main form button.primary")?;

    browser.until("table.compare")?;
    pictures::keep("console-similar-en.png", || browser.picture())?;
    let cells = browser.texts("table.compare tbody td")?;
    assert!(cells.iter().any(|cell| cell == "测小明"), "{cells:?}");
    assert!(!cells.iter().any(|cell| cell == "110000199001010013"), "the other's number is masked: {cells:?}");
    let asked = browser.address()?;
    browser.click("label[for=answer-same]")?;
    browser.follow("main form button.primary")?;
    assert_eq!(browser.address()?, format!("{url}/holders/{known}"), "the record that is there is opened");

    browser.open(&asked)?;
    browser.click("label[for=answer-namesakes]")?;
    browser.follow("main form button.primary")?;
    browser.until(".answers")?;
    agree(&browser, "card")?;
    browser.until("#record form")?;
    assert_ne!(browser.address()?, format!("{url}/holders/{known}"), "told apart, both have a record");
    Ok(())
}

/// Moves the end of every permit's term so many days from today, on which all were applied for, as if time had passed.
fn terms_end(town: &Town, days: i64) -> Result<()> {
    town.service.rewrite("UPDATE permit SET valid_until = applied + ?", days * 86_400_000_000).map(drop)
}

#[test]
fn a_residence_permit_is_applied_for_decided_handed_over_and_endorsed_in_both_languages() -> Result<()> {
    let (town, browser) = (station()?, Chromium::start(Scripts::Allowed)?);
    let url = town.service.url().to_owned();
    let mut visitor = Visitor::new(&browser, LANGUAGES[0]);
    for (language, document) in LANGUAGES.into_iter().zip(["110000199001010013", "110000199001010136"]) {
        visitor.language = language;
        let holder = town.office.register(NAME, document)?;
        let permit = format!("{url}/holders/{holder}/permit");
        visitor.sign_in(&url, CLERK)?;
        browser.open(&format!("{url}/holders/{holder}"))?;
        browser.follow("main a[href$='/permit']")?;
        browser.follow("#apply button")?;
        browser.until(".summary a[href='#apply-labour_contract']")?;
        visitor.visit("permit-missing")?;
        browser.click("label[for=apply-lease]")?;
        browser.follow("#apply button")?;
        browser.until("main .tag.wait")?;
        assert_eq!(browser.count("#open, #grant, #refuse")?, 0, "a clerk does not decide");
        visitor.sign_out()?;

        visitor.sign_in(&url, SUPERVISOR)?;
        browser.follow("main a[href='/permits']")?;
        visitor.visit("permits")?;
        browser.follow(&format!("#decisions a[href='/holders/{holder}/permit']"))?;
        assert!(!browser.text("main")?.contains("测试路"), "what it rests on is shown before it was opened");
        browser.follow("#open button")?;
        browser.until("#grant")?;
        assert!(browser.text("main")?.contains("测试路 1 号"));
        visitor.visit("permit-application")?;
        browser.follow("#grant button")?;
        browser.until("#issue")?;
        visitor.sign_out()?;

        visitor.sign_in(&url, CLERK)?;
        browser.open(&permit)?;
        browser.follow("#issue button")?;
        browser.until("main .tag.ok")?;
        visitor.visit("permit-in-force")?;
        assert_eq!(browser.count("#history li")?, 3);
        // In the last month of its term, and after it.
        for (days, standing) in [(20, "main .tag.wait"), (-20, "main .tag.no")] {
            terms_end(&town, days)?;
            browser.open(&permit)?;
            browser.until(standing)?;
            visitor.visit(&format!("permit-endorse-{}", if days > 0 { "due" } else { "late" }))?;
            browser.open(&format!("{url}/permits"))?;
            let list = if days > 0 { "#ending" } else { "#ended" };
            browser.follow(&format!("{list} a[href='/holders/{holder}/permit']"))?;
            browser.click("label[for=endorse-labour_contract]")?;
            browser.follow("#endorse button")?;
            browser.until("main .tag.ok")?;
        }
        assert_eq!(browser.count("#history li")?, 5);
        browser.open(&format!("{url}/holders/{holder}"))?;
        assert_eq!(browser.count("main .tag.ok")?, 1, "the holder's page shows it");
        visitor.sign_out()?;
    }
    assert!(visitor.noted.is_empty(), "{:#?}", visitor.noted);
    Ok(())
}

/// Whether the card at the station opens with a PIN.
fn opens(town: &mut Town, pin: &str) -> Result<bool> {
    let top_up = json!({"operation": "purse.top_up", "amount_fen": 1, "pin": pin});
    let reply = town.at(Place::Station).local()?.post("/v1/taps", &top_up)?;
    println!("{}", reply.body);
    Ok(reply.status < 300)
}

#[test]
fn a_blocked_pin_is_chosen_anew_by_its_holder_in_both_languages() -> Result<()> {
    let (mut town, browser) = (station()?, Chromium::start(Scripts::Allowed)?);
    let url = town.service.url().to_owned();
    let document = "110000199001010013";
    let holder = town.office.register(NAME, document)?;
    town.office.register("测试他人", "110000199001010136")?;
    let card = town.issue(holder, PIN)?;
    let mut visitor = Visitor::new(&browser, LANGUAGES[0]);
    let mut pin = PIN;
    for (language, another) in LANGUAGES.into_iter().zip(["246802", "135791"]) {
        for _ in 0..3 {
            assert!(!opens(&mut town, "000111")?);
        }
        assert!(!opens(&mut town, pin)?, "it is blocked");
        visitor.language = language;
        visitor.sign_in(&url, CLERK)?;
        browser.open(&format!("{url}/holders/{holder}/cards/{}", card.id))?;
        browser.follow("main a[href$='/unblock']")?;
        // Somebody else's document, and no reader.
        browser.click("label[for=document_kind-resident_identity_card]")?;
        browser.type_into("#document_number", "110000199001010136")?;
        if browser.count("input[name=terminal_id]:checked")? == 0 {
            browser.click(".choice label[for^=desk-]")?;
        }
        browser.follow("#unblock button")?;
        browser.until(".summary a[href='#document_number']")?;
        visitor.visit("unblock-wrong")?;
        browser.clear("#document_number")?;
        browser.type_into("#document_number", document)?;
        browser.follow("#unblock button")?;
        browser.until("progress")?;
        visitor.visit("unblock-waits")?;
        let station = town.at(Place::Station);
        wait::until("the PIN is chosen", || {
            station.answer_prompts(another)?;
            Ok((browser.count("main .tag.ok")? == 1).then_some(()))
        })?;
        visitor.visit("unblock-done")?;
        visitor.sign_out()?;
        assert!(opens(&mut town, another)?);
        assert!(!opens(&mut town, pin)?, "the PIN that was blocked is no more");
        pin = another;
    }
    assert!(visitor.noted.is_empty(), "{:#?}", visitor.noted);
    Ok(())
}

#[test]
fn two_records_of_one_person_are_made_one_and_two_again_in_both_languages() -> Result<()> {
    let (mut town, browser) = (station()?, Chromium::start(Scripts::Allowed)?);
    let url = town.service.url().to_owned();
    let documents = ["110000199001010013", "110000199001010136"];
    let [kept, other] = [town.office.register(NAME, documents[0])?, town.office.register("测试另名", documents[1])?];
    let card = town.issue(other, PIN)?;
    let mut visitor = Visitor::new(&browser, LANGUAGES[0]);
    let find = |document: &str| -> Result<String> {
        browser.open(&format!("{url}/find"))?;
        browser.click("label[for=document_kind-resident_identity_card]")?;
        browser.type_into("#document_number", document)?;
        browser.follow("main form button.primary")?;
        browser.address()
    };
    let page_of = |holder| format!("{url}/holders/{holder}");
    for language in LANGUAGES {
        visitor.language = language;
        visitor.sign_in(&url, CLERK)?;
        browser.open(&page_of(kept))?;
        browser.follow("#others a[href$='/merge']")?;
        browser.click("label[for=document_kind-resident_identity_card]")?;
        // The record's own document is no other record's.
        browser.type_into("#document_number", documents[0])?;
        browser.follow("main form button.primary")?;
        browser.until(".summary a[href='#document_number']")?;
        visitor.visit("merge-wrong")?;
        browser.clear("#document_number")?;
        browser.type_into("#document_number", documents[1])?;
        browser.follow("main form button.primary")?;
        browser.until("table.compare")?;
        visitor.visit("merge-compare")?;
        browser.click("label[for=reason-renamed]")?;
        browser.follow("main form button.primary")?;
        assert_eq!(browser.address()?, page_of(kept));
        assert_eq!(browser.count("#others li")?, 1);
        assert_eq!(find(documents[1])?, page_of(kept), "found under the record that is kept");
        let state = town.office.api().get(&format!("/v1/cards/{}", card.id))?.success()?;
        assert_eq!(state["state"], "replaced", "a person has one card");

        browser.open(&page_of(other))?;
        browser.until("#merged")?;
        assert_eq!(browser.count("#issue")?, 0, "it gets no card");
        visitor.visit("merged")?;
        browser.follow("#merged form button")?;
        assert_eq!(browser.count("#merged")?, 0);
        assert_eq!(find(documents[1])?, page_of(other), "two persons again");
        visitor.sign_out()?;
    }
    assert!(visitor.noted.is_empty(), "{:#?}", visitor.noted);
    Ok(())
}
