//! What is noted of terminals, and what somebody finds, on a real database and through the pages.

use axum::http::StatusCode;
use card_schema::card::Slot;
use card_schema::envelope::Kid;
use card_schema::envelope::tap::Tap;
use card_schema::money::Fen;
use card_schema::operation::terminal::{AbandonReason, Abandoned};
use card_schema::operation::{Operation, OperationCode, gate, purse};
use uuid::Uuid;

use super::model::{Bounds, Rule};
use super::{look, store};
use crate::cards::{Bearer, CardState};
use crate::people::{Staff, StaffRole};
use crate::testing::shop::{Shop, pay, top_up};
use crate::testing::town::{Signed, TestCard, TestTerminal, card_of, holder_in, terminal_beside, terminal_in};

const BOUNDS: Bounds = Bounds { apart_s: 30, too_fast: 2, cards: 3, refunds: 2, wrong_pins: 2 };
const DONE: StatusCode = StatusCode::SEE_OTHER;
const WRONG: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;

impl Shop {
    /// The card at a terminal, some seconds ago.
    async fn at(&self, terminal: &mut TestTerminal, card: &TestCard, operation: Operation, seconds_ago: i64) -> Signed {
        let at = self.office.app.now().plus_seconds(-seconds_ago);
        let tap = Tap { at, ..terminal.next(Some(card), operation) };
        let tap = terminal.sign(&tap, card.key(Slot::Tap), Kid::Card(Slot::Tap));
        self.brings(terminal, tap.clone()).await;
        tap
    }

    async fn brings(&self, terminal: &TestTerminal, tap: Signed) {
        self.office.intake.accept(terminal.id, &terminal.batch(&[tap])).await.unwrap();
    }

    /// A terminal of another shop.
    async fn elsewhere(&self) -> TestTerminal {
        terminal_in(&self.office.app.db, &OperationCode::ALL).await
    }

    async fn another_card(&self) -> TestCard {
        let holder = holder_in(&self.office.app.db).await;
        card_of(&self.office.app.db, Bearer::Holder(holder), CardState::Active).await
    }

    /// Whoever tries a PIN that is wrong.
    async fn wrong_pin(&mut self) {
        let tap = self.terminal.say(Operation::Abandoned(Abandoned { reason: AbandonReason::WrongPin }));
        self.brings(&self.terminal, tap).await;
    }

    /// What is noted, by terminal and rule.
    async fn noted(&self) -> Vec<(String, Rule)> {
        let noted = store::all(&mut self.office.app.db.read().await.unwrap(), 100).await.unwrap();
        let mut noted: Vec<_> =
            noted.iter().map(|noted| (noted.suspicion.terminal.to_string(), noted.suspicion.rule)).collect();
        noted.sort_by_key(|(terminal, rule)| (terminal.clone(), rule.name()));
        noted
    }

    async fn only(&self) -> Uuid {
        let noted = store::all(&mut self.office.app.db.read().await.unwrap(), 100).await.unwrap();
        assert_eq!(noted.len(), 1, "{noted:?}");
        noted[0].suspicion.id
    }

    async fn auditor(&self) -> Staff {
        self.office.member("test-auditor", StaffRole::Auditor).await
    }
}

fn refund(of: &Signed, at: card_schema::clock::Micros, fen: i64) -> Operation {
    let original = purse::Original { tap: of.id, at };
    Operation::PurseRefund(purse::Return { original, amount: Fen(fen) })
}

#[tokio::test]
async fn a_usual_day_is_not_noted() {
    let mut shop = Shop::new().await;
    shop.tap(top_up(5_000)).await;
    for fen in [100, 200, 300, 400] {
        shop.tap(pay(fen)).await;
    }
    for _ in 0..2 {
        shop.wrong_pin().await;
    }
    // What was refused does not count, whichever cards it names.
    let mut beside = terminal_beside(&shop.office.app.db, shop.terminal.id).await;
    for _ in 0..4 {
        let card = shop.another_card().await;
        shop.at(&mut beside, &card, pay(1), 0).await;
    }
    assert_eq!(look(&shop.office.app, BOUNDS).await.unwrap(), 0);
    assert_eq!(shop.noted().await, []);
}

#[tokio::test]
async fn a_card_that_is_at_two_shops_at_once_speaks_against_both_terminals() {
    let shop = Shop::new().await;
    let (mut here, mut there, card) = (shop.elsewhere().await, shop.elsewhere().await, shop.another_card().await);
    let mut beside = terminal_beside(&shop.office.app.db, here.id).await;
    for _ in 0..3 {
        shop.at(&mut here, &card, top_up(100), 0).await;
        shop.at(&mut beside, &card, pay(1), 0).await;
    }
    assert_eq!(look(&shop.office.app, BOUNDS).await.unwrap(), 0, "the tills of one shop are one place");
    // What has waited says nothing of when the card was there, and gates are not counted.
    for _ in 0..3 {
        shop.at(&mut there, &card, pay(1), 60).await;
        shop.at(&mut there, &card, Operation::GateCheck(gate::Check), 0).await;
    }
    assert_eq!(look(&shop.office.app, BOUNDS).await.unwrap(), 0);
    for _ in 0..3 {
        shop.at(&mut there, &card, pay(1), 0).await;
        shop.at(&mut here, &card, pay(1), 0).await;
    }
    assert_eq!(look(&shop.office.app, BOUNDS).await.unwrap(), 2);
    let mut expected = [here.id, there.id].map(|terminal| (terminal.to_string(), Rule::TooFast));
    expected.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(shop.noted().await, expected);
}

