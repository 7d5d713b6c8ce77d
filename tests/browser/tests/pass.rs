//! A pass is sold at a station's counter in a real browser, and the bus takes nothing more.

use anyhow::{Result, ensure};
use browser::{
    Chromium, Scripts, Visitor,
    terminal_page::{enter_counter, type_digits},
    visitor::{LANGUAGES, speak},
};
use serde_json::Value;
use town::{Place, Town, wait};

const PIN: &str = "246810";
/// Invented people, one a language, and the first days of their passes.
const PEOPLE: [(&str, &str); 2] = [("测试乘客甲", "11000019900101011X"), ("测试乘客乙", "110000199001010128")];
/// What everybody has on the card, and what the pass costs, in fen.
const MONEY: i64 = 20_000;
const PRICE: i64 = 12_000;

#[test]
fn a_pass_is_sold_at_the_counter_and_rides_cost_nothing_more() -> Result<()> {
    let mut town = Town::open_with(1)?;
    let (archive, supplement) = fares::archive("caps")?;
    // A pass is good from the first day of service on: at whatever hour this runs, that has begun.
    let from_midnight = supplement.replace("day_starts = \"03:00:00\"", "day_starts = \"00:00:00\"");
    ensure!(from_midnight != supplement, "the feed's day begins otherwise");
    town.import_fares(&archive, &from_midnight)?;
    let cards = PEOPLE.map(|(name, document)| town.holder_with_money(name, document, PIN, MONEY));
    let station = town.at(Place::Station).local()?;
    wait::until("the counter knows the fares", || {
        station.post("/v1/outbox/retry", &Value::Null)?.success()?;
        Ok((!station.get("/v1/validator")?.success()?["tariff"].is_null()).then_some(()))
    })?;
    let bus = town.validator("bus")?;
    town.tell(&bus, 0, &["on", "--route", "b1", "--stop", "a1"])?;

    let counter = Chromium::start(Scripts::Allowed)?;
    enter_counter(&mut town, Place::Station, &counter)?;
    let mut visitor = Visitor::at_terminal(&counter, LANGUAGES[0]);
    for (language, card) in LANGUAGES.into_iter().zip(cards) {
        let card = card?;
        visitor.language = language;
        speak(&counter, language)?;
        counter.follow("a[href='/counter/pass']")?;
        counter.until("input[name=pass]")?;
        counter.clear("#from")?;
        counter.type_into("#from", "tomorrow")?;
        counter.follow("main form button.primary")?;
        counter.until(".message")?;
        assert_eq!(counter.attribute("#from", "value")?, "tomorrow", "what was typed stays");
        visitor.visit("counter-pass-wrong")?;
        // Another day is shown with its prices before anything is sold.
        counter.clear("#from")?;
        counter.type_into("#from", &town::clock::today()?.to_string())?;
        counter.follow("main form button.primary")?;
        counter.until("input[name=pass]:checked")?;
        counter.until(".message")?;
        visitor.visit("counter-pass")?;
        counter.follow("main form button.primary")?;
        counter.until("#pin")?;
        visitor.visit("counter-pass-pin")?;
        type_digits(&counter, "#pin", PIN, false)?;
        counter.follow("main form button.primary")?;
        town.put(&card, Place::Station)?;
        counter.until(".result.ok")?;
        visitor.visit("counter-pass-sold")?;
        town.take(Place::Station)?;
        counter.follow("form[action$='/put-away'] button")?;
        counter.until("input[name=pass]")?;

        // On the bus it is good at once, and nothing is taken.
        let shown = town.show(&bus, &card, 0)?;
        ensure!(shown["refusal"].is_null(), "{shown}");
        bus.bring_all()?;
        town.put(&card, Place::Station)?;
        assert_eq!(town.top_up(1)?, MONEY - PRICE + 1);
        town.take(Place::Station)?;
    }
    assert!(visitor.noted.is_empty(), "{:#?}", visitor.noted);
    Ok(())
}
