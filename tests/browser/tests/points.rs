//! A shop that takes part in a programme of points, in a real browser: points with the payment, for money off, for goods, back
//! with a refund, and with the network away.

use anyhow::Result;
use browser::{
    Chromium, Scripts, Visitor,
    shop::Shop,
    terminal_page::type_digits,
    visitor::{LANGUAGES, speak},
};
use serde_json::json;
use town::{Place, Town, service::ADMINISTRATOR, wait};

/// A shop of an invented street.
fn open<'browser>(merchant: &'browser Chromium, holder: &'browser Chromium) -> Result<Shop<'browser>> {
    let town = Town::open()?;
    town.office.give_points(Place::Shop)?;
    let mut shop = Shop::open_in(town, merchant, holder)?;
    // Terminals hear of it when they next ask.
    shop.town.at(Place::Shop).local()?.post("/v1/outbox/retry", &json!({}))?.success()?;
    wait::until("the shop gives points", || {
        merchant.open(&format!("{}/counter", shop.origin))?;
        Ok((merchant.count("#points")? == 1).then_some(()))
    })?;
    Ok(shop)
}

/// The holder's screen says how many points there are.
fn left(shop: &Shop<'_>, points: i64) -> Result<()> {
    let number = points.to_string();
    wait::until("the holder's points", || {
        let shown = shop.holder.text(".points").unwrap_or_default();
        let numbers = shown.split(|part: char| !part.is_ascii_digit() && part != '-' && part != '+');
        Ok(numbers.into_iter().any(|part| part == number).then_some(()))
    })
}

/// The merchant gives up one page for another.
fn turn_to(shop: &Shop<'_>, page: &str) -> Result<()> {
    shop.merchant.follow(&format!(".modes a[href='/counter/{page}']"))?;
    shop.merchant.until(&format!("form[action='/counter/{page}']"))
}

#[test]
fn points_come_with_the_payment_and_are_given_for_money_off_and_for_goods() -> Result<()> {
    let (merchant, holder) = (Chromium::start(Scripts::Allowed)?, Chromium::start(Scripts::Allowed)?);
    let mut shop = open(&merchant, &holder)?;
    let (mut at_till, mut at_screen) =
        (Visitor::at_terminal(&merchant, LANGUAGES[0]), Visitor::at_terminal(&holder, LANGUAGES[0]));
    for language in LANGUAGES {
        (at_till.language, at_screen.language) = (language, language);
        speak(&merchant, language)?;
        speak(&holder, language)?;
        at_till.visit("points-till")?;
        shop.charge("150")?;
        shop.approve()?;
        shop.tap(".result.ok")?;
        left(&shop, 150)?;
        assert!(merchant.text(".points")?.contains("+150"), "what it earned");
        at_till.visit("points-earned")?;
        at_screen.visit("points-left")?;
        let bought = shop.receipt()?;
        shop.next()?;
        // Money off: what was typed wrong stays, and says what to do.
        for (points, case) in [("150", "multiple"), ("-5", "negative"), ("3000", "more")] {
            type_digits(&merchant, "#points", points, false)?;
            shop.charge("10")?;
            merchant.until("#points-message")?;
            assert_eq!(merchant.attribute("#points", "value")?, points, "{case}");
            assert_eq!(merchant.attribute("#amount", "value")?, "10", "{case}");
        }
        at_till.visit("points-wrong")?;
        type_digits(&merchant, "#points", "100", true)?;
        shop.charge("10")?;
        at_screen.visit("points-pin")?;
        shop.approve()?;
        at_till.visit("points-card")?;
        shop.tap(".result.ok")?;
        // 9.50 paid: nine more, a hundred less.
        left(&shop, 59)?;
        merchant.follow("a[href^='/counter/taps/']")?;
        at_till.visit("points-receipt")?;
        merchant.follow("a[href='/counter']")?;
        shop.next()?;
        // For goods.
        turn_to(&shop, "redeem")?;
        at_till.visit("points-redeem")?;
        merchant.follow("main form button.primary")?;
        merchant.until("#points-message")?;
        type_digits(&merchant, "#points", "60", false)?;
        merchant.follow("main form button.primary")?;
        shop.approve()?;
        shop.tap(".result.no")?;
        at_till.visit("points-too-few")?;
        shop.next()?;
        type_digits(&merchant, "#points", "50", false)?;
        merchant.follow("main form button.primary")?;
        shop.approve()?;
        shop.tap(".result.ok")?;
        left(&shop, 9)?;
        shop.next()?;
        // A purchase in cash, and undone.
        turn_to(&shop, "award")?;
        at_till.visit("points-award")?;
        shop.charge("30.99")?;
        shop.tap(".result.ok")?;
        left(&shop, 39)?;
        merchant.follow("a[href^='/counter/taps/']")?;
        merchant.follow("button[form=void]")?;
        merchant.until(".payment")?;
        shop.tap(".result.ok")?;
        left(&shop, 9)?;
        shop.next()?;
        // What was bought first goes back, and with it points that were given away already.
        merchant.open(&format!("{}{bought}", shop.origin))?;
        merchant.follow("a[href$='/refund']")?;
        merchant.follow("main form button.primary")?;
        shop.tap(".result.ok")?;
        left(&shop, -141)?;
        at_screen.visit("points-below-zero")?;
        shop.next()?;
        // The holder asks, with the PIN.
        turn_to(&shop, "balance")?;
        merchant.follow("main form button.primary")?;
        shop.approve()?;
        shop.tap(".result.ok")?;
        left(&shop, -141)?;
        assert_eq!(merchant.count(".points")?, 0, "how many there are is the holder's");
        at_screen.visit("points-balance")?;
        shop.next()?;
        // Even again, for the other language.
        turn_to(&shop, "award")?;
        shop.charge("141")?;
        shop.tap(".result.ok")?;
        left(&shop, 0)?;
        shop.next()?;
        turn_to(&shop, "till")?;
    }
    assert!(at_till.noted.is_empty() && at_screen.noted.is_empty(), "{:#?}", (at_till.noted, at_screen.noted));
    Ok(())
}

