//! What a shop gives back of what it took: of its own sales alone, to whoever paid, and never beyond it.

use super::*;
use crate::cards::store::Because;
use crate::cards::{self, Bearer};
use crate::testing::town::{POLICY, REFUNDS, card_of, terminal_beside};

const RISK: &str = "SELECT CAST(COALESCE(SUM(balance), 0) AS BIGINT) FROM account WHERE kind = 4";
const PURSES: &str = "SELECT CAST(COALESCE(SUM(balance), 0) AS BIGINT) FROM account WHERE kind = 1";
const TAKINGS: &str = "SELECT CAST(COALESCE(SUM(balance), 0) AS BIGINT) FROM account WHERE kind = 2";
const ALL: &str = "SELECT CAST(SUM(balance) AS BIGINT) FROM account";

fn back(of: &Signed, fen: i64) -> purse::Return {
    let tap = Envelope::<Tap>::decode(&of.cose).unwrap().payload;
    purse::Return { original: purse::Original { tap: of.id, at: tap.at }, amount: Fen(fen) }
}

fn refund(of: &Signed, fen: i64) -> Operation {
    Operation::PurseRefund(back(of, fen))
}

fn void(of: &Signed, fen: i64) -> Operation {
    Operation::PurseVoid(back(of, fen))
}

/// A town with a shop, and a holder who has some money.
struct Scene {
    town: Town,
    shop: TestTerminal,
    card: TestCard,
}

impl Scene {
    async fn new() -> Self {
        let town = Town::new().await;
        let (mut shop, card) = (town.terminal().await, town.card().await);
        let cash = shop.tap(&card, Slot::Tap, top_up(5_000));
        assert_eq!(outcome(&town, &shop, &cash).await, Outcome::Accepted);
        Self { town, shop, card }
    }

    /// The card at the shop, by the service's clock of now.
    async fn tap(&mut self, operation: Operation) -> (Signed, Outcome) {
        let at = self.town.now();
        let tap = Tap { at, ..self.shop.next(Some(&self.card), operation) };
        let tap = self.shop.sign(&tap, self.card.key(Slot::Tap), Kid::Card(Slot::Tap));
        let outcome = outcome(&self.town, &self.shop, &tap).await;
        (tap, outcome)
    }

    /// What the purses hold and what shops have taken.
    async fn books(&self) -> (i64, i64) {
        assert_eq!(self.town.number(ALL).await, 0);
        (self.town.number(PURSES).await, self.town.number(TAKINGS).await)
    }
}

#[tokio::test]
async fn a_sale_goes_back_in_parts_and_no_further() {
    let mut scene = Scene::new().await;
    let (sale, _) = scene.tap(pay(1_250)).await;
    let (part, outcome) = scene.tap(refund(&sale, 400)).await;
    assert_eq!(outcome, Outcome::Accepted);
    assert_eq!(scene.books().await, (4_150, 850));
    assert_eq!(scene.tap(refund(&sale, 851)).await.1, Outcome::RefundExceedsRest, "over the original");
    assert_eq!(scene.tap(void(&sale, 1_250)).await.1, Outcome::RefundExceedsRest, "a part went back already");
    let (rest, outcome) = scene.tap(refund(&sale, 850)).await;
    assert_eq!((outcome, scene.books().await), (Outcome::Accepted, (5_000, 0)));
    assert_eq!(scene.tap(refund(&sale, 1)).await.1, Outcome::RefundExceedsRest);
    for of in [&part, &rest] {
        assert_eq!(scene.tap(refund(of, 1)).await.1, Outcome::RefundOfRefund);
    }
    assert_eq!(scene.town.submit(&scene.shop, &[rest]).await[0].outcome, Outcome::Accepted, "sent again");
    assert_eq!(scene.books().await, (5_000, 0), "and booked once");
}

#[tokio::test]
async fn a_sale_and_what_goes_back_of_it_may_come_in_one_batch() {
    let mut scene = Scene::new().await;
    let mut taps = vec![scene.shop.tap(&scene.card, Slot::Tap, pay(1_000))];
    for operation in [refund(&taps[0], 600), refund(&taps[0], 500), refund(&taps[0], 400)] {
        taps.push(scene.shop.tap(&scene.card, Slot::Tap, operation));
    }
    let again = refund(&taps[1], 1);
    taps.push(scene.shop.tap(&scene.card, Slot::Tap, again));
    let outcomes: Vec<_> = scene.town.submit(&scene.shop, &taps).await.iter().map(|tap| tap.outcome).collect();
    let expected =
        [Outcome::Accepted, Outcome::Accepted, Outcome::RefundExceedsRest, Outcome::Accepted, Outcome::RefundOfRefund];
    assert_eq!((outcomes.as_slice(), scene.books().await), (expected.as_slice(), (5_000, 0)));
}

