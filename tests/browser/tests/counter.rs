//! A shop takes payments in a real browser, on two screens: the merchant's and the holder's.

use anyhow::{Context, Result};
use browser::{
    Chromium, Scripts, Visitor, foreign,
    shop::{PIN, Shop},
    terminal_page::{enter, type_digits},
    visitor::{LANGUAGES, speak},
};
use serde_json::json;
use town::{Place, Town, wait};
use virtual_card::CardKind;

const WRONG_PIN: &str = "246802";

#[test]
fn a_merchant_is_paid_and_a_holder_sees_what_is_left_in_both_languages() -> Result<()> {
    let (merchant, holder) = (Chromium::start(Scripts::Allowed)?, Chromium::start(Scripts::Allowed)?);
    let mut shop = Shop::open(&merchant, &holder)?;
    let foreign = shop.town.pcscd.folder().join("foreign");
    shop.town.pcscd.cards().create_kind(&foreign, CardKind::Foreign)?;
    let (mut at_till, mut at_screen) =
        (Visitor::at_terminal(&merchant, LANGUAGES[0]), Visitor::at_terminal(&holder, LANGUAGES[0]));
    for (language, left) in LANGUAGES.into_iter().zip([["487.50", "357.50"], ["345.00", "215.00"]]) {
        (at_till.language, at_screen.language) = (language, language);
        speak(&merchant, language)?;
        speak(&holder, language)?;
        at_till.visit("counter-till")?;
        for (amount, case) in
            [("0", "zero"), ("-5", "negative"), ("1.234", "decimals"), ("合计12", "pasted"), ("5000.01", "over")]
        {
            shop.charge(amount)?;
            merchant.until("#amount-message")?;
            assert_eq!(merchant.attribute("#amount", "value")?, amount, "what was typed stays");
            if case == "decimals" {
                at_till.visit("counter-wrong-amount")?;
            }
        }
        // Small, without a PIN.
        type_digits(&merchant, "#amount", "12.50", true)?;
        merchant.follow("main form button.primary")?;
        holder.until(".payment")?;
        at_till.visit("counter-card")?;
        at_screen.visit("holder-card")?;
        shop.town.put(&foreign, Place::Shop)?;
        merchant.until(".result.again")?;
        at_till.visit("counter-again")?;
        assert_eq!(merchant.attribute("html", "data-heard")?, "again");
        shop.town.take(Place::Shop)?;
        shop.tap(".result.ok")?;
        assert_eq!(shop.balance()?, left[0]);
        assert_eq!(merchant.attribute("html", "data-heard")?, "yes");
        assert_eq!(merchant.count(".lead")?, 0, "the balance is the holder's");
        at_till.visit("counter-paid")?;
        at_screen.visit("holder-paid")?;
        shop.next()?;
        // Large, with a PIN that is wrong first, on the holder's own screen.
        shop.charge("130")?;
        holder.until("#pin")?;
        at_till.visit("counter-pin")?;
        at_screen.visit("holder-pin")?;
        type_digits(&holder, "#pin", WRONG_PIN, true)?;
        holder.follow("main form button.primary")?;
        let card = shop.card.clone();
        shop.town.put(&card, Place::Shop)?;
        holder.until("#pin-message")?;
        at_screen.visit("holder-wrong-pin")?;
        type_digits(&holder, "#pin", PIN, true)?;
        holder.follow("main form button.primary")?;
        merchant.until(".result.ok")?;
        assert_eq!(shop.balance()?, left[1]);
        shop.town.take(Place::Shop)?;
        shop.next()?;
        // What is left, for the holder alone.
        merchant.follow("a[href='/counter/balance']")?;
        merchant.until("a[href='/counter/balance'][aria-current]")?;
        at_till.visit("counter-balance")?;
        merchant.follow("main form button.primary")?;
        holder.until("#pin")?;
        at_screen.visit("holder-balance-pin")?;
        type_digits(&holder, "#pin", PIN, true)?;
        holder.follow("main form button.primary")?;
        shop.tap(".result.ok")?;
        assert_eq!(shop.balance()?, left[1], "nothing was charged");
        assert_eq!(merchant.count(".lead")?, 0, "the balance is the holder's");
        at_till.visit("counter-balance-told")?;
        at_screen.visit("holder-balance")?;
        merchant.follow("form[action$='/put-away'] button")?;
        merchant.until("a[href='/counter/balance'][aria-current]")?;
        merchant.follow("a[href='/counter/till']")?;
        merchant.until("#amount")?;
        // More than there is.
        shop.charge("999")?;
        shop.approve()?;
        shop.tap(".result.no")?;
        at_till.visit("counter-refused")?;
        at_screen.visit("holder-refused")?;
        assert_eq!(merchant.attribute("html", "data-heard")?, "no");
        shop.next()?;
        shop.charge("3")?;
        merchant.follow("form[action$='/give-up'] button")?;
        merchant.until(".result.no")?;
        at_till.visit("counter-given-up")?;
        shop.next()?;
        assert_eq!(holder.count(".low")?, 0, "there is enough");
    }
    // So much that not much is left.
    shop.charge("210")?;
    shop.approve()?;
    shop.tap(".result.ok")?;
    assert_eq!(shop.balance()?, "5.00");
    assert_eq!((holder.count(".low")?, merchant.count(".low")?), (1, 0), "the holder is told, and nobody else");
    at_screen.visit("holder-paid-and-low")?;
    assert!(at_till.noted.is_empty() && at_screen.noted.is_empty(), "{:#?}", (at_till.noted, at_screen.noted));
    Ok(())
}