#[test]
fn without_network_a_shop_promises_points_and_takes_none() -> Result<()> {
    let (merchant, holder) = (Chromium::start(Scripts::Allowed)?, Chromium::start(Scripts::Allowed)?);
    let mut shop = open(&merchant, &holder)?;
    let mut at_till = Visitor::at_terminal(&merchant, LANGUAGES[1]);
    speak(&merchant, at_till.language)?;
    shop.charge("1")?;
    shop.tap(".result.ok")?;
    shop.next()?;
    shop.town.service.process().stop()?;
    merchant.until("header .state.no")?;
    shop.charge("20")?;
    shop.tap(".result.ok")?;
    shop.next()?;
    turn_to(&shop, "award")?;
    shop.charge("30")?;
    shop.tap(".result.kept")?;
    at_till.visit("points-award-kept")?;
    shop.next()?;
    turn_to(&shop, "redeem")?;
    type_digits(&merchant, "#points", "1", false)?;
    merchant.follow("main form button.primary")?;
    merchant.until("#points-message")?;
    at_till.visit("points-need-network")?;
    turn_to(&shop, "till")?;
    type_digits(&merchant, "#points", "100", false)?;
    shop.charge("10")?;
    merchant.until(".message")?;
    assert_eq!(shop.waiting()?, 2, "nothing was asked of a card");
    shop.town.service.start()?;
    wait::until("nothing waits", || Ok((merchant.count("header .state.kept")? == 0).then_some(())))?;
    turn_to(&shop, "balance")?;
    merchant.follow("main form button.primary")?;
    shop.approve()?;
    shop.tap(".result.ok")?;
    left(&shop, 51)?;
    assert!(at_till.noted.is_empty(), "{:#?}", at_till.noted);
    Ok(())
}

/// Makes a programme, gives it a rule and lets a shop take part, after mistakes at each form.
fn programme(desk: &Chromium, visitor: &mut Visitor<'_>, name: &str, shop: &str) -> Result<()> {
    desk.follow("a.brand")?;
    desk.follow("a.tile[href='/points']")?;
    visitor.visit("points-list")?;
    desk.follow("a[href='/points/new']")?;
    desk.follow("main form button")?;
    desk.until(".summary a[href='#name']")?;
    visitor.visit("points-new-wrong")?;
    desk.type_into("#name", name)?;
    desk.click("label[for=reach-city]")?;
    desk.type_into("#validity", "12")?;
    desk.click("label[for=below_zero-no]")?;
    desk.follow("main form button")?;
    desk.until("#add_rule")?;
    for (field, typed) in [("points", "1"), ("per", "1"), ("from", "26-01-01"), ("until", "2099-12-31")] {
        desk.type_into(&format!("#rule_{field}"), typed)?;
    }
    desk.follow("#add_rule button")?;
    desk.until(".summary a[href='#rule_from']")?;
    visitor.visit("points-rule-wrong")?;
    desk.clear("#rule_from")?;
    desk.type_into("#rule_from", "2090-01-01")?;
    desk.follow("#add_rule button")?;
    desk.until("#end_rule")?;
    desk.type_into("#join_name", shop)?;
    desk.type_into("#join_category", "5411")?;
    desk.follow("#join button")?;
    desk.until("#leave")?;
    visitor.visit("points-programme")
}

#[test]
fn an_administrator_makes_a_programme() -> Result<()> {
    let town = Town::open()?;
    let desk = Chromium::start(Scripts::Allowed)?;
    let mut visitor = Visitor::new(&desk, LANGUAGES[0]);
    visitor.sign_in(town.service.url(), ADMINISTRATOR)?;
    let programmes = [("测试街积分", Place::Shop), ("Test Street", Place::Gate)];
    for (language, (name, shop)) in LANGUAGES.into_iter().zip(programmes) {
        visitor.language = language;
        speak(&desk, language)?;
        programme(&desk, &mut visitor, name, shop.organisation())?;
    }
    assert!(visitor.noted.is_empty(), "{:#?}", visitor.noted);
    Ok(())
}
