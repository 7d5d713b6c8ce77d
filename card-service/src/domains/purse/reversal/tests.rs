//! Reversals through the pages, on a real database: what moves, what is refused and how, what takes two.

use axum::http::StatusCode;
use card_schema::money::Fen;
use card_schema::operation::{Operation, gate, registration};

use super::pages::address;
use super::store;
use crate::cards::{Bearer, CardState};
use crate::db::query;
use crate::people::{Staff, StaffRole};
use crate::testing::Shown;
use crate::testing::shop::{Shop, along, pay, top_up};
use crate::testing::town::card_of;

mod limit;

const DONE: StatusCode = StatusCode::SEE_OTHER;
const WRONG: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;

impl Shop {
    /// Where a tap is reversed.
    pub(crate) fn page(&self, tap: i64) -> String {
        format!("{}?purpose=complaint", address(self.card.id, tap))
    }

    /// Opens the page of a tap and sends its form.
    pub(crate) async fn reverse(&self, who: &Staff, tap: i64, form: &str) -> Shown {
        let opened = self.see(who, &self.page(tap)).await;
        let form = format!("act=reverse&id={}&{form}", form_id(&opened.page));
        self.send(who, &self.page(tap), &form).await
    }
}

/// The id that goes along with the form of a page.
fn form_id(page: &str) -> &str {
    along(page, "id")
}

#[tokio::test]
async fn a_payment_goes_back_in_parts_and_the_next_tap_knows() {
    let mut shop = Shop::new().await;
    shop.tap(top_up(5_000)).await;
    let paid = shop.tap(pay(1_250)).await;
    let supervisor = shop.supervisor.clone();
    let opened = shop.see(&supervisor, &shop.page(paid)).await;
    for said in ["Payment of 12.50 yuan", "value=\"12.50\"", "Booked", "Test Till", "no more than 200.00 yuan alone"] {
        assert!(opened.page.contains(said), "{said}: {}", opened.page);
    }
    let done = shop.reverse(&supervisor, paid, "amount=5&reason=wrong_amount").await;
    assert_eq!((done.status, done.leads_to), (DONE, shop.page(paid)));
    assert_eq!(shop.balance().await, 4_250);
    let seen = shop.see(&supervisor, &shop.page(paid)).await.page;
    for said in ["Reversed in part", "5.00 yuan, Wrong amount, one", "value=\"7.50\"", "<dd>7.50 yuan</dd>"] {
        assert!(seen.contains(said), "{said}: {seen}");
    }
    // One leaf speaks for what moved, one for who did it.
    assert_eq!(shop.number("SELECT COUNT(*) FROM leaf WHERE kind IN (11, 15)").await, 2);
    // What intake remembers of the purse is not the last word.
    shop.tap(pay(4_000)).await;
    assert_eq!(shop.balance().await, 250);

    assert_eq!(shop.reverse(&supervisor, paid, "amount=7.50&reason=returned").await.status, DONE);
    assert_eq!(shop.balance().await, 1_000);
    let seen = shop.see(&supervisor, &shop.page(paid)).await.page;
    assert!(seen.contains(">Reversed<") || seen.contains("Reversed</span>"), "{seen}");
    assert!(!seen.contains("name=\"amount\""), "nothing is left: {seen}");
    let list = shop.see(&supervisor, "/activity?purpose=complaint").await.page;
    assert!(list.contains("12.50 reversed") && list.contains(&format!("/taps/{paid}?purpose=complaint")), "{list}");
    let (status, listed) = {
        let session = shop.office.session(&supervisor).await;
        let path = format!("/v1/cards/{}/activity?purpose=complaint", shop.card.id);
        shop.office.public("GET", &path, Some(&session), None).await
    };
    assert_eq!(status, StatusCode::OK);
    let reversed: Vec<_> = listed["taps"].as_array().unwrap().iter().map(|tap| &tap["reversed_fen"]).collect();
    assert!(reversed.contains(&&1_250.into()) && reversed.contains(&&0.into()), "{reversed:?}");
}

