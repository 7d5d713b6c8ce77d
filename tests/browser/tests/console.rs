//! The console as an administrator sees it in a real browser, over a whole town.

use anyhow::{Context, Result};
use browser::{
    Chromium, Look, Scripts, Site, Visitor,
    accessibility::barriers,
    pictures,
    visitor::{self, in_both_languages, show_code, speak},
};
use serde_json::json;
use town::{Place, Town, service::ADMINISTRATOR};

/// Invented, like every name and number here; the region code belongs to no place.
const NEWCOMER: &str = "测试甲 Test Newcomer";
const DOCUMENT: &str = "110000199001010013";
const PIN: &str = "731945";
const AUDITOR: (&str, &str) = ("test-auditor", "invented for an auditor of a few minutes");

/// One newcomer gets a card, pays twice, is refused once and goes through the gate.
fn a_day_in(town: &mut Town) -> Result<()> {
    let holder = town.office.register(NEWCOMER, DOCUMENT)?;
    let card = town.pcscd.new_card("newcomer")?;
    town.put(&card, Place::Station)?;
    town.issue(holder, PIN)?;
    let top_up = json!({"operation": "purse.top_up", "amount_fen": 5000, "receipt_wait_ms": 10_000});
    town.at(Place::Station).tap(&top_up)?;
    town.carry(&card, Place::Station, Place::Shop)?;
    town.at(Place::Shop).pay(1250, None)?;
    town.at(Place::Shop).pay(2500, Some(PIN))?;
    town.at(Place::Shop).pay(1251, None)?;
    town.let_pass(holder)?;
    town.carry(&card, Place::Shop, Place::Gate)?;
    town.at(Place::Gate).tap(&json!({"operation": "gate.check", "receipt_wait_ms": 10_000}))?;
    Ok(())
}

#[test]
fn an_administrator_without_scripts_looks_at_activity_and_asks_for_a_holder_with_a_reason() -> Result<()> {
    let mut town = Town::open()?;
    a_day_in(&mut town)?;
    let browser = Chromium::start(Scripts::Off)?;
    let probe = Site::serve("<!DOCTYPE html><noscript><p id=off>off</p></noscript>")?;
    browser.open(&format!("http://127.0.0.1:{}/", probe.port()))?;
    assert_eq!(browser.count("#off")?, 1, "scripts are off");

    browser.open(&format!("{}/console", town.service.url())).context("the console's address")?;
    browser.open(town.service.url())?;
    browser.until("form[action='/sign-in']")?;
    in_both_languages(&browser, "sign-in")?;
    browser.type_into("#name", ADMINISTRATOR.0)?;
    browser.type_into("#password", "something else, as invented")?;
    browser.follow("form[action='/sign-in'] button")?;
    browser.until(".summary[role=alert]")?;
    assert_eq!(browser.count("form.leave")?, 0, "a wrong password does not sign in");
    browser.type_into("#password", ADMINISTRATOR.1)?;
    browser.follow("form[action='/sign-in'] button")?;
    show_code(&browser, town.service.url(), ADMINISTRATOR.0)?;

    browser.until("form.leave")?;
    browser.follow("a.tile[href='/activity']")?;
    browser.until("label[for=purpose-oversight]")?;
    assert_eq!(browser.count("table")?, 0, "no activity before a purpose");
    in_both_languages(&browser, "purpose")?;
    browser.click("label[for=purpose-oversight]")?;
    browser.follow("main form button")?;

    browser.until("table")?;
    speak(&browser, "en")?;
    pictures::update("console-activity", || browser.picture())?;
    in_both_languages(&browser, "activity")?;
    // The newest first: short, with PIN, without PIN, top-up, the holder's consent. The gate is counted, not listed.
    let amounts = browser.texts("tbody td.number")?;
    assert_eq!(amounts.len(), 5, "{amounts:?}");
    let shown = ["12.51", "25.00", "12.50", "50.00", "–"];
    for (amount, shown) in amounts.iter().zip(shown) {
        assert!(amount.ends_with(shown), "{amount} is not {shown}");
    }
    assert_eq!(browser.count("tbody .tag.ok")?, 4);
    assert_eq!(browser.count("tbody tr:nth-child(1) .tag.no")?, 1, "the tap that was refused");
    assert_eq!(browser.count(".evidence dd.big")?, 1, "the log's newest checkpoint");

    browser.follow("tbody tr:first-child .card-link")?;
    browser.until("#holder form")?;
    assert_eq!(browser.count("tbody tr")?, 5, "all taps were this card's");
    assert_eq!(browser.count("#holder dl")?, 0, "no holder before a purpose");
    in_both_languages(&browser, "card")?;
    browser.click("#holder label[for=purpose-complaint]")?;
    browser.follow("#holder form button")?;

    browser.until("#holder dl")?;
    let facts = browser.texts("#holder dd")?;
    assert_eq!(facts.len(), 3, "{facts:?}");
    assert_ne!(facts[0], NEWCOMER);
    assert_ne!(facts[1], DOCUMENT);
    assert!(facts[1].contains('*'), "the number is masked: {facts:?}");
    pictures::keep("console-holder-zh-CN.png", || browser.picture())?;
    // Switching the language leads back to the card: showing the holder again would be another look.
    speak(&browser, "en")?;
    browser.until("#holder form")?;

    browser.follow("form.leave button")?;
    browser.until("form[action='/sign-in']")?;
    browser.open(&format!("{}/activity?purpose=oversight", town.service.url()))?;
    browser.until("form[action='/sign-in']")?;
    assert_eq!(browser.count("table")?, 0, "signed out is signed out");
    Ok(())
}

