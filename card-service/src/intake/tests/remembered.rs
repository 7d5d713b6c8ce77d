//! What intake remembers never outlives a change, whoever makes it: another process does not tell this one.

use super::*;
use crate::cards::{self, CardState};
use crate::db::Db;
use crate::ledger::{AccountKind, Phase, Reference, Transfer, TransferKind, Unit, post};
use crate::testing::town::set_state;

/// Another process at work on the same database.
async fn elsewhere(town: &Town) -> Db {
    Db::open(&town.scratch.url).await.unwrap()
}

#[tokio::test]
async fn a_card_that_is_suspended_elsewhere_is_refused_from_the_next_tap_on() {
    let town = Town::new().await;
    let (mut terminal, card) = (town.terminal().await, town.card().await);
    let other = elsewhere(&town).await;
    let expected = [
        (None, Outcome::Accepted),
        (Some(CardState::Suspended), Outcome::CardNotActive),
        (Some(CardState::Active), Outcome::Accepted),
    ];
    for (state, outcome_expected) in expected {
        if let Some(state) = state {
            set_state(&other, START, card.id, state).await;
        }
        for _ in 0..2 {
            let tap = terminal.tap(&card, Slot::Tap, GATE);
            assert_eq!(outcome(&town, &terminal, &tap).await, outcome_expected, "{state:?}");
        }
    }
}

#[tokio::test]
async fn a_key_that_a_card_gets_elsewhere_is_the_only_one_from_the_next_tap_on() {
    let town = Town::new().await;
    let (mut terminal, card) = (town.terminal().await, town.card().await);
    let tap = terminal.tap(&card, Slot::Tap, GATE);
    assert_eq!(outcome(&town, &terminal, &tap).await, Outcome::Accepted);
    let (id, next) = (card.id, Signer::new());
    let public = next.public();
    elsewhere(&town)
        .await
        .write::<_, DbError, _>(move |tx| {
            Box::pin(async move { cards::store::add_key(tx, START, id, Slot::Tap, &public).await })
        })
        .await
        .unwrap();
    let old = terminal.tap(&card, Slot::Tap, GATE);
    assert_eq!(outcome(&town, &terminal, &old).await, Outcome::BadSignature);
    for _ in 0..2 {
        let tap = terminal.next(Some(&card), GATE);
        let new = terminal.sign(&tap, &next, Kid::Card(Slot::Tap));
        assert_eq!(outcome(&town, &terminal, &new).await, Outcome::Accepted);
    }
}

#[tokio::test]
async fn a_terminal_that_is_revoked_elsewhere_posts_nothing_from_the_next_batch_on() {
    let town = Town::new().await;
    let (mut terminal, card) = (town.terminal().await, town.card().await);
    let tap = terminal.tap(&card, Slot::Tap, top_up(500));
    assert_eq!(outcome(&town, &terminal, &tap).await, Outcome::Accepted);
    revoke(&elsewhere(&town).await, terminal.id).await;
    let tap = terminal.tap(&card, Slot::Tap, top_up(500));
    assert_eq!(outcome(&town, &terminal, &tap).await, Outcome::Quarantined);
    assert_eq!(town.number(TRANSFERS).await, 1);
}

#[tokio::test]
async fn money_that_is_moved_elsewhere_is_seen_by_the_next_tap() {
    let town = Town::new().await;
    let (mut terminal, card) = (town.terminal().await, town.card().await);
    let tap = terminal.tap(&card, Slot::Tap, top_up(500));
    assert_eq!(town.submit(&terminal, &[tap]).await[0].balance, Some(Fen(500)));
    let purse = town.scratch.db.clone();
    let rows =
        query("SELECT owner, shard FROM account WHERE kind = 1").all(&mut purse.read().await.unwrap()).await.unwrap();
    let owner = crate::db::columns::bytes(&rows[0], "owner").unwrap();
    let key = |kind| crate::ledger::AccountKey {
        shard: Shard(u8::try_from(rows[0].get::<i64>("shard").unwrap()).unwrap()),
        owner: crate::ledger::Owner(owner),
        kind,
        unit: Unit::CnyFen,
    };
    let transfer = Transfer {
        debit: key(AccountKind::Settlement),
        credit: key(AccountKind::Purse),
        amount: 40,
        kind: TransferKind::TopUp,
        reference: Some(Reference([9; 32])),
        phase: Phase::Posted,
    };
    elsewhere(&town)
        .await
        .write::<_, DbError, _>(move |tx| Box::pin(async move { post(tx, START, &[vec![transfer]]).await }))
        .await
        .unwrap();
    let tap = terminal.tap(&card, Slot::Tap, pay(540));
    let paid = town.submit(&terminal, &[tap]).await[0];
    assert_eq!((paid.outcome, paid.balance), (Outcome::Accepted, Some(Fen(0))));
    assert_eq!(town.number("SELECT CAST(SUM(balance) AS BIGINT) FROM account").await, 0);
}
