//! A shop whose network is gone, for minutes and for a week, or whose clock is wrong, in a real browser: it is paid, and its page
//! says what is true.

use anyhow::Result;
use browser::{
    Chromium, Scripts, Visitor,
    pictures::scanned,
    shop::Shop,
    terminal_page::{enter, enter_counter},
    visitor::{LANGUAGES, speak},
};
use town::{Place, clock, wait};

#[test]
fn a_shop_without_network_is_paid_all_the_same_and_its_page_says_what_is_true() -> Result<()> {
    let (merchant, holder) = (Chromium::start(Scripts::Allowed)?, Chromium::start(Scripts::Allowed)?);
    let mut shop = Shop::open(&merchant, &holder)?;
    let mut at_till = Visitor::at_terminal(&merchant, LANGUAGES[0]);
    speak(&merchant, at_till.language)?;
    // The first tap teaches the terminal the card.
    shop.charge("1")?;
    shop.tap(".result.ok")?;
    shop.next()?;
    // A service that is slow to answer has the tap, and the page says when it knows.
    shop.town.service.process().pause()?;
    shop.charge("2.50")?;
    shop.tap(".result.kept")?;
    at_till.visit("counter-kept")?;
    shop.town.service.process().resume()?;
    merchant.until(".result.ok")?;
    shop.next()?;
    // One that is gone is noticed before anybody pays.
    shop.town.service.process().stop()?;
    merchant.until("header .state.no")?;
    for count in 1..=3 {
        shop.charge("2.50")?;
        shop.tap(".result.ok")?;
        merchant.until(".state.kept")?;
        assert_eq!(shop.waiting()?, count);
        if count == 3 {
            at_till.visit("counter-offline")?;
        } else {
            shop.next()?;
        }
    }
    shop.town.service.start()?;
    wait::until("nothing waits", || Ok((merchant.count(".state.kept")? == 0).then_some(())))?;
    merchant.until(".result.ok")?;
    assert_eq!(shop.waiting()?, 0);
    shop.next()?;
    shop.charge("0.50")?;
    shop.tap(".result.ok")?;
    assert_eq!(shop.balance()?, "488.50");
    // The shop's own book has every one, with what became of it.
    merchant.follow("a[href^='/counter/taps/']")?;
    at_till.visit("counter-receipt")?;
    // Whoever scans it sees what the office has.
    let receipt = scanned(&merchant.enlarged("svg.qr", 4)?)?;
    assert!(receipt.starts_with(&format!("{}/receipts/", shop.town.service.url())), "{receipt}");
    let mut at_home = Visitor::new(&holder, LANGUAGES[0]);
    for language in LANGUAGES {
        at_home.language = language;
        holder.open(&receipt)?;
        speak(&holder, language)?;
        assert!(holder.texts("main .facts dd")?.iter().any(|fact| fact.contains("0.50")), "what was paid");
        at_home.visit("receipt")?;
    }
    wait::until("the log has it", || {
        holder.open(&receipt)?;
        Ok((holder.count("a[href$='/proof']")? == 1).then_some(()))
    })?;
    assert!(at_home.noted.is_empty(), "{:#?}", at_home.noted);
    merchant.follow("a[href='/counter']")?;
    shop.next()?;
    merchant.follow("a[href='/counter/taps']")?;
    assert_eq!(merchant.count("tbody .state.ok")?, 6);
    at_till.visit("counter-taps")?;
    merchant.open(&format!("{}/counter/taps/not-a-tap", shop.origin))?;
    at_till.visit("counter-no-such-tap")?;
    merchant.follow("a.back")?;
    assert!(at_till.noted.is_empty(), "{:#?}", at_till.noted);
    Ok(())
}

/// The shop's computer is switched on on another day, and somebody opens its page.
fn on_day(shop: &mut Shop<'_>, day: i32) -> Result<()> {
    shop.town.at(Place::Shop).set_clock_ahead(day)?;
    enter_counter(&mut shop.town, Place::Shop, shop.merchant).map(drop)
}

#[test]
fn a_shop_is_without_network_for_seven_days_and_loses_nothing() -> Result<()> {
    const DAYS: i32 = 7;
    // The town is founded before, so that browsers and stories can come to it when the week is over.
    clock::set_days_ahead(-DAYS - 1);
    let (merchant, holder) = (Chromium::start(Scripts::Allowed)?, Chromium::start(Scripts::Allowed)?);
    let mut shop = Shop::open(&merchant, &holder)?;
    let mut at_till = Visitor::at_terminal(&merchant, LANGUAGES[0]);
    speak(&merchant, at_till.language)?;
    shop.charge("1")?;
    shop.tap(".result.ok")?;
    shop.town.service.process().stop()?;
    for day in 0..DAYS {
        on_day(&mut shop, day)?;
        merchant.until("header .state.no")?;
        shop.charge("20")?;
        shop.tap(".result.ok")?;
        merchant.until(".state.kept")?;
        assert_eq!(shop.waiting()?, u64::try_from(day)? + 1, "on day {day}");
        shop.next()?;
    }
    // Longer than it may: it says so, and keeps what it has.
    on_day(&mut shop, DAYS + 1)?;
    merchant.until("header .state.no")?;
    shop.charge("20")?;
    shop.tap(".result.no")?;
    at_till.visit("counter-a-week-alone")?;
    assert_eq!(shop.waiting()?, u64::try_from(DAYS)?);
    shop.next()?;
    // The network is back.
    clock::set_days_ahead(0);
    shop.town.service.start()?;
    on_day(&mut shop, 0)?;
    wait::until("nothing waits", || Ok((shop.waiting()? == 0).then_some(())))?;
    merchant.follow("a[href='/counter/taps']")?;
    assert_eq!(merchant.count("tbody .state.ok")?, usize::try_from(DAYS)? + 1, "each is booked");
    at_till.visit("counter-after-a-week")?;
    merchant.follow("a.back")?;
    enter(&mut shop.town, Place::Shop, &holder)?;
    shop.charge("1")?;
    shop.tap(".result.ok")?;
    assert_eq!(shop.balance()?, "358.00", "each once");
    assert!(at_till.noted.is_empty(), "{:#?}", at_till.noted);
    Ok(())
}

#[test]
fn a_shop_whose_clock_was_moved_by_a_year_says_so_and_charges_nothing() -> Result<()> {
    let (merchant, holder) = (Chromium::start(Scripts::Allowed)?, Chromium::start(Scripts::Allowed)?);
    let mut shop = Shop::open(&merchant, &holder)?;
    shop.charge("1")?;
    shop.tap(".result.ok")?;
    shop.town.service.process().stop()?;
    for days in [365, 0] {
        // The daemon starts anew, and its page is opened anew.
        shop.town.at(Place::Shop).set_clock_ahead(days)?;
        enter_counter(&mut shop.town, Place::Shop, &merchant)?;
        merchant.until("header .state.no")?;
        shop.charge("1")?;
        // Moved ahead nothing is accepted; put right again, it is.
        shop.tap(if days > 0 { ".result.no" } else { ".result.ok" })?;
        assert_eq!(shop.waiting()?, u64::from(days == 0));
        shop.next()?;
    }
    Ok(())
}