#[tokio::test]
async fn what_cannot_be_reversed_is_said_at_its_field_and_moves_nothing() {
    let mut shop = Shop::new().await;
    shop.tap(top_up(5_000)).await;
    let paid = shop.tap(pay(1_250)).await;
    let supervisor = shop.supervisor.clone();
    for (form, field, said) in [
        ("reason=twice", "amount", "at most two decimals"),
        ("amount=&reason=twice", "amount", "at most two decimals"),
        ("amount=0&reason=twice", "amount", "at most two decimals"),
        ("amount=-1&reason=twice", "amount", "at most two decimals"),
        ("amount=1.234&reason=twice", "amount", "at most two decimals"),
        ("amount=12.51&reason=twice", "amount", "At most 12.50 yuan is left"),
        ("amount=99999999999999&reason=twice", "amount", "At most 12.50 yuan is left"),
        ("amount=3", "reason-twice", "Choose why"),
        ("amount=3&reason=whatever", "reason-twice", "Choose why"),
    ] {
        let answered = shop.reverse(&supervisor, paid, form).await;
        assert_eq!(answered.status, WRONG, "{form}");
        let way = format!("href=\"#{field}\"");
        assert!(answered.page.contains(said) && answered.page.contains(&way), "{form}: {}", answered.page);
        if let Some(typed) = form.strip_prefix("amount=").and_then(|form| form.split('&').next()) {
            assert!(answered.page.contains(&format!("value=\"{typed}\"")), "{form} stays: {}", answered.page);
        }
    }
    // A reason of the other kind, and a form that is none.
    let wrong = shop.reverse(&supervisor, paid, "amount=3&reason=mistaken").await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    let wrong = shop.send(&supervisor, &shop.page(paid), "amount=3&reason=twice").await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    let asked = shop.send(&supervisor, &address(shop.card.id, paid), "amount=3&reason=twice").await;
    assert!(asked.page.contains("name=\"purpose\""), "no purpose is stated: {}", asked.page);
    assert_eq!(shop.balance().await, 3_750);
    assert_eq!(shop.number("SELECT COUNT(*) FROM purse_reversal").await, 0);
    assert_eq!(shop.number("SELECT COUNT(*) FROM leaf WHERE kind IN (11, 15)").await, 0);
}

#[tokio::test]
async fn a_top_up_that_was_spent_goes_back_as_far_as_the_purse_holds() {
    let mut shop = Shop::new().await;
    let topped_up = shop.tap(top_up(5_000)).await;
    shop.tap(pay(4_100)).await;
    let supervisor = shop.supervisor.clone();
    let short = shop.reverse(&supervisor, topped_up, "amount=50&reason=mistaken").await;
    assert_eq!(short.status, WRONG);
    assert!(short.page.contains("at most 9.00 yuan can be reversed now"), "{}", short.page);
    assert_eq!(shop.reverse(&supervisor, topped_up, "amount=9&reason=mistaken").await.status, DONE);
    assert_eq!(shop.balance().await, 0);
    let short = shop.reverse(&supervisor, topped_up, "amount=0.01&reason=mistaken").await;
    assert!(short.page.contains("at most 0.00 yuan can be reversed now"), "{}", short.page);
    assert_eq!(shop.number("SELECT MIN(balance) FROM account WHERE kind = 1").await, 0, "no purse goes below zero");
}

#[tokio::test]
async fn a_form_that_is_sent_twice_books_once() {
    let mut shop = Shop::new().await;
    shop.tap(top_up(50_000)).await;
    let paid = shop.tap(pay(45_000)).await;
    let supervisor = shop.supervisor.clone();
    let other = shop.office.member("other", StaffRole::Supervisor).await;
    let page = shop.page(paid);
    let id = form_id(&shop.see(&supervisor, &page).await.page).to_owned();
    let form = format!("id={id}&amount=3&reason=twice");
    for _ in 0..2 {
        assert_eq!(shop.send(&supervisor, &page, &form).await.leads_to, page);
    }
    assert_eq!(shop.balance().await, 5_300);
    // Not with another amount, and by nobody else.
    let changed = format!("id={id}&amount=4&reason=twice");
    let told = shop.send(&supervisor, &page, &changed).await;
    assert!(told.status == WRONG && told.page.contains("This form was sent before"), "{}", told.page);
    assert_ne!(form_id(&told.page), id, "the next one is another form");
    assert_eq!(shop.send(&other, &page, &form).await.status, WRONG);
    assert_eq!(shop.balance().await, 5_300);

    // The same where it takes two: one form, one request.
    let id = form_id(&shop.see(&supervisor, &page).await.page).to_owned();
    let form = format!("id={id}&amount=300&reason=twice");
    for _ in 0..2 {
        assert_eq!(shop.send(&supervisor, &page, &form).await.leads_to, format!("/approvals/{id}"));
    }
    assert_eq!(shop.send(&other, &page, &form).await.status, WRONG, "it is another's form");
    let same = shop.reverse(&supervisor, paid, "amount=300&reason=twice").await;
    assert!(same.status == WRONG && same.page.contains("waits for a second person already"), "{}", same.page);
    assert_eq!(shop.number("SELECT COUNT(*) FROM approval").await, 1);
    let request = format!("/approvals/{id}");
    assert_eq!(shop.send(&other, &request, "act=refuse&reason=unfounded").await.status, DONE);
    // A request that was answered does not come back to life with its form.
    assert_eq!(shop.send(&supervisor, &page, &form).await.leads_to, request);
    assert_eq!(shop.send(&other, &request, "act=approve").await.status, WRONG);
    assert_eq!(shop.balance().await, 5_300);
}