#[test]
fn every_page_of_the_console_can_be_used_by_everybody_in_both_languages() -> Result<()> {
    let mut town = Town::open()?;
    let url = town.service.url().to_owned();
    town.office.add_staff(&town.service.root(), AUDITOR, "auditor")?;
    let browser = Chromium::start(Scripts::Allowed)?;
    let mut visitor = Visitor::new(&browser, visitor::LANGUAGES[0]);
    let activity = format!("{url}/activity?purpose=oversight");

    for language in visitor::LANGUAGES {
        visitor.language = language;
        visitor.sign_in(&url, ADMINISTRATOR)?;
        browser.open(&activity)?;
        browser.until(".empty")?;
        visitor.visit("activity-empty")?;
        visitor.sign_out()?;
    }
    a_day_in(&mut town)?;
    for language in visitor::LANGUAGES {
        visitor.language = language;
        browser.open(&format!("{url}/sign-in"))?;
        speak(&browser, language)?;
        visitor.visit("sign-in")?;
        browser.follow("form[action='/sign-in'] button")?;
        browser.until(".summary:focus")?;
        visitor.visit("sign-in-name-missing")?;
        browser.type_into("#name", AUDITOR.0)?;
        browser.type_into("#password", "something else, as invented")?;
        browser.follow("form[action='/sign-in'] button")?;
        browser.until(".summary:focus")?;
        visitor.visit("sign-in-wrong")?;

        visitor.sign_in(&url, ADMINISTRATOR)?;
        visitor.visit("home")?;
        browser.follow("a.tile[href='/activity']")?;
        browser.until("label[for=purpose-oversight]")?;
        visitor.visit("purpose")?;
        browser.open(&format!("{url}/activity?purpose=curiosity"))?;
        browser.until(".summary:focus")?;
        visitor.visit("purpose-missing")?;
        browser.open(&activity)?;
        browser.until("table")?;
        visitor.visit("activity")?;
        let card = browser.attribute("tbody tr:first-child .card-link", "href")?;
        browser.follow("tbody tr:first-child .card-link")?;
        browser.until("#holder form")?;
        visitor.visit("card")?;
        // As a browser would that knows no `required`.
        browser.run("document.querySelector('#holder form').noValidate = true; arguments[0]();", &[])?;
        browser.follow("#holder form button")?;
        browser.until(".summary:focus")?;
        visitor.visit("card-reason-missing")?;
        browser.click("#holder label[for=purpose-complaint]")?;
        browser.follow("#holder form button")?;
        browser.until("#holder dl")?;
        visitor.visit("card-holder")?;
        for wrong in ["nowhere", "cards/none"] {
            browser.open(&format!("{url}/{wrong}"))?;
            browser.until("main .button")?;
            visitor.visit(&format!("error-{}", wrong.replace('/', "-")))?;
        }
        browser.open(&activity)?;
        visitor.sign_out()?;

        visitor.sign_in(&url, AUDITOR)?;
        visitor.visit("home-auditor")?;
        browser.open(&format!("{url}{card}"))?;
        browser.until("#holder p")?;
        visitor.visit("card-auditor")?;
        visitor.sign_out()?;
    }
    assert!(visitor.noted.is_empty(), "{:#?}", visitor.noted);
    Ok(())
}

#[test]
fn pages_that_keep_somebody_out_are_found() -> Result<()> {
    let page = |style: &str, body: &str| {
        format!(
            "<!DOCTYPE html><html lang=en><meta name=viewport content='width=device-width'><title>t</title>\
             <style>{style}</style><main><h1>Test</h1>{body}</main>"
        )
    };
    let sound = "<label for=a>Name</label> <input id=a> <a href='/'>Home</a>";
    let table = [
        ("", sound, None),
        ("", "<input id=a>", Some("label")),
        ("p { color: #aaa; background: #fff }", "<p>Pale</p>", Some("color-contrast")),
        (
            "@media (prefers-color-scheme: dark) { p { color: #333; background: #000 } }",
            "<p>Dim</p>",
            Some("color-contrast"),
        ),
        ("a { outline: none }", sound, Some("focus-visible")),
        ("p { width: 700px }", "<p>Wide</p>", Some("reflow")),
        ("div { overflow-x: auto } p { width: 700px }", "<div tabindex=0><p>Wide</p></div>", Some("reflow")),
        (
            "button { width: 12px; height: 12px; padding: 0 }",
            "<button>1</button><button>2</button>",
            Some("target-size"),
        ),
    ];
    let heavy = format!("<!-- {} -->", "x".repeat(60 * 1024));
    let more = [
        ("", heavy.as_str(), Some("weight")),
        ("", "<img src='http://elsewhere.test:1/picture.png' alt=''>", Some("outside")),
    ];
    let browser = Chromium::start(Scripts::Allowed)?;
    for (style, body, rule) in table.into_iter().chain(more) {
        let site = Site::serve(&page(style, body))?;
        browser.open(&format!("http://127.0.0.1:{}/", site.port()))?;
        let mut found = Vec::new();
        for look in [Look::Office, Look::Dark, Look::Narrow] {
            browser.look(look)?;
            found.extend(barriers(&browser, look)?.into_iter().map(|barrier| barrier.rule));
        }
        found.sort();
        found.dedup();
        assert_eq!(found, Vec::from_iter(rule), "{style} {body}");
    }
    Ok(())
}
