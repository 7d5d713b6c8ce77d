//! Points in one tap with the payment, in real databases: given, shown, capped, taken back, and over.

use std::pin::Pin;

use card_schema::date::Date;
use card_schema::envelope::receipt::{Ending, PointsStanding};
use card_schema::operation::points::{Award, Movement, Redemption};
use card_schema::points::{EarnRule, ProgrammeId, Worth};
use uuid::Uuid;

use super::*;
use crate::db::Tx;
use crate::domains::points::model::{Category, Member, Programme, Reach, Rule};
use crate::domains::points::{expiry, store};
use crate::domains::purse::reversal::{Posting, model};
use crate::people::approval::model::Hands;
use crate::people::member::{self, model::Post};
use crate::people::{Staff, StaffId, StaffRole};
use crate::terminals;
use crate::testing::town::terminal_beside;

const OF: ProgrammeId = ProgrammeId(1);
const BY: StaffId = StaffId(Uuid::nil());
const POINTS: &str = "SELECT CAST(COALESCE(SUM(balance), 0) AS BIGINT) FROM account WHERE kind = 5";
const ALL_POINTS: &str = "SELECT CAST(COALESCE(SUM(balance), 0) AS BIGINT) FROM account WHERE unit = 4294967297";
const LOTS: &str = "SELECT CAST(COALESCE(SUM(points), 0) AS BIGINT) FROM points_lot";

fn day(text: &str) -> Date {
    text.parse().expect(text)
}

fn rule(points: u32, from: &str, until: &str) -> Rule {
    let earn = EarnRule { points, per: Fen(100), from: day(from), until: day(until) };
    Rule { id: Uuid::from_bytes(random()), programme: OF, earn, category: None }
}

/// A shop in a programme that gives a point for each yuan, and a holder who has some money.
struct Scene {
    town: Town,
    shop: TestTerminal,
    card: TestCard,
}

impl Scene {
    async fn new() -> Self {
        Self::with(Some(100)).await
    }

    async fn with(day_most: Option<u32>) -> Self {
        let town = Town::new().await;
        let (mut shop, card) = (town.terminal().await, town.card().await);
        let worth = Some(Worth { points: 100, fen: Fen(50) });
        let (name, reach) = ("测试街".to_owned(), Reach::Street);
        let programme = Programme { id: OF, name, reach, worth, validity_months: 2, day_most, below_zero: true };
        let found = terminals::store::one(&mut town.scratch.db.read().await.unwrap(), shop.id).await.unwrap().unwrap();
        let category = Category::new("5411").unwrap();
        let organisation = found.organisation.organisation_id;
        let from = day("2026-01-01");
        let member = Member { organisation, programme: OF, category, from, until: None };
        change(&town, move |tx| {
            Box::pin(async move {
                store::keep_programme(tx, START, BY, &programme).await?;
                store::keep_rule(tx, START, BY, &rule(1, "2026-01-01", "2027-12-31")).await?;
                store::keep_member(tx, START, BY, &member).await
            })
        })
        .await;
        let cash = shop.tap(&card, Slot::Tap, top_up(500_000));
        assert_eq!(outcome(&town, &shop, &cash).await, Outcome::Accepted);
        Self { town, shop, card }
    }

    fn sign(&mut self, operation: Operation) -> Signed {
        let tap = Tap { at: self.town.now(), ..self.shop.next(Some(&self.card), operation) };
        self.shop.sign(&tap, self.card.key(Slot::Approve), Kid::Card(Slot::Approve))
    }

    /// The card at the shop, with the PIN: what became of it, what it has moved, and how many points there are now.
    async fn tap(&mut self, operation: Operation) -> (Signed, Outcome, Option<(i64, i64)>) {
        let tap = self.sign(operation);
        let said = self.town.submit(&self.shop, std::slice::from_ref(&tap)).await.remove(0);
        (tap, said.outcome, said.points.map(|points| (points.moved, points.balance.unwrap())))
    }

    async fn books(&self) -> (i64, i64) {
        assert_eq!(self.town.number(ALL_POINTS).await, 0, "what holders have is what shops have given");
        (self.town.number(POINTS).await, self.town.number(LOTS).await)
    }
}

type Changing<'a> = Pin<Box<dyn Future<Output = Result<(), DbError>> + Send + 'a>>;

async fn change(town: &Town, work: impl FnOnce(&mut Tx) -> Changing<'_> + Send + 'static) {
    town.scratch.db.write::<_, DbError, _>(work).await.unwrap();
}

fn sale(fen: i64, earned: u32, redeemed: u32, discount: i64) -> Operation {
    let points = Some(Movement { programme: OF, earned, redeemed, discount: Fen(discount) });
    Operation::PursePayment(purse::Payment { points, ..purse::Payment::online(Fen(fen)) })
}

