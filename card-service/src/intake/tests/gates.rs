//! Gates, with taps that cards have signed there: what is counted, and what the answer says.

use super::*;

const COUNTED: &str = "SELECT CAST(COALESCE(SUM(passed), 0) AS BIGINT) FROM gate_count";

#[tokio::test]
async fn the_answer_says_nothing_of_the_person_and_each_who_was_let_in_is_counted_once() {
    let town = Town::new().await;
    let (mut gate, card) = (town.terminal().await, town.card().await);
    let tap = gate.tap(&card, Slot::Tap, GATE);
    let answer = town.submit(&gate, std::slice::from_ref(&tap)).await.remove(0);
    assert_eq!((answer.outcome, answer.balance, answer.points), (Outcome::Accepted, None, None));
    // Brought once more it has the same answer.
    assert_eq!(town.submit(&gate, &[tap]).await.remove(0).outcome, Outcome::Accepted);
    crate::testing::town::set_state(&town.scratch.db, START, card.id, CardState::Suspended).await;
    assert_eq!(tapped(&town, &mut gate, &card, GATE).await, Outcome::CardNotActive);
    assert_eq!(town.number(COUNTED).await, 1);
}
