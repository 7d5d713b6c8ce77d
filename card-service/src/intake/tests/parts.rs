//! A group whose taps lie in several groups of shards, and what a process leaves that ends between its transactions.

use tokio::sync::oneshot;

use super::*;

/// Two cards whose taps are written in different transactions, where the engine has several.
async fn cards_apart(town: &Town) -> Option<[TestCard; 2]> {
    let engine = town.scratch.db.engine();
    if engine.shard_groups() == 1 {
        return None;
    }
    let first = town.card().await;
    loop {
        let second = town.card().await;
        if engine.shard_group(first.id.shard()) != engine.shard_group(second.id.shard()) {
            return Some([first, second]);
        }
    }
}

/// Puts every lane back to its beginning: the parts of a group were committed, and its lanes were not.
async fn forget_lanes(town: &Town) {
    let back = query("UPDATE lane SET counter = 0, head = $1").bind(TapId::NONE.0);
    town.scratch
        .db
        .write::<_, DbError, _>(|tx| Box::pin(async move { back.execute(tx.conn()).await.map(drop) }))
        .await
        .unwrap();
}

const COUNTER: &str = "SELECT CAST(SUM(counter) AS BIGINT) FROM lane";

#[tokio::test]
async fn a_batch_whose_lanes_were_not_moved_gets_its_first_outcomes_and_nothing_twice() {
    let town = Town::new().await;
    let mut terminal = town.terminal().await;
    let Some([a, b]) = cards_apart(&town).await else { return };
    let taps = [(&a, top_up(500)), (&b, top_up(700)), (&a, pay(200)), (&b, pay(900))];
    let taps = taps.map(|(card, operation)| terminal.tap(card, Slot::Tap, operation));
    let first = town.submit(&terminal, &taps).await;
    let outcomes: Vec<_> = first.iter().map(|tap| tap.outcome).collect();
    assert_eq!(outcomes, [Outcome::Accepted, Outcome::Accepted, Outcome::Accepted, Outcome::InsufficientFunds]);
    assert_eq!(town.number(COUNTER).await, 4);

    forget_lanes(&town).await;
    assert_eq!(town.submit(&terminal, &taps).await, first);
    assert_eq!((town.number(TAPS).await, town.number(TRANSFERS).await), (4, 3));
    assert_eq!(town.number(COUNTER).await, 4);
    let next = terminal.tap(&a, Slot::Tap, pay(1));
    assert_eq!(outcome(&town, &terminal, &next).await, Outcome::Accepted);
}

#[tokio::test]
async fn a_batch_of_which_one_part_was_written_is_completed_in_its_order() {
    let town = Town::new().await;
    let mut terminal = town.terminal().await;
    let Some([a, b]) = cards_apart(&town).await else { return };
    let taps = [(&a, top_up(500)), (&b, top_up(700)), (&a, pay(200))];
    let taps = taps.map(|(card, operation)| terminal.tap(card, Slot::Tap, operation));
    town.submit(&terminal, &taps[..1]).await;
    forget_lanes(&town).await;
    let all = town.submit(&terminal, &taps).await;
    assert_eq!(all.iter().map(|tap| tap.outcome).collect::<Vec<_>>(), [Outcome::Accepted; 3]);
    assert_eq!((town.number(TAPS).await, town.number(TRANSFERS).await), (3, 3));
    assert_eq!(town.number("SELECT COUNT(*) FROM lane_event").await, 0);
}

#[tokio::test]
async fn a_fault_that_was_recorded_before_its_lane_moved_is_recorded_once() {
    let town = Town::new().await;
    let mut terminal = town.terminal().await;
    let Some([a, b]) = cards_apart(&town).await else { return };
    let _lost = terminal.tap(&a, Slot::Tap, GATE);
    let taps = [&a, &b].map(|card| terminal.tap(card, Slot::Tap, GATE));
    let first = town.submit(&terminal, &taps).await;
    assert_eq!(first.iter().map(|tap| tap.outcome).collect::<Vec<_>>(), [Outcome::Quarantined, Outcome::Accepted]);
    forget_lanes(&town).await;
    assert_eq!(town.submit(&terminal, &taps).await, first);
    assert_eq!(town.number("SELECT COUNT(*) FROM lane_event").await, 1);
}

#[tokio::test]
async fn whoever_holds_a_low_shard_gets_a_higher_one_while_a_group_of_both_waits_for_it() {
    let town = Town::new().await;
    let mut terminal = town.terminal().await;
    let Some(mut cards) = cards_apart(&town).await else { return };
    let engine = town.scratch.db.engine();
    cards.sort_by_key(|card| engine.shard_group(card.id.shard()));
    let [low, high] = cards;
    let taps = [&high, &low].map(|card| terminal.tap(card, Slot::Tap, top_up(500)));
    let (batch, intake, id) = (terminal.batch(&taps), town.intake.clone(), terminal.id);
    let [low, high] = [low, high].map(|card| card.id.shard());
    let (holds, held) = oneshot::channel();
    let (goes_on, may_go_on) = oneshot::channel::<()>();
    let other = town.scratch.db.clone();
    let other = tokio::spawn(async move {
        other
            .write_concurrently::<_, DbError, _>(move |tx| {
                Box::pin(async move {
                    tx.lock([low]).await?;
                    holds.send(()).unwrap();
                    may_go_on.await.unwrap();
                    tx.lock([high]).await
                })
            })
            .await
    });
    held.await.unwrap();
    let group = tokio::spawn(async move { intake.accept(id, &batch).await.map(drop) });
    // The part that holds the higher shard is committed, and the group waits for the lower one.
    while town.number(TAPS).await == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!((town.number(TAPS).await, town.number(COUNTER).await), (1, 0));
    assert!(!group.is_finished());
    goes_on.send(()).unwrap();
    other.await.unwrap().unwrap();
    group.await.unwrap().unwrap();
    assert_eq!((town.number(TAPS).await, town.number(COUNTER).await), (2, 2));
}