#[test]
fn a_shop_gives_back_what_it_took_in_parts_or_at_once_and_no_more_in_both_languages() -> Result<()> {
    let (merchant, holder) = (Chromium::start(Scripts::Allowed)?, Chromium::start(Scripts::Allowed)?);
    let mut shop = Shop::open(&merchant, &holder)?;
    let (mut at_till, mut at_screen) =
        (Visitor::at_terminal(&merchant, LANGUAGES[0]), Visitor::at_terminal(&holder, LANGUAGES[0]));
    for language in LANGUAGES {
        (at_till.language, at_screen.language) = (language, language);
        speak(&merchant, language)?;
        speak(&holder, language)?;
        shop.charge("20")?;
        shop.tap(".result.ok")?;
        let sale = shop.receipt()?;
        merchant.follow("a[href^='/counter/taps/']")?;
        at_till.visit("counter-receipt-of-sale")?;
        merchant.follow("a[href$='/refund']")?;
        assert_eq!(merchant.attribute("#amount", "value")?, "20.00", "what is left");
        at_till.visit("counter-refund")?;
        for amount in ["0", "1.234", "20.01"] {
            shop.charge(amount)?;
            merchant.until("#amount-message")?;
            assert_eq!(merchant.attribute("#amount", "value")?, amount, "what was typed stays");
        }
        at_till.visit("counter-refund-over")?;
        // A part of it, given up once.
        shop.charge("5")?;
        merchant.until(".payment")?;
        at_till.visit("counter-refund-card")?;
        at_screen.visit("holder-refund-card")?;
        merchant.follow("form[action$='/give-up'] button")?;
        merchant.until(".result.no")?;
        at_till.visit("counter-refund-given-up")?;
        shop.next()?;
        for (amount, left, balance) in [("5", "20.00", "485.00"), ("15", "15.00", "500.00")] {
            merchant.open(&format!("{}{sale}/refund", shop.origin))?;
            assert_eq!(merchant.attribute("#amount", "value")?, left);
            shop.charge(amount)?;
            merchant.until(".payment")?;
            shop.tap(".result.ok")?;
            assert_eq!(shop.balance()?, balance);
            at_till.visit("counter-refunded")?;
            at_screen.visit("holder-refunded")?;
            // What has gone back does not go back again.
            merchant.follow("a[href^='/counter/taps/']")?;
            at_till.visit("counter-receipt-of-refund")?;
            assert_eq!(merchant.count("a[href$='/refund'], button[form=void]")?, 0);
            merchant.follow("a[href='/counter']")?;
            shop.next()?;
        }
        merchant.open(&format!("{}{sale}", shop.origin))?;
        assert_eq!(merchant.count("a[href$='/refund'], button[form=void]")?, 0, "nothing is left");
        merchant.follow("a[href='/counter']")?;
        // Mistyped, and undone at once.
        shop.charge("3")?;
        shop.tap(".result.ok")?;
        assert_eq!(shop.balance()?, "497.00");
        merchant.follow("a[href^='/counter/taps/']")?;
        merchant.follow("button[form=void]")?;
        merchant.until(".payment")?;
        at_till.visit("counter-void-card")?;
        shop.tap(".result.ok")?;
        assert_eq!(shop.balance()?, "500.00");
        at_till.visit("counter-voided")?;
        at_screen.visit("holder-voided")?;
        shop.next()?;
    }
    shop.charge("1")?;
    shop.tap(".result.ok")?;
    let sale = shop.receipt()?;
    shop.next()?;
    shop.town.service.process().stop()?;
    merchant.until("header .state.no")?;
    merchant.open(&format!("{}{sale}", shop.origin))?;
    assert_eq!(merchant.count("a[href$='/refund'], button[form=void]")?, 0, "not without network");
    merchant.until("p.hint")?;
    at_till.visit("counter-receipt-offline")?;
    assert!(at_till.noted.is_empty() && at_screen.noted.is_empty(), "{:#?}", (at_till.noted, at_screen.noted));
    Ok(())
}