#[tokio::test]
async fn only_what_has_moved_money_has_a_page_and_only_on_its_own_card() {
    let mut shop = Shop::new().await;
    let paid_nothing = shop.tap(pay(100)).await;
    let topped_up = shop.tap(top_up(500)).await;
    let gate = shop.tap(Operation::GateCheck(gate::Check)).await;
    let consent = shop.tap(Operation::RegistrationConsent(registration::Consent { text: [7; 32] })).await;
    let supervisor = shop.supervisor.clone();
    let another = card_of(&shop.office.app.db, Bearer::Holder(shop.holder), CardState::Active).await;
    let form = format!("id={}&amount=1&reason=mistaken", shop.office.app.new_id());
    let looks = shop.number("SELECT COUNT(*) FROM activity_read").await;
    for (what, card, tap) in [
        ("a payment that was refused", shop.card.id, paid_nothing),
        ("a gate", shop.card.id, gate),
        ("a consent", shop.card.id, consent),
        ("nothing", shop.card.id, 999_999),
        ("another card's tap", another.id, topped_up),
    ] {
        let page = format!("{}?purpose=complaint", address(card, tap));
        for answered in [shop.see(&supervisor, &page).await, shop.send(&supervisor, &page, &form).await] {
            assert_eq!(answered.status, StatusCode::NOT_FOUND, "{what}");
            assert!(answered.page.contains("No money was booked there"), "{what}: {}", answered.page);
        }
    }
    assert_eq!(shop.number("SELECT COUNT(*) FROM activity_read").await, looks, "nothing was seen");
    shop.see(&supervisor, &shop.page(topped_up)).await;
    assert_eq!(shop.number("SELECT COUNT(*) FROM activity_read").await, looks + 1, "every look is written down");
    for role in [StaffRole::Clerk, StaffRole::Auditor, StaffRole::Operator] {
        let who = shop.office.member(role.name(), role).await;
        let seen = shop.see(&who, &shop.page(topped_up)).await;
        assert_eq!(seen.status, StatusCode::OK, "{role:?}");
        assert!(!seen.page.contains("name=\"amount\""), "{role:?}: {}", seen.page);
        let form = form.replace("amount=1", "amount=2");
        assert_eq!(shop.send(&who, &shop.page(topped_up), &form).await.status, StatusCode::FORBIDDEN, "{role:?}");
    }
    assert_eq!(shop.balance().await, 500);
}

#[tokio::test]
async fn the_transfers_of_every_tap_are_found_among_many() {
    let mut shop = Shop::new().await;
    let mut taps = Vec::new();
    for step in 1..=20 {
        let operation = if step % 3 == 0 { Operation::GateCheck(gate::Check) } else { top_up(step) };
        taps.push((shop.tap(operation).await, step));
    }
    let mut connection = shop.office.app.db.read().await.unwrap();
    for (tap, step) in taps {
        let booked = store::booked(&mut connection, shop.card.id, tap).await.unwrap();
        let amount = booked.map(|booked| booked.moved.entry.transfer.amount);
        assert_eq!(amount, (step % 3 != 0).then_some(step), "{tap}");
    }
}