#[tokio::test]
async fn nobody_refunds_what_another_shop_took_or_another_holder_paid() {
    let mut scene = Scene::new().await;
    let (sale, _) = scene.tap(pay(1_000)).await;
    let town = &scene.town;
    let (mut rival, stranger) = (town.terminal().await, town.card().await);
    for operation in [refund(&sale, 1_000), void(&sale, 1_000)] {
        let tap = rival.tap(&scene.card, Slot::Tap, operation.clone());
        assert_eq!(outcome(town, &rival, &tap).await, Outcome::OriginalUnknown, "another merchant's sale");
        let tap = scene.shop.tap(&stranger, Slot::Tap, operation);
        assert_eq!(outcome(town, &scene.shop, &tap).await, Outcome::OriginalUnknown, "another holder's");
    }
    let (cash, _) = scene.tap(top_up(100)).await;
    let (refused, outcome) = scene.tap(pay(9_999)).await;
    assert_eq!(outcome, Outcome::InsufficientFunds);
    let never = Signed { id: TapId([9; 32]), cose: sale.cose.clone() };
    for of in [&cash, &refused, &never] {
        assert_eq!(scene.tap(refund(of, 1)).await.1, Outcome::OriginalUnknown);
    }
    assert_eq!(scene.books().await, (4_100, 1_000));
}

#[tokio::test]
async fn any_card_of_whoever_paid_takes_the_money_back_at_any_terminal_of_the_shop_for_thirty_days() {
    let mut scene = Scene::new().await;
    let (sale, _) = scene.tap(pay(1_000)).await;
    let db = scene.town.scratch.db.clone();
    let holder = cards::store::one(&mut db.read().await.unwrap(), scene.card.id).await.unwrap().unwrap().bearer;
    assert!(matches!(holder, Bearer::Holder(_)));
    scene.card = card_of(&db, holder, CardState::Active).await;
    let beside = terminal_beside(&db, scene.shop.id).await;
    let taken = std::mem::replace(&mut scene.shop, beside);
    let days = i64::from(REFUNDS.refund_days);
    scene.town.later(days * 86_400);
    assert_eq!(scene.tap(void(&sale, 1_000)).await.1, Outcome::OriginalUnknown, "it was taken at another terminal");
    assert_eq!(scene.tap(refund(&sale, 300)).await.1, Outcome::Accepted);
    scene.town.later(1);
    assert_eq!(scene.tap(refund(&sale, 300)).await.1, Outcome::RefundTooLate);
    scene.shop = taken;
    assert_eq!(scene.tap(refund(&sale, 300)).await.1, Outcome::RefundTooLate);
    assert_eq!(scene.books().await, (4_300, 700));
}

#[tokio::test]
async fn a_void_undoes_all_of_a_sale_while_it_is_fresh() {
    let mut scene = Scene::new().await;
    let minutes = i64::from(REFUNDS.void_minutes) * 60;
    let (sale, _) = scene.tap(pay(1_000)).await;
    let (late, _) = scene.tap(pay(1_000)).await;
    scene.town.later(minutes);
    assert_eq!(scene.tap(void(&sale, 999)).await.1, Outcome::AmountOutOfRange);
    let (undone, outcome) = scene.tap(void(&sale, 1_000)).await;
    assert_eq!(outcome, Outcome::Accepted);
    assert_eq!(scene.tap(void(&sale, 1_000)).await.1, Outcome::RefundExceedsRest, "once");
    assert_eq!(scene.tap(refund(&undone, 1)).await.1, Outcome::RefundOfRefund);
    scene.town.later(1);
    assert_eq!(scene.tap(void(&late, 1_000)).await.1, Outcome::RefundTooLate);
    assert_eq!(scene.books().await, (4_000, 1_000));
}

#[tokio::test]
async fn what_the_issuer_has_advanced_goes_back_to_the_issuer_first() {
    let mut scene = Scene::new().await;
    let sale = Operation::PursePayment(purse::Payment { accepted_offline: true, ..purse::Payment::online(Fen(6_000)) });
    let (sale, outcome) = scene.tap(sale).await;
    assert_eq!((outcome, scene.town.number(RISK).await), (Outcome::Accepted, -1_000));
    assert_eq!(
        scene.tap(refund(&sale, 1)).await.1,
        Outcome::CardNotActive,
        "it is suspended until somebody has looked"
    );
    let id = scene.card.id;
    let work = scene.town.scratch.db.write::<_, DbError, _>(move |tx| {
        Box::pin(async move {
            cards::store::lock(tx, id).await?;
            let card = cards::store::one(tx.conn(), id).await?.unwrap();
            cards::store::set_state(tx, START, &card, CardState::Active, Because::of("test")).await
        })
    });
    work.await.unwrap();
    for (fen, risk, purse) in [(400, -600, 0), (700, 0, 100), (4_900, 0, 5_000)] {
        assert_eq!(scene.tap(refund(&sale, fen)).await.1, Outcome::Accepted);
        assert_eq!((scene.town.number(RISK).await, scene.books().await.0), (risk, purse), "after {fen}");
    }
}

#[tokio::test]
async fn a_terminal_gives_back_only_where_it_may() {
    let mut scene = Scene::new().await;
    let (sale, _) = scene.tap(pay(1_000)).await;
    let mut other = scene.town.terminal_for(&[OperationCode::PursePayment]).await;
    for operation in [refund(&sale, 1), void(&sale, 1_000)] {
        assert!(matches!(
            operation.signer(POLICY.limits.no_pin_limit),
            card_schema::operation::Signer::Card(Slot::Tap)
        ));
        let tap = other.tap(&scene.card, Slot::Tap, operation.clone());
        assert_eq!(outcome(&scene.town, &other, &tap).await, Outcome::OperationNotAllowed);
        let alone = scene.shop.say(operation);
        assert_eq!(outcome(&scene.town, &scene.shop, &alone).await, Outcome::BadSignature, "no terminal on its own");
    }
}