#[test]
fn a_holder_who_paid_often_enough_types_the_pin_within_the_same_sale_and_pays_no_more_than_a_day_allows() -> Result<()>
{
    let (merchant, holder) = (Chromium::start(Scripts::Allowed)?, Chromium::start(Scripts::Allowed)?);
    let mut shop = Shop::open(&merchant, &holder)?;
    shop.town.service.set("CARD_SERVICE_LIMITS__NO_PIN_COUNT", "1");
    shop.town.service.set("CARD_SERVICE_LIMITS__DAY_FEN", "3000");
    shop.town.service.process().stop()?;
    shop.town.service.start()?;
    shop.town.at(Place::Shop).local()?.post("/v1/outbox/retry", &json!({}))?.success()?;
    wait::until("the shop is online", || Ok((merchant.count("header .state.no")? == 0).then_some(())))?;
    shop.charge("10")?;
    shop.tap(".result.ok")?;
    shop.next()?;
    let (mut at_till, mut at_screen) =
        (Visitor::at_terminal(&merchant, LANGUAGES[0]), Visitor::at_terminal(&holder, LANGUAGES[0]));
    shop.charge("12.50")?;
    let card = shop.card.clone();
    shop.town.put(&card, Place::Shop)?;
    holder.until("#pin-message")?;
    for language in LANGUAGES {
        (at_till.language, at_screen.language) = (language, language);
        speak(&merchant, language)?;
        speak(&holder, language)?;
        at_till.visit("counter-pin-wanted")?;
        at_screen.visit("holder-pin-wanted")?;
    }
    // The card may stay where it is.
    type_digits(&holder, "#pin", PIN, true)?;
    holder.follow("main form button.primary")?;
    merchant.until(".result.ok")?;
    assert_eq!(shop.balance()?, "477.50", "charged once");
    shop.town.take(Place::Shop)?;
    shop.next()?;
    // Once more, and the holder does not want to: nothing is charged.
    shop.charge("1")?;
    shop.town.put(&card, Place::Shop)?;
    holder.until("#pin-message")?;
    holder.follow("button[form='give-up']")?;
    merchant.until(".result")?;
    shop.town.take(Place::Shop)?;
    shop.next()?;
    // 7.51 would be a fen too much for the day.
    shop.charge("7.51")?;
    shop.tap(".result.no")?;
    at_till.visit("counter-day-limit")?;
    shop.next()?;
    merchant.follow("a[href='/counter/taps']")?;
    assert_eq!(merchant.count("tbody .state.ok")?, 2, "what was refused is there, too");
    assert_eq!(merchant.count("tbody tr")?, 5);
    assert!(at_till.noted.is_empty() && at_screen.noted.is_empty(), "{:#?}", (at_till.noted, at_screen.noted));
    Ok(())
}

