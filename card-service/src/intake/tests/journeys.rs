//! What holders are told of their journeys is what was booked, before and after it is folded.

use card_schema::date::Date;
use card_schema::ids::HolderId;
use card_schema::operation::transit::Side;
use card_schema::wire::journeys::Journeys;

use super::transit::{PURSES, city, ride, rider};
use super::*;
use crate::cards;
use crate::domains::transit::concession::By;
use crate::domains::transit::correction::{self, Allowance, COUNTED, Missing, Reason, Wish};
use crate::domains::transit::import::Recalled;
use crate::domains::transit::{closing, history};
use crate::evidence::Log;
use crate::folding;
use crate::folding::rules::Retention;
use crate::testing::town::clerk_in;

/// Whose card it is.
pub(super) async fn holder_of(town: &Town, card: &TestCard) -> HolderId {
    let found = cards::store::one(&mut town.scratch.db.read().await.unwrap(), card.id).await.unwrap();
    found.unwrap().bearer.holder().unwrap()
}

/// What the holder of a card is told.
pub(super) async fn told(town: &Town, card: &TestCard) -> Journeys {
    let holder = holder_of(town, card).await;
    let mut connection = town.scratch.db.read().await.unwrap();
    history::of_holder(&mut connection, &Recalled::default(), holder, town.now()).await.unwrap()
}

fn sum(journeys: &Journeys) -> i64 {
    let folded = journeys.folded.iter().map(|month| month.paid_fen.0);
    journeys.legs.iter().map(|leg| leg.charged_fen.0).chain(folded).sum::<i64>() + journeys.older_fen.0
}

#[tokio::test]
async fn a_holder_is_told_what_was_paid_and_of_folded_months_what_they_came_to() {
    let town = city().await;
    let log = Log::open(town.scratch.db.clone(), town.keys.clone(), "log.test.invalid/town").await.unwrap();
    let (mut bus, card) = rider(&town, 2_000).await;
    let (_, other) = rider(&town, 2_000).await;
    town.later(86_400);
    let texts = [("+b:p", 0), ("+m:p", 30), ("-m:q", 50), ("+m:p", 400)];
    let taps: Vec<_> = texts.iter().map(|(text, minute)| ride(&mut bus, &card, text, *minute)).collect();
    town.submit(&bus, &taps).await;
    closing::close(&town.scratch.db, &Recalled::default(), town.now()).await.unwrap();
    let first = told(&town, &card).await;
    assert_eq!((first.legs.len(), first.folded.len()), (3, 0));
    let paid = async || 4_000 - town.number(PURSES).await;
    assert_eq!((sum(&first), paid().await), (1_300, 1_300));
    assert_eq!(told(&town, &other).await, Journeys::default(), "what others ride is theirs");

    // What the tree does not have yet is not folded.
    log.integrate(town.now()).await.unwrap();
    town.later(40 * 86_400);
    folding::fold(&town.scratch.db, Retention::default(), town.now()).await.unwrap();
    let mut bus = town.terminal().await;
    let minute = (town.now().0 - START.0) / 60_000_000;
    let later = ride(&mut bus, &card, "+b:q", minute);
    assert_eq!(town.submit(&bus, &[later]).await[0].outcome, Outcome::Accepted);
    let then = told(&town, &card).await;
    assert_eq!((then.legs.len(), then.legs[0].charged_fen, sum(&then)), (1, Fen(200), 1_500));
    assert_eq!(paid().await, 1_500);
    let months: Vec<_> = then.folded.iter().map(|month| (&*month.month, &*month.network, month.paid_fen.0)).collect();
    assert_eq!(months, [("2026-09", "bus", 200), ("2026-09", "metro", 1_100)]);
    assert!(then.folded[0].organisation.as_ref().unwrap().starts_with("Test Shop"));
}

#[tokio::test]
async fn a_correction_is_folded_with_what_it_corrects() {
    let town = city().await;
    let log = Log::open(town.scratch.db.clone(), town.keys.clone(), "log.test.invalid/town").await.unwrap();
    let (mut bus, card) = rider(&town, 2_000).await;
    let on = ride(&mut bus, &card, "+m:p", 0);
    town.submit(&bus, &[on]).await;
    town.later(86_400);
    closing::close(&town.scratch.db, &Recalled::default(), town.now()).await.unwrap();
    let (staff, now, holder) = (clerk_in(&town.scratch.db).await, town.now(), holder_of(&town, &card).await);
    let fares = Recalled::default().now(&mut town.scratch.db.read().await.unwrap(), now).await.unwrap();
    let corrected = town.scratch.db.write::<_, DbError, _>(move |tx| {
        Box::pin(async move {
            tx.lock([COUNTED, holder.shard()]).await?;
            let by = By { staff, now, today: Date::in_china(now) };
            let (stop, route) = ("q".to_owned(), "m".to_owned());
            let left = Missing { at: START.plus_seconds(1_200), side: Side::Off, stop, route, operator: None };
            let (wish, allowance) =
                (Wish::Add(left, Reason::NotRead), Allowance { since: Micros(0), alone: Fen::ZERO, limit: None });
            correction::carry_out(tx, &fares, (by, allowance), holder, wish, (TapId(random()), random())).await
        })
    });
    corrected.await.unwrap().unwrap();
    let first = told(&town, &card).await;
    assert_eq!((first.legs[0].charged_fen, first.corrections.len(), town.number(PURSES).await), (Fen(300), 1, 1_700));
    let transfers = town.number("SELECT COUNT(*) FROM transfer WHERE kind = 7").await;
    assert_eq!(transfers, 2, "what was booked stays, and what was too much goes back");
    log.integrate(town.now()).await.unwrap();
    town.later(40 * 86_400);
    folding::fold(&town.scratch.db, Retention::default(), town.now()).await.unwrap();
    let rows = "SELECT (SELECT COUNT(*) FROM transit_correction) + (SELECT COUNT(*) FROM validation)";
    assert_eq!((town.number(rows).await, town.number("SELECT COUNT(*) FROM leaf WHERE kind = 72").await), (0, 0));
    let then = told(&town, &card).await;
    assert_eq!((then.legs.len(), then.corrections.len(), sum(&then)), (0, 0, 300));
}