fn refund(of: &Signed, fen: i64) -> Operation {
    let tap = Envelope::<Tap>::decode(&of.cose).unwrap().payload;
    let original = purse::Original { tap: of.id, at: tap.at };
    Operation::PurseRefund(purse::Return { original, amount: Fen(fen) })
}

#[tokio::test]
async fn points_come_and_go_with_the_payment_and_again_is_the_same_answer() {
    let mut scene = Scene::new().await;
    let (bought, outcome, points) = scene.tap(sale(5_000, 50, 0, 0)).await;
    assert_eq!((outcome, points), (Outcome::Accepted, Some((50, 50))));
    let again = scene.town.submit(&scene.shop, std::slice::from_ref(&bought)).await.remove(0);
    let standing = PointsStanding { programme: OF, moved: 50, balance: None, ending: None };
    assert_eq!((again.outcome, again.points), (Outcome::Accepted, Some(standing)), "a receipt that was lost");

    let twice = [scene.sign(sale(7_000, 70, 0, 0)), scene.sign(sale(100, 1, 0, 0))];
    let said = scene.town.submit(&scene.shop, &[twice[0].clone(), twice[1].clone(), twice[0].clone()]).await;
    let moved: Vec<_> = said.iter().map(|said| said.points.unwrap().moved).collect();
    assert_eq!(moved, [50, 0, 50], "a hundred a day, also within a batch, and once");
    assert_eq!(scene.books().await, (100, 100));

    let (_, outcome, points) = scene.tap(sale(950, 9, 100, 50)).await;
    assert_eq!((outcome, points), (Outcome::Accepted, Some((-100, 0))), "the day has earned what it may");
    let (_, outcome, points) = scene.tap(sale(950, 9, 100, 50)).await;
    assert_eq!((outcome, points), (Outcome::InsufficientPoints, None));

    let (_, _, points) = scene.tap(refund(&bought, 2_000)).await;
    assert_eq!(points, Some((-20, -20)), "a refund takes back what was given away already");
    let (_, _, points) = scene.tap(refund(&bought, 3_000)).await;
    assert_eq!(points, Some((-30, -50)));
    assert_eq!(scene.books().await.0, -50);
}

#[tokio::test]
async fn a_batch_that_holds_a_sale_and_its_refund_moves_the_points_of_both() {
    let mut scene = Scene::with(None).await;
    let bought = scene.sign(sale(5_000, 50, 0, 0));
    let back = scene.sign(refund(&bought, 5_000));
    let said = scene.town.submit(&scene.shop, &[bought, back]).await;
    let moved: Vec<_> = said.iter().map(|said| (said.outcome, said.points.unwrap().moved)).collect();
    assert_eq!(moved, [(Outcome::Accepted, 50), (Outcome::Accepted, -50)]);
}

#[tokio::test]
async fn an_expired_campaign_gives_nothing_and_what_was_earned_before_it_ended_is_given_late() {
    let mut scene = Scene::with(None).await;
    let promised = scene.sign(sale(1_000, 110, 0, 0));
    change(&scene.town, |tx| {
        Box::pin(async move { store::keep_rule(tx, START, BY, &rule(10, "2026-09-01", "2026-09-21")).await })
    })
    .await;
    scene.town.later(2 * 86_400);
    let late = scene.town.submit(&scene.shop, &[promised]).await.remove(0);
    assert_eq!(late.points.unwrap().moved, 110, "the day of the tap counts, not the day on which it comes in");
    let (_, outcome, points) = scene.tap(sale(1_000, 110, 0, 0)).await;
    assert_eq!((outcome, points), (Outcome::Accepted, Some((10, 120))), "points of an expired campaign");
}

#[tokio::test]
async fn a_shop_that_has_left_gives_and_takes_no_more() {
    let mut scene = Scene::new().await;
    scene.tap(sale(5_000, 50, 0, 0)).await;
    let id = scene.shop.id;
    let organisation = terminals::store::one(&mut scene.town.scratch.db.read().await.unwrap(), id).await.unwrap();
    let organisation = organisation.unwrap().organisation.organisation_id;
    let member = Member {
        organisation,
        programme: OF,
        category: Category::new("5411").unwrap(),
        from: day("2026-01-01"),
        until: Some(Date::in_china(START)),
    };
    change(&scene.town, move |tx| Box::pin(async move { store::keep_member(tx, START, BY, &member).await })).await;
    let (_, _, points) = scene.tap(sale(100, 1, 0, 0)).await;
    assert_eq!(points, Some((1, 51)), "the last day is a day of the programme");
    scene.town.later(86_400);
    let (_, outcome, points) = scene.tap(sale(100, 1, 0, 0)).await;
    assert_eq!((outcome, points), (Outcome::Accepted, None), "nor is it told how many there are");
    let goods = Operation::PointsRedemption(Redemption { programme: OF, points: 5 });
    assert_eq!(scene.tap(goods).await.1, Outcome::PointsTermsDiffer);
}