#[test]
fn a_sale_is_one_tap_however_often_it_is_sent_and_however_the_card_moves() -> Result<()> {
    let (merchant, holder) = (Chromium::start(Scripts::Allowed)?, Chromium::start(Scripts::Allowed)?);
    let mut shop = Shop::open(&merchant, &holder)?;
    // The same form twenty times at once, as from a finger that trembles; and another sale meanwhile.
    let statuses = merchant.run(
        "const [done] = arguments;
         const form = new FormData(document.querySelector('main form'));
         form.set('amount', '4');
         const send = (form) => fetch('/counter/till', { method: 'POST', body: new URLSearchParams(form) })
           .then((reply) => reply.status);
         Promise.all(Array.from({ length: 20 }, () => send(form))).then(async (statuses) => {
           form.set('id', '11111111-1111-4111-8111-111111111111');
           statuses.push(await send(form));
           done(statuses);
         });",
        &[],
    )?;
    let expected: Vec<u16> = [200; 20].into_iter().chain([409]).collect();
    assert_eq!(statuses, json!(expected));
    merchant.until(".payment")?;
    shop.tap(".result.ok")?;
    assert_eq!(shop.balance()?, "496.00");

    // A card that was wrong about its PIN is the only one that may go on.
    let other = shop.town.pcscd.new_card("other")?;
    shop.town.put(&other, Place::Station)?;
    let person = shop.town.office.register("测试他人", "110000199001010136")?;
    shop.town.issue(person, PIN)?;
    shop.town.take(Place::Station)?;
    shop.next()?;
    shop.charge("200")?;
    holder.until("#pin")?;
    type_digits(&holder, "#pin", WRONG_PIN, false)?;
    holder.follow("main form button.primary")?;
    let card = shop.card.clone();
    shop.town.put(&card, Place::Shop)?;
    holder.until("#pin-message")?;
    shop.town.take(Place::Shop)?;
    type_digits(&holder, "#pin", PIN, false)?;
    holder.follow("main form button.primary")?;
    shop.town.put(&other, Place::Shop)?;
    merchant.until(".result.again")?;
    shop.town.take(Place::Shop)?;
    shop.tap(".result.ok")?;
    assert_eq!(shop.balance()?, "296.00");
    Ok(())
}

#[test]
fn a_holders_screen_opens_nothing_of_the_counter() -> Result<()> {
    let mut town = Town::open()?;
    let browser = Chromium::start(Scripts::Allowed)?;
    let link = enter(&mut town, Place::Shop, &browser)?;
    let origin = link.split_once("/enter/").context("a link to a page")?.0;
    for path in ["/counter", "/counter/till", "/counter/taps", "/counter/live"] {
        browser.open(&format!("{origin}{path}"))?;
        assert_eq!(browser.count("header")?, 0, "{path}");
    }
    browser.open(&format!("{origin}/"))?;
    browser.until("header")
}

#[test]
fn no_other_page_charges_though_the_browser_was_let_in_and_the_card_hears_nothing() -> Result<()> {
    let (merchant, holder) = (Chromium::start(Scripts::Allowed)?, Chromium::start(Scripts::Allowed)?);
    let mut shop = Shop::open(&merchant, &holder)?;
    let (card, origin) = (shop.card.clone(), shop.origin.clone());
    shop.town.put(&card, Place::Shop)?;
    let slot = Place::Shop as usize;
    let before = shop.town.pcscd.cards().apdus(slot)?;
    // A sale that waits for its PIN: what another page would like to answer, or end.
    shop.charge("200")?;
    merchant.until("#pin")?;
    let pin = merchant.attribute("form[action$='/pin']", "action")?;
    let give_up = merchant.attribute("form[action$='/give-up']", "action")?;
    let site = foreign::prize()?;
    let body = format!("id=11111111-1111-4111-8111-111111111111&amount=1&pin={PIN}");
    for host in foreign::HOSTS {
        for path in ["/counter/till", "/counter/top-up", &pin, &give_up] {
            foreign::open(&merchant, &site, host)?;
            foreign::post(&merchant, &format!("{origin}{path}"), &body)?;
        }
        for path in ["/counter", "/counter/taps", "/counter/live"] {
            foreign::open(&merchant, &site, host)?;
            foreign::read(&merchant, &format!("{origin}{path}"))?;
        }
    }
    assert_eq!(shop.town.pcscd.cards().apdus(slot)?, before, "the card was asked nothing");
    // All that was missing was to be the daemon's own page.
    merchant.open(&format!("{origin}/counter"))?;
    type_digits(&merchant, "#pin", PIN, false)?;
    merchant.follow("main form button.primary")?;
    merchant.until(".result.ok")
}

#[test]
fn and_without_scripts() -> Result<()> {
    let (merchant, holder) = (Chromium::start(Scripts::Off)?, Chromium::start(Scripts::Off)?);
    let mut shop = Shop::open(&merchant, &holder)?;
    shop.charge("150")?;
    shop.approve()?;
    shop.tap(".result.ok")?;
    holder.open(&format!("{}/", shop.origin))?;
    assert_eq!(shop.balance()?, "350.00");
    shop.next()
}
