//! Gates, with taps that cards have signed: who is let in where and when, and what is counted.

use card_schema::date::Date;
use card_schema::gate::{Hours, Window};

use super::*;
use crate::domains::gate::model::EndReason;
use crate::domains::gate::store;
use crate::testing::gate::{always, credential, opens, site_of};
use crate::testing::town::{clerk_in, terminal_beside};

const COUNTED: &str = "SELECT CAST(COALESCE(SUM(passed * 100 + refused), 0) AS BIGINT) FROM gate_count";

async fn asked(town: &Town, terminal: &mut TestTerminal, card: &TestCard, at: Micros) -> Outcome {
    let tap = Tap { at, ..terminal.next(Some(card), GATE) };
    let tap = terminal.sign(&tap, card.key(Slot::Tap), Kid::Card(Slot::Tap));
    outcome(town, terminal, &tap).await
}

#[tokio::test]
async fn a_gate_lets_in_who_may_pass_at_its_site_and_nobody_where_it_stands_nowhere() {
    let town = Town::new().await;
    let (mut gate, card, other) = (town.terminal().await, town.card().await, town.card().await);
    assert_eq!(asked(&town, &mut gate, &card, START).await, Outcome::OperationNotAllowed, "it stands nowhere");
    town.opens(&gate, &[&card]).await;
    assert_eq!(asked(&town, &mut gate, &card, START).await, Outcome::Accepted);
    assert_eq!(asked(&town, &mut gate, &other, START).await, Outcome::MayNotPass);
    let mut beside = terminal_beside(&town.scratch.db, gate.id).await;
    town.opens(&beside, &[&other]).await;
    assert_eq!(asked(&town, &mut beside, &card, START).await, Outcome::MayNotPass, "another site");
    assert_eq!(asked(&town, &mut beside, &other, START).await, Outcome::Accepted);
    assert_eq!(town.number(COUNTED).await, 203, "each was counted, whatever the answer");
}

#[tokio::test]
async fn a_batch_of_one_part_has_an_answer_for_each_moment() {
    let town = Town::new().await;
    let db = &town.scratch.db;
    let (mut gate, card) = (town.terminal().await, town.card().await);
    let (site, by) = (site_of(db, gate.id).await, clerk_in(db).await);
    let now = town.now();
    let (today, noon) = (Date::in_china(now), now.plus_seconds(-60));
    let found = crate::cards::store::one(&mut db.read().await.unwrap(), card.id).await.unwrap().unwrap();
    let holder = found.bearer.holder().unwrap();
    // From a minute of today on, until ten minutes later; and what began half an hour before and was ended meanwhile.
    let minute = u16::try_from(noon.plus_seconds(8 * 3_600).seconds().rem_euclid(86_400) / 60).unwrap();
    let hours = |from, until| Hours::new(from, until).unwrap();
    let soon = Window { first: today, last: today, hours: hours(minute, minute + 10), ..always() };
    let before = Window { first: today, last: today, hours: hours(minute - 60, minute - 20), ..always() };
    let ended_at = noon.plus_seconds(-40 * 60);
    let granted = db.write::<_, DbError, _>(move |tx| {
        Box::pin(async move {
            let ended = credential(holder, site, before, by);
            store::credentials::insert(tx, &credential(holder, site, soon, by)).await?;
            store::credentials::insert(tx, &ended).await?;
            store::credentials::end(tx, ended_at, by, &ended, EndReason::SiteAsked).await
        })
    });
    granted.await.unwrap();
    let begin = Micros(noon.0 - noon.0.rem_euclid(60_000_000));
    let moments = [
        (-61 * 60, Outcome::MayNotPass),
        (-60 * 60, Outcome::Accepted),
        (-41 * 60, Outcome::Accepted),
        (-39 * 60, Outcome::MayNotPass),
        (-1, Outcome::MayNotPass),
        (0, Outcome::Accepted),
        (59, Outcome::Accepted),
    ];
    let taps: Vec<_> = moments
        .iter()
        .map(|(seconds, _)| {
            let tap = Tap { at: begin.plus_seconds(*seconds), ..gate.next(Some(&card), GATE) };
            gate.sign(&tap, card.key(Slot::Tap), Kid::Card(Slot::Tap))
        })
        .collect();
    let outcomes: Vec<_> = town.submit(&gate, &taps).await.iter().map(|answer| answer.outcome).collect();
    assert_eq!(outcomes, moments.map(|(_, expected)| expected));
}

#[tokio::test]
async fn the_answer_says_nothing_of_the_person_and_a_card_out_of_use_opens_no_gate() {
    let town = Town::new().await;
    let (mut gate, card) = (town.terminal().await, town.card().await);
    opens(&town.scratch.db, gate.id, &[&card]).await;
    let tap = gate.tap(&card, Slot::Tap, GATE);
    let answer = town.submit(&gate, std::slice::from_ref(&tap)).await.remove(0);
    assert_eq!((answer.outcome, answer.balance, answer.points), (Outcome::Accepted, None, None));
    // Brought once more it has the same answer, and is counted once.
    assert_eq!(town.submit(&gate, &[tap]).await.remove(0).outcome, Outcome::Accepted);
    crate::testing::town::set_state(&town.scratch.db, START, card.id, CardState::Suspended).await;
    assert_eq!(asked(&town, &mut gate, &card, START).await, Outcome::CardNotActive);
    assert_eq!(town.number(COUNTED).await, 101);
}
