//! Top-ups above the limit: with the approval of a member of staff right before, and in no other way.

use card_schema::date::Date;

use super::*;
use crate::cards::{self, Bearer};
use crate::domains::purse::{HolderDay, Spent, store as purse_days};
use crate::people::member;
use crate::people::member::model::Post;
use crate::people::{Staff, StaffId, StaffRole};
use crate::testing::town::{POLICY, card_of, holder_in, terminal_beside};

/// More than nobody has to approve.
const MUCH: i64 = 1_001;
const PURSES: &str = "SELECT CAST(COALESCE(SUM(balance), 0) AS BIGINT) FROM account WHERE kind = 1";

/// A station with a clerk's card and a holder's.
struct Scene {
    town: Town,
    station: TestTerminal,
    clerk: TestCard,
    card: TestCard,
}

/// A card of a new member of staff.
async fn staff_card(town: &Town, role: StaffRole, signs_in: bool) -> TestCard {
    let (staff_id, name) = (StaffId(uuid::Uuid::from_bytes(random())), format!("test-{}", role.name()));
    let staff = Staff { staff_id, name, role };
    let added = town.scratch.db.write::<_, DbError, _>(move |tx| {
        Box::pin(async move { member::store::insert(tx, START, &staff, &Post::working(START), "no password").await })
    });
    assert!(added.await.unwrap());
    let card = card_of(&town.scratch.db, Bearer::Staff(staff_id), CardState::Active).await;
    let id = card.id;
    let agreed = town.scratch.db.write::<_, DbError, _>(move |tx| {
        Box::pin(async move { cards::store::set_signs_in(tx, START, id, signs_in).await })
    });
    agreed.await.unwrap();
    card
}

fn approval(fen: i64) -> Operation {
    Operation::PurseTopUpApproval(purse::TopUpApproval { amount: Fen(fen) })
}

fn approved(by: &TestCard, fen: i64) -> Operation {
    Operation::PurseTopUp(purse::TopUp { amount: Fen(fen), approved_by: Some(by.id) })
}

impl Scene {
    async fn new() -> Self {
        let town = Town::new().await;
        let clerk = staff_card(&town, StaffRole::Clerk, true).await;
        let (station, holder) = (town.terminal().await, holder_in(&town.scratch.db).await);
        let card = card_of(&town.scratch.db, Bearer::Holder(holder), CardState::Active).await;
        // So much was topped up today already.
        let day = HolderDay { shard: holder.shard(), holder, day: Date::in_china(START) };
        let topped_up = Fen(POLICY.limits.top_up_alone.0 - MUCH + 1);
        let before = town.scratch.db.write::<_, DbError, _>(move |tx| {
            let spent = Spent { topped_up, ..Spent::default() };
            Box::pin(async move { purse_days::add(tx.conn(), &[(day, spent)]).await })
        });
        before.await.unwrap();
        Self { town, station, clerk, card }
    }

    async fn approve(&mut self, fen: i64) -> Outcome {
        let tap = self.station.tap(&self.clerk, Slot::Approve, approval(fen));
        outcome(&self.town, &self.station, &tap).await
    }

    async fn top_up(&mut self, operation: Operation) -> Outcome {
        let tap = self.station.tap(&self.card, Slot::Tap, operation);
        outcome(&self.town, &self.station, &tap).await
    }

    async fn purses(&self) -> i64 {
        self.town.number(PURSES).await
    }
}

#[tokio::test]
async fn above_the_limit_a_member_of_staff_approves_right_before_and_once() {
    let mut scene = Scene::new().await;
    let with = approved(&scene.clerk, MUCH);
    assert_eq!(scene.top_up(top_up(MUCH - 2)).await, Outcome::Accepted, "up to the limit nobody has to");
    assert_eq!(scene.top_up(top_up(2)).await, Outcome::ApprovalRequired, "and it is a day's");
    assert_eq!(scene.top_up(top_up(1)).await, Outcome::Accepted);
    assert_eq!(scene.top_up(top_up(MUCH)).await, Outcome::ApprovalRequired);
    assert_eq!(scene.top_up(with.clone()).await, Outcome::ApprovalRequired, "nobody has approved it");
    assert_eq!(scene.approve(MUCH).await, Outcome::Accepted);
    assert_eq!(scene.purses().await, MUCH - 1, "an approval moves nothing");
    assert_eq!(scene.top_up(with.clone()).await, Outcome::Accepted);
    assert_eq!(scene.purses().await, 2 * MUCH - 1);
    assert_eq!(scene.top_up(with.clone()).await, Outcome::ApprovalRequired, "it is good for one");
    assert_eq!(scene.approve(MUCH).await, Outcome::Accepted);
    assert_eq!(scene.top_up(pay(1)).await, Outcome::Accepted);
    assert_eq!(scene.top_up(with).await, Outcome::ApprovalRequired, "another tap came between");
    scene.town.later(86_400);
    let tap = Tap { at: scene.town.now(), ..scene.station.next(Some(&scene.card), top_up(MUCH - 1)) };
    let tap = scene.station.sign(&tap, scene.card.key(Slot::Tap), Kid::Card(Slot::Tap));
    assert_eq!(outcome(&scene.town, &scene.station, &tap).await, Outcome::Accepted, "another day");
}

