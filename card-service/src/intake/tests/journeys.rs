//! What holders are told of their journeys is what was booked, before and after it is folded.

use card_schema::ids::HolderId;
use card_schema::wire::journeys::Journeys;

use super::transit::{PURSES, city, ride, rider};
use super::*;
use crate::cards;
use crate::domains::transit::closing;
use crate::domains::transit::history;
use crate::domains::transit::import::Recalled;
use crate::evidence::Log;
use crate::folding;

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
    closing::close(&town.scratch.db, town.now()).await.unwrap();
    let first = told(&town, &card).await;
    assert_eq!((first.legs.len(), first.folded.len()), (3, 0));
    let paid = async || 4_000 - town.number(PURSES).await;
    assert_eq!((sum(&first), paid().await), (1_300, 1_300));
    assert_eq!(told(&town, &other).await, Journeys::default(), "what others ride is theirs");

    // What the tree does not have yet is not folded.
    log.integrate(town.now()).await.unwrap();
    town.later(40 * 86_400);
    folding::fold(&town.scratch.db, town.now()).await.unwrap();
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
