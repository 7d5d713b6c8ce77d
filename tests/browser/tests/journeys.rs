//! Somebody who has travelled asks at the station what it cost, in a real browser: where and when, how much and why, for nobody
//! else's eyes.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use browser::{
    Chromium, Scripts, Visitor,
    terminal_page::{enter, enter_counter, type_digits},
    visitor::{LANGUAGES, speak},
};
use serde_json::Value;
use town::{Place, Town, daemon::Daemon, service::ADMINISTRATOR};

const PIN: &str = "864209";

/// On a bus and on the metro, which costs a yuan less within an hour of the bus; out once more
/// without having come in, and in again.
fn travel(town: &Town, bus: &mut Daemon, card: &Path) -> Result<()> {
    for arguments in [
        ["on", "--route", "b1", "--stop", "a1"],
        ["on", "--route", "m1", "--stop", "b1"],
        ["off", "--route", "m1", "--stop", "c1"],
        ["off", "--route", "m1", "--stop", "d1"],
        ["on", "--route", "m1", "--stop", "a1"],
    ] {
        // Another vehicle would not know that the card has just been shown.
        bus.process().stop()?;
        bus.start()?;
        town.tell(bus, 0, &arguments)?;
        let shown = town.show(bus, card, 0)?;
        ensure!(shown["refusal"] == Value::Null, "{shown}");
    }
    bus.bring_all()
}

#[test]
fn a_holder_reads_at_the_station_what_rides_have_cost_and_why() -> Result<()> {
    let mut town = Town::open_with(1)?;
    let (archive, supplement) = fares::archive("caps")?;
    town.import_fares(&archive, &supplement)?;
    let card = town.holder_with_money("测试乘客·Test", "11000019900101011X", PIN, 10_000)?;
    let mut bus = town.validator("bus")?;
    travel(&town, &mut bus, &card)?;

    let (clerk, screen) = (Chromium::start(Scripts::Allowed)?, Chromium::start(Scripts::Allowed)?);
    enter_counter(&mut town, Place::Station, &clerk)?;
    enter(&mut town, Place::Station, &screen)?;
    let mut at_screen = Visitor::at_terminal(&screen, LANGUAGES[0]);
    clerk.follow("a[href='/counter/statement']")?;
    clerk.until("a[href='/counter/statement'][aria-current]")?;
    for (language, because) in [
        (
            LANGUAGES[0],
            [
                "还没有下车刷卡：到时计费",
                "有一端未刷卡，按最高票价 9.00",
                "已到封顶 all-day −3.00",
                "票价 metro 5.00",
                "限时换乘优惠 bus-metro −1.00",
                "票价 bus 2.00",
            ],
        ),
        (
            LANGUAGES[1],
            [
                "Not ended: charged when you show the card there",
                "The card was not shown at one end: the maximum 9.00",
                "Cap reached all-day −3.00",
                "Fare metro 5.00",
                "Transfer in time bus-metro −1.00",
                "Fare bus 2.00",
            ],
        ),
    ] {
        at_screen.language = language;
        speak(&screen, language)?;
        clerk.follow("main form button.primary")?;
        screen.until("#pin")?;
        type_digits(&screen, "#pin", PIN, true)?;
        screen.follow("main form button.primary")?;
        town.put(&card, Place::Station)?;
        screen.until("table.rides")?;
        assert_eq!(screen.texts(".rides li")?, because);
        assert_eq!(screen.texts(".rides td.number")?, ["–", "6.00", "4.00", "2.00"], "newest first, and capped");
        at_screen.visit("holder-rides")?;
        clerk.until(".result.ok")?;
        assert_eq!(clerk.count("table")?, 0, "nobody else's");
        screen.follow("form[action$='/read'] button")?;
        assert_eq!(screen.count("table")?, 0, "closed by whoever has read it");
        town.take(Place::Station)?;
        clerk.follow("form[action$='/put-away'] button")?;
        clerk.until("a[href='/counter/statement'][aria-current]")?;
    }
    ensure!(at_screen.noted.is_empty(), "{:#?}", at_screen.noted);
    Ok(())
}

#[test]
fn whoever_may_reverse_strikes_a_showing_that_is_wrong_and_money_goes_back() -> Result<()> {
    let mut town = Town::open_with(1)?;
    let (archive, supplement) = fares::archive("caps")?;
    town.import_fares(&archive, &supplement)?;
    let card = town.pcscd.new_card("corrected")?;
    town.put(&card, Place::Station)?;
    let holder = town.office.register("测试乘客·Test", "11000019900101011X")?;
    town.issue(holder, PIN)?;
    town.top_up(10_000)?;
    town.take(Place::Station)?;
    let mut bus = town.validator("bus")?;
    travel(&town, &mut bus, &card)?;

    let browser = Chromium::start(Scripts::Allowed)?;
    let url = town.service.url().to_owned();
    let mut visitor = Visitor::new(&browser, LANGUAGES[0]);
    // 12.00 were charged, of which 6.00 for leaving without having come in; then the leg that is open still.
    for (language, place, legs) in [(LANGUAGES[0], "D1", 3), (LANGUAGES[1], "A1 · M1", 2)] {
        visitor.language = language;
        visitor.sign_in(&url, ADMINISTRATOR)?;
        browser.open(&format!("{url}/holders/{holder}"))?;
        browser.follow("main a[href$='/journeys']")?;
        browser.click("label[for=reason-complaint]")?;
        browser.follow("main form button.primary")?;
        browser.until("#strike")?;
        visitor.visit("journeys")?;
        let offered = browser.texts("label[for^='strikes-']")?;
        let of = |place: &str| match place.split_once(" · ") {
            Some((stop, route)) => offered.iter().position(|one| one.contains(stop) && one.contains(route)),
            None => offered.iter().position(|one| one.contains(place)),
        };
        let chosen = of(place).with_context(|| format!("{offered:?}"))? + 1;
        browser.click(&format!("#strike .choice:nth-of-type({chosen}) label[for^='strikes-']"))?;
        browser.follow("#strike button")?;
        browser.until(".summary a[href^='#mistaken']")?;
        visitor.visit("journeys-wrong")?;
        browser.click("label[for=mistaken-by_mistake]")?;
        browser.follow("#strike button")?;
        browser.until("#strike")?;
        assert_eq!(browser.count("label[for^='strikes-']")?, legs + 1, "one showing less");
        visitor.visit("journeys-corrected")?;
        visitor.sign_out()?;
    }
    town.put(&card, Place::Station)?;
    assert_eq!(town.top_up(1)?, 10_000 - 600 + 1);
    ensure!(visitor.noted.is_empty(), "{:#?}", visitor.noted);
    Ok(())
}
