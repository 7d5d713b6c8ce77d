//! What a holder pays on one day, and how often without PIN: by the service's clock, with whichever card.

use card_schema::date::Date;
use card_schema::ids::HolderId;

use super::*;
use crate::cards::Bearer;
use crate::domains::purse::{HolderDay, Spent, store};
use crate::testing::town::{DAY_LIMITS, card_of, holder_in, set_state};

const DAY: i64 = 86_400;
const COUNTED: &str = "SELECT CAST(COALESCE(SUM(paid), 0) AS BIGINT) FROM purse_day";

/// Accepted by the terminal on its own.
fn pay_offline(fen: i64) -> Operation {
    Operation::PursePayment(purse::Payment { accepted_offline: true, ..purse::Payment::online(Fen(fen)) })
}

/// A holder who has paid on this day already.
struct Scene {
    town: Town,
    shop: TestTerminal,
    holder: HolderId,
    card: TestCard,
}

impl Scene {
    async fn new(paid: i64, without_pin: u32) -> Self {
        let town = Town::new().await;
        let mut shop = town.terminal().await;
        let holder = holder_in(&town.scratch.db).await;
        let card = card_of(&town.scratch.db, Bearer::Holder(holder), CardState::Active).await;
        let cash = shop.tap(&card, Slot::Tap, top_up(500_000));
        assert_eq!(outcome(&town, &shop, &cash).await, Outcome::Accepted);
        let day = HolderDay { shard: holder.shard(), holder, day: Date::in_china(START) };
        let before = Spent { paid: Fen(paid), without_pin, ..Spent::default() };
        let written = town
            .scratch
            .db
            .write::<_, DbError, _>(move |tx| Box::pin(async move { store::add(tx.conn(), &[(day, before)]).await }));
        written.await.unwrap();
        Self { town, shop, holder, card }
    }

    /// The card at the shop, by the service's clock of now.
    async fn tap(&mut self, slot: Slot, operation: Operation) -> Outcome {
        let tap = Tap { at: self.town.now(), ..self.shop.next(Some(&self.card), operation) };
        let tap = self.shop.sign(&tap, self.card.key(slot), Kid::Card(slot));
        outcome(&self.town, &self.shop, &tap).await
    }
}

#[tokio::test]
async fn a_holder_pays_no_more_on_a_day_than_is_allowed_and_again_on_the_next() {
    let most = DAY_LIMITS.paid.0;
    let mut scene = Scene::new(most - 1_000, 0).await;
    assert_eq!(scene.tap(Slot::Tap, pay(1_001)).await, Outcome::DayLimitReached);
    assert_eq!(scene.tap(Slot::Approve, pay(1_001)).await, Outcome::DayLimitReached, "the PIN does not help");
    assert_eq!(scene.tap(Slot::Tap, pay(900)).await, Outcome::Accepted);
    assert_eq!(scene.tap(Slot::Tap, pay(101)).await, Outcome::DayLimitReached, "what was refused does not count");
    // Cash does not count.
    assert_eq!(scene.tap(Slot::Tap, top_up(5_000)).await, Outcome::Accepted);
    // Two in one batch are counted one after the other.
    let taps = [pay(60), pay(60)].map(|operation| scene.shop.tap(&scene.card, Slot::Tap, operation));
    let both = scene.town.submit(&scene.shop, &taps).await;
    let both: Vec<_> = both.iter().map(|tap| tap.outcome).collect();
    assert_eq!(both, [Outcome::Accepted, Outcome::DayLimitReached]);
    assert_eq!(scene.town.number(COUNTED).await, most - 40);
    // Another card of the same holder is the same holder.
    let other = card_of(&scene.town.scratch.db, Bearer::Holder(scene.holder), CardState::Active).await;
    let first = std::mem::replace(&mut scene.card, other);
    assert_eq!(scene.tap(Slot::Tap, pay(41)).await, Outcome::DayLimitReached);
    scene.card = first;
    scene.town.later(DAY);
    assert_eq!(scene.tap(Slot::Tap, pay(1_001)).await, Outcome::Accepted);
}

#[tokio::test]
async fn after_some_payments_without_pin_it_is_asked_for_until_the_day_is_over() {
    let mut scene = Scene::new(0, DAY_LIMITS.without_pin - 1).await;
    assert_eq!(scene.tap(Slot::Approve, pay(10)).await, Outcome::Accepted, "this one does not count");
    assert_eq!(scene.tap(Slot::Tap, pay(10)).await, Outcome::Accepted);
    assert_eq!(scene.tap(Slot::Tap, pay(10)).await, Outcome::PinRequired);
    assert_eq!(scene.tap(Slot::Approve, pay(10)).await, Outcome::Accepted);
    assert_eq!(scene.tap(Slot::Tap, GATE).await, Outcome::Accepted, "only payments are counted");
    scene.town.later(DAY);
    assert_eq!(scene.tap(Slot::Tap, pay(10)).await, Outcome::Accepted);
}

#[tokio::test]
async fn what_a_terminal_accepted_on_its_own_stands_and_counts_on_its_own_day() {
    let mut scene = Scene::new(DAY_LIMITS.paid.0, DAY_LIMITS.without_pin).await;
    let tap = scene.shop.tap(&scene.card, Slot::Tap, pay_offline(700));
    // It comes in three days later.
    scene.town.later(3 * DAY);
    assert_eq!(outcome(&scene.town, &scene.shop, &tap).await, Outcome::Accepted);
    assert_eq!(scene.town.number(COUNTED).await, DAY_LIMITS.paid.0 + 700);
    assert_eq!(scene.tap(Slot::Tap, pay(10_000)).await, Outcome::Accepted, "today is another");
    let of_days = "SELECT COUNT(*) FROM purse_day";
    assert_eq!(scene.town.number(of_days).await, 2);
    let today = Date::in_china(scene.town.now());
    let forgotten = scene
        .town
        .scratch
        .db
        .write::<_, DbError, _>(move |tx| Box::pin(async move { store::forget_old_days(tx, today).await }));
    forgotten.await.unwrap();
    assert_eq!(scene.town.number(of_days).await, 1, "a day that is over is forgotten");
}

#[tokio::test]
async fn what_a_thief_spends_is_not_on_the_holders_account() {
    let mut scene = Scene::new(0, 0).await;
    let before = scene.town.number(COUNTED).await;
    set_state(&scene.town.scratch.db, START, scene.card.id, CardState::Lost).await;
    let tap = Tap { at: START.plus_seconds(1), ..scene.shop.next(Some(&scene.card), pay_offline(700)) };
    let tap = scene.shop.sign(&tap, scene.card.key(Slot::Tap), Kid::Card(Slot::Tap));
    assert_eq!(outcome(&scene.town, &scene.shop, &tap).await, Outcome::Accepted);
    assert_eq!(scene.town.number(COUNTED).await, before);
}