#[tokio::test]
async fn many_cards_many_wrong_pins_and_more_refunds_than_sales_are_each_noted_once() {
    let mut shop = Shop::new().await;
    shop.tap(top_up(5_000)).await;
    // Sold the day before yesterday as far as the counts go: the sale is of another terminal of the shop.
    let mut beside = terminal_beside(&shop.office.app.db, shop.terminal.id).await;
    let at = shop.office.app.now();
    let tap = Tap { at, ..beside.next(Some(&shop.card), pay(1_000)) };
    let sale = beside.sign(&tap, shop.card.key(Slot::Tap), Kid::Card(Slot::Tap));
    shop.brings(&beside, sale.clone()).await;
    shop.tap(pay(299)).await;
    for _ in 0..3 {
        shop.tap(refund(&sale, at, 100)).await;
        shop.wrong_pin().await;
    }
    for _ in 0..3 {
        let (mut terminal, card) = (shop.elsewhere().await, shop.another_card().await);
        std::mem::swap(&mut terminal, &mut shop.terminal);
        shop.at(&mut terminal, &card, top_up(1), 0).await;
        shop.terminal = terminal;
    }
    assert_eq!(look(&shop.office.app, BOUNDS).await.unwrap(), 3);
    let terminal = shop.terminal.id.to_string();
    let expected = [Rule::ManyCards, Rule::RefundsOverSales, Rule::WrongPins].map(|rule| (terminal.clone(), rule));
    assert_eq!(shop.noted().await, expected);
    assert_eq!(look(&shop.office.app, BOUNDS).await.unwrap(), 0, "nobody has looked");
    assert_eq!(shop.number("SELECT COUNT(*) FROM leaf WHERE kind = 67").await, 3);
    assert_eq!(shop.number("SELECT sold FROM suspicion WHERE rule = 'refunds_over_sales'").await, 299);
    assert_eq!(shop.number("SELECT refunded FROM suspicion WHERE rule = 'refunds_over_sales'").await, 300);
}

#[tokio::test]
async fn an_auditor_looks_and_says_what_is_behind_it_and_nothing_was_blocked() {
    let mut shop = Shop::new().await;
    shop.tap(top_up(5_000)).await;
    for _ in 0..3 {
        shop.wrong_pin().await;
    }
    assert_eq!(look(&shop.office.app, BOUNDS).await.unwrap(), 1);
    let auditor = shop.auditor().await;
    let home = shop.see(&auditor, "/").await.page;
    assert!(home.contains("/suspicions") && home.contains("class=\"count\">1<"), "{home}");
    let page = format!("/suspicions/{}", shop.only().await);
    let list = shop.see(&auditor, "/suspicions").await.page;
    assert!(list.contains(&page) && list.contains("Many wrong PINs"), "{list}");
    let looks = shop.number("SELECT COUNT(*) FROM activity_read").await;
    let seen = shop.see(&auditor, &page).await.page;
    assert!(seen.contains("3 wrong PINs; up to 2 are usual") && seen.contains("Look at it"), "{seen}");
    assert_eq!(shop.number("SELECT COUNT(*) FROM activity_read").await, looks + 1, "nobody looks unseen");

    let missing = shop.send(&auditor, &page, "act=review").await;
    assert_eq!(missing.status, WRONG);
    assert!(missing.page.contains("Choose what was found"), "{}", missing.page);
    assert_eq!(shop.send(&auditor, &page, "act=review&finding=explained").await.status, DONE);
    let late = shop.send(&auditor, &page, "act=review&finding=passed_on").await;
    assert_eq!(late.status, WRONG);
    assert!(late.page.contains("Somebody else has recorded what was found"), "{}", late.page);
    let seen = shop.see(&auditor, &page).await.page;
    assert!(seen.contains("There is a good reason, test-auditor"), "{seen}");
    assert_eq!(shop.number("SELECT COUNT(*) FROM leaf WHERE kind = 68").await, 1);
    assert_eq!(look(&shop.office.app, BOUNDS).await.unwrap(), 0, "of this day it is known");

    shop.tap(pay(100)).await;
    assert_eq!(shop.balance().await, 4_900, "the terminal goes on");
    let unknown = shop.see(&auditor, &format!("/suspicions/{}", Uuid::from_u128(9))).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_taps_that_speak_for_it_are_shown_without_anybodys_name() {
    let shop = Shop::new().await;
    let (mut here, mut there, card) = (shop.elsewhere().await, shop.elsewhere().await, shop.another_card().await);
    shop.at(&mut here, &card, top_up(100), 0).await;
    for _ in 0..3 {
        shop.at(&mut there, &card, pay(1), 0).await;
        shop.at(&mut here, &card, pay(1), 0).await;
    }
    assert_eq!(look(&shop.office.app, BOUNDS).await.unwrap(), 2);
    let auditor = shop.auditor().await;
    let noted = store::all(&mut shop.office.app.db.read().await.unwrap(), 100).await.unwrap();
    let of_there = noted.iter().find(|noted| noted.suspicion.terminal == there.id).unwrap();
    let of_here = noted.iter().find(|noted| noted.suspicion.terminal == here.id).unwrap();
    let seen = shop.see(&auditor, &format!("/suspicions/{}", of_there.suspicion.id)).await.page;
    let also = format!("also at {}", of_here.organisation);
    assert_eq!(seen.matches(&also).count(), 3, "{seen}");
    assert!(seen.contains("0.01 yuan") && !seen.contains(&card.id.to_string()), "{seen}");
}
