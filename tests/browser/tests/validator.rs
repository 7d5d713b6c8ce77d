//! A bus in a real browser, on two screens: the driver's, who says what the readers do, and the riders'; and an inspector.

use anyhow::{Context, Result};
use browser::{
    Chromium, Scripts, Visitor,
    terminal_page::{enter_riders, enter_validator},
    visitor::{LANGUAGES, speak},
};
use town::{Place, Town, wait};

/// Invented people, one a language.
const PEOPLE: [(&str, &str); 2] = [("测试乘客甲", "11000019900101011X"), ("测试乘客乙", "110000199001010128")];
const PIN: &str = "246810";
/// The place of the bus's reader.
const READER: usize = Place::ALL.len();

/// Says what the reader is to do, on the driver's page.
fn set(driver: &Chromium, reader: &str, what: &str, fields: &[(&str, &str)]) -> Result<()> {
    driver.follow("a[href='/validator/set']")?;
    driver.until("input[name=what]")?;
    driver.click(&format!("input[name=what][value={what}]"))?;
    driver.click(&format!("input[name=reader][value='{reader}']"))?;
    for (field, typed) in fields {
        driver.type_into(&format!("#{field}"), typed)?;
    }
    driver.follow("main form button.primary")
}

#[test]
fn a_driver_sets_the_reader_riders_see_what_became_of_their_cards_and_an_inspector_asks() -> Result<()> {
    let mut town = Town::open_with(1)?;
    let (archive, supplement) = fares::archive("caps")?;
    town.import_fares(&archive, &supplement)?;
    let cards = PEOPLE.map(|(name, document)| town.holder_with_money(name, document, PIN, 5_000));
    let bus = town.validator("bus")?;
    let reader = town.vehicle_reader(0);
    let (driver, screen) = (Chromium::start(Scripts::Allowed)?, Chromium::start(Scripts::Allowed)?);
    enter_validator(&bus, &driver)?;
    enter_riders(&bus, &screen)?;
    let mut at_driver = Visitor::at_terminal(&driver, LANGUAGES[0]);
    let mut at_screen = Visitor::at_terminal(&screen, LANGUAGES[0]);
    for (language, card) in LANGUAGES.into_iter().zip(cards) {
        let card = card?;
        (at_driver.language, at_screen.language) = (language, language);
        speak(&driver, language)?;
        speak(&screen, language)?;
        at_driver.visit("validator-idle")?;
        // Several stops are called so, and one is chosen; a route that is not there is asked for again.
        set(&driver, &reader, "on", &[("route", "no such route"), ("stop", "a")])?;
        driver.until("#route-message")?;
        at_driver.visit("validator-set-wrong")?;
        assert_eq!(driver.attribute("#route", "value")?, "no such route", "what was typed stays");
        driver.clear("#route")?;
        driver.type_into("#route", "b1")?;
        driver.click("input[name=stop][value=a1]")?;
        driver.follow("main form button.primary")?;
        driver.until(".validator .duty")?;
        screen.until(".validator .duty")?;
        at_driver.visit("validator-on")?;
        at_screen.visit("rider-on")?;
        assert_eq!(screen.count("a[href='/validator/set']")?, 0, "riders set nothing");
        let shows = |town: &Town, result: &str| -> Result<()> {
            town.pcscd.insert(READER, &card)?;
            driver.until(&format!(".result.{result}"))?;
            screen.until(&format!(".result.{result}"))?;
            wait::until("it is heard", || {
                Ok((screen.attribute("html", "data-heard").is_ok_and(|heard| heard != "null")).then_some(()))
            })?;
            town.pcscd.cards().remove(READER)?;
            Ok(())
        };
        shows(&town, "ok")?;
        at_driver.visit("validator-yes")?;
        at_screen.visit("rider-yes")?;
        shows(&town, "no").context("the same card once more")?;
        at_screen.visit("rider-again")?;
        // An inspector on the bus, and one on the metro.
        set(&driver, &reader, "inspect", &[("route", "b1")])?;
        driver.until(".validator .duty")?;
        at_driver.visit("inspector")?;
        shows(&town, "ok")?;
        at_driver.visit("inspector-yes")?;
        set(&driver, &reader, "inspect", &[("route", "m1")])?;
        driver.until(".validator .duty")?;
        shows(&town, "no")?;
        at_driver.visit("inspector-no")?;
        set(&driver, &reader, "stop", &[])?;
        driver.until("main h1")?;
        wait::until("nothing is done with cards", || Ok((driver.count(".duty")? == 0).then_some(())))?;
    }
    assert!(at_driver.noted.is_empty() && at_screen.noted.is_empty(), "{:#?} {:#?}", at_driver.noted, at_screen.noted);
    Ok(())
}