#[tokio::test]
async fn what_a_terminal_has_kept_waits_for_a_person_where_only_the_days_sum_is_too_much() {
    let mut scene = Scene::new().await;
    scene.town.later(11);
    let kept = [MUCH, MUCH - 2].map(|fen| scene.station.tap(&scene.card, Slot::Tap, top_up(fen)));
    let brought = scene.town.submit(&scene.station, &kept).await;
    let outcomes: Vec<_> = brought.iter().map(|tap| tap.outcome).collect();
    assert_eq!(outcomes, [Outcome::Quarantined, Outcome::Accepted], "the cash is in the drawer");
    let most = POLICY.limits.top_up_alone.0;
    let kept = scene.station.tap(&scene.card, Slot::Tap, top_up(most + 1));
    let outcome = outcome(&scene.town, &scene.station, &kept).await;
    assert_eq!(outcome, Outcome::AmountOutOfRange, "no terminal keeps that");
}

#[tokio::test]
async fn both_may_come_in_one_batch_and_again() {
    let mut scene = Scene::new().await;
    let first = scene.station.tap(&scene.clerk, Slot::Approve, approval(MUCH));
    let second = scene.station.tap(&scene.card, Slot::Tap, approved(&scene.clerk, MUCH));
    for _ in 0..2 {
        let brought = scene.town.submit(&scene.station, &[first.clone(), second.clone()]).await;
        assert_eq!([brought[0].outcome, brought[1].outcome], [Outcome::Accepted; 2]);
        assert_eq!(scene.purses().await, MUCH, "once");
    }
}

#[tokio::test]
async fn what_was_approved_is_this_amount_at_this_terminal_within_ten_minutes_by_this_card() {
    for (case, fen, elsewhere, later, other, expected) in [
        ("the same", MUCH, false, 600, false, Outcome::Accepted),
        ("another amount", MUCH + 1, false, 0, false, Outcome::ApprovalRequired),
        ("another terminal", MUCH, true, 0, false, Outcome::ApprovalRequired),
        ("too late", MUCH, false, 601, false, Outcome::ApprovalRequired),
        ("made before it was approved", MUCH, false, -1, false, Outcome::ApprovalRequired),
        ("another card is named", MUCH, false, 0, true, Outcome::ApprovalRequired),
    ] {
        let mut scene = Scene::new().await;
        assert_eq!(scene.approve(MUCH).await, Outcome::Accepted, "{case}");
        let by = if other { &scene.card } else { &scene.clerk };
        let operation = approved(by, fen);
        if elsewhere {
            let head = scene.station.previous;
            scene.station = terminal_beside(&scene.town.scratch.db, scene.station.id).await;
            scene.station.previous = head;
        }
        scene.town.later(later);
        let tap = Tap { at: scene.town.now(), ..scene.station.next(Some(&scene.card), operation) };
        let tap = scene.station.sign(&tap, scene.card.key(Slot::Tap), Kid::Card(Slot::Tap));
        let outcome = outcome(&scene.town, &scene.station, &tap).await;
        // A first tap that follows another's is a broken lane anyway.
        let expected = if elsewhere { Outcome::Quarantined } else { expected };
        assert_eq!(outcome, expected, "{case}");
        assert_eq!(scene.purses().await, if outcome == Outcome::Accepted { fen } else { 0 }, "{case}");
    }
}

#[tokio::test]
async fn only_whoever_serves_holders_approves_and_with_the_pin() {
    let mut scene = Scene::new().await;
    let tap = scene.station.tap(&scene.clerk, Slot::Tap, approval(MUCH));
    assert_eq!(outcome(&scene.town, &scene.station, &tap).await, Outcome::PinRequired);
    let holder = scene.town.card().await;
    for (case, card) in [
        ("a holder", holder),
        ("an auditor", staff_card(&scene.town, StaffRole::Auditor, true).await),
        ("a card of which it was not agreed", staff_card(&scene.town, StaffRole::Supervisor, false).await),
    ] {
        scene.clerk = card;
        assert_eq!(scene.approve(MUCH).await, Outcome::ApprovalRequired, "{case}");
        let with = approved(&scene.clerk, MUCH);
        assert_eq!(scene.top_up(with).await, Outcome::ApprovalRequired, "{case}");
    }
    assert_eq!(scene.purses().await, 0);
}