#[tokio::test]
async fn an_inquiry_tells_what_is_over_next_and_in_time_it_is() {
    let mut scene = Scene::new().await;
    let award = Operation::PointsAward(Award { paid: Fen(3_000), programme: OF, earned: 30 });
    assert_eq!(scene.tap(award).await.2, Some((30, 30)));
    scene.town.later(30 * 86_400);
    scene.tap(sale(2_000, 20, 0, 0)).await;
    let asked = scene.sign(Operation::PurseInquiry(purse::Inquiry));
    let said = scene.town.submit(&scene.shop, &[asked]).await.remove(0);
    let ending = Some(Ending { points: 30, until: day("2026-11-30") });
    assert_eq!(said.points, Some(PointsStanding { programme: OF, moved: 0, balance: Some(50), ending }));

    let db = &scene.town.scratch.db;
    let last = Micros(day("2026-11-30").start_utc().0).plus_seconds(8 * 3_600);
    assert_eq!(expiry::expire(db, last).await.unwrap(), 0, "the last day is a good one");
    assert_eq!(scene.books().await, (50, 50));
    assert_eq!(expiry::expire(db, last.plus_seconds(86_400)).await.unwrap(), 1);
    assert_eq!(scene.books().await, (20, 20));
    assert_eq!(expiry::expire(db, last.plus_seconds(86_400)).await.unwrap(), 0, "once");
    assert_eq!(expiry::expire(db, last.plus_seconds(32 * 86_400)).await.unwrap(), 1);
    assert_eq!(scene.books().await, (0, 0), "nothing is kept of what is over");
}

#[tokio::test]
async fn another_shop_of_the_programme_takes_what_the_first_has_given_and_no_stranger_does() {
    let mut scene = Scene::new().await;
    scene.tap(sale(5_000, 50, 0, 0)).await;
    let mut stranger = scene.town.terminal().await;
    let goods = |points| Operation::PointsRedemption(Redemption { programme: OF, points });
    let tap = stranger.tap(&scene.card, Slot::Approve, goods(10));
    assert_eq!(outcome(&scene.town, &stranger, &tap).await, Outcome::PointsTermsDiffer);
    let asked = stranger.tap(&scene.card, Slot::Approve, Operation::PurseInquiry(purse::Inquiry));
    assert_eq!(scene.town.submit(&stranger, &[asked]).await[0].points, None, "nor is it told how many there are");
    let bought = stranger.tap(&scene.card, Slot::Tap, sale(100, 1, 0, 0));
    let told = scene.town.submit(&stranger, &[bought.clone(), bought]).await;
    assert_eq!(
        told.iter().map(|told| told.points).collect::<Vec<_>>(),
        [None, None],
        "nor with a sale that names them"
    );
    let mut beside = terminal_beside(&scene.town.scratch.db, scene.shop.id).await;
    let without_pin = beside.tap(&scene.card, Slot::Tap, goods(10));
    assert_eq!(outcome(&scene.town, &beside, &without_pin).await, Outcome::PinRequired);
    let with_pin = beside.tap(&scene.card, Slot::Approve, goods(10));
    assert_eq!(scene.town.submit(&beside, &[with_pin]).await[0].points.unwrap().balance, Some(40));
}

#[tokio::test]
async fn what_staff_reverse_takes_its_points_along() {
    let mut scene = Scene::new().await;
    scene.tap(sale(5_000, 50, 0, 0)).await;
    let who = StaffId(Uuid::from_u128(7));
    let staff = Staff { staff_id: who, name: "test-supervisor".to_owned(), role: StaffRole::Supervisor };
    change(&scene.town, move |tx| {
        Box::pin(async move {
            member::store::insert(tx, START, &staff, &Post::working(START), "$argon2id$invented").await.map(drop)
        })
    })
    .await;
    let card = scene.card.id;
    let tap = query("SELECT MIN(leaf) FROM tap WHERE shard = $1 AND card_id = $2 AND operation = 257")
        .bind(card.shard())
        .bind(card);
    let tap: i64 = tap.scalar_one(&mut scene.town.scratch.db.read().await.unwrap()).await.unwrap();
    for (number, fen, left) in [(1, 1_250, 37), (2, 3_750, 0)] {
        change(&scene.town, move |tx| {
            Box::pin(async move {
                tx.lock([Shard(0), card.shard()]).await?;
                let wanted = model::Reversal { card, tap, amount: Fen(fen), reason: model::Reason::Returned };
                let id = Uuid::from_u128(number);
                let posting = Posting::of(tx, START, id, &wanted).await.unwrap().unwrap();
                posting.post(tx, START, id, &wanted, Hands { by: who, agreed_by: None }).await.unwrap();
                Ok(())
            })
        })
        .await;
        assert_eq!(scene.books().await.0, left);
    }
}
