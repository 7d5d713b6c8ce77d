//! What terminals have accepted on their own: it stands, whoever bears it, and ends where a terminal could have known.

use super::*;
use crate::testing::town::{OFFLINE, set_state};

const RISK: &str = "SELECT CAST(COALESCE(SUM(balance), 0) AS BIGINT) FROM account WHERE kind = 4";
const PURSES: &str = "SELECT CAST(COALESCE(SUM(balance), 0) AS BIGINT) FROM account WHERE kind = 1";
const NEWEST_LIST: &str = "SELECT COALESCE(MAX(version), 1) FROM status_change";
const SUSPENDED: &str = "SELECT COUNT(*) FROM card WHERE state = 'suspended'";

fn pay_offline(fen: i64) -> Operation {
    Operation::PursePayment(purse::Payment { accepted_offline: true, ..purse::Payment::online(Fen(fen)) })
}

async fn newest(town: &Town) -> u64 {
    u64::try_from(town.number(NEWEST_LIST).await).unwrap()
}

/// A tap that the terminal accepted with this list, at this time.
fn tap(terminal: &mut TestTerminal, card: &TestCard, fen: i64, list: u64, at: Micros) -> Signed {
    let tap = Tap { status_version: list, at, ..terminal.next(Some(card), pay_offline(fen)) };
    terminal.sign(&tap, card.key(Slot::Tap), Kid::Card(Slot::Tap))
}

#[tokio::test]
async fn a_payment_that_the_purse_does_not_cover_stands_and_suspends_the_card() {
    let town = Town::new().await;
    let (mut shop, mut other, card) = (town.terminal().await, town.terminal().await, town.card().await);
    let first = shop.tap(&card, Slot::Tap, top_up(1_000));
    let taps = [
        first,
        tap(&mut shop, &card, 700, 1, START),
        tap(&mut shop, &card, 700, 1, START),
        tap(&mut shop, &card, 50, 1, START),
    ];
    let outcomes = town.submit(&shop, &taps).await;
    assert_eq!(outcomes.iter().map(|one| one.outcome).collect::<Vec<_>>(), [Outcome::Accepted; 4]);
    assert_eq!(
        outcomes.iter().map(|one| one.balance).collect::<Vec<_>>(),
        [1_000, 300, 0, 0].map(|fen| Some(Fen(fen)))
    );
    assert_eq!((town.number(RISK).await, town.number(PURSES).await), (-450, 0), "the issuer has advanced the rest");
    assert!(town.number(SUSPENDED).await == 1 && newest(&town).await > 1, "terminals are told");

    // Another shop that had the old list could not know, and one that has the new one could.
    let unknowing = tap(&mut other, &card, 30, 1, START);
    assert_eq!(outcome(&town, &other, &unknowing).await, Outcome::Accepted);
    let knowing = tap(&mut other, &card, 30, newest(&town).await, START);
    assert_eq!(outcome(&town, &other, &knowing).await, Outcome::CardNotActive);
    let online = other.tap(&card, Slot::Tap, pay(1));
    assert_eq!(outcome(&town, &other, &online).await, Outcome::CardNotActive);
    assert_eq!(town.number(RISK).await, -480);
    assert_eq!(town.number("SELECT CAST(SUM(balance) AS BIGINT) FROM account").await, 0);
    assert_eq!(outcome(&town, &other, &unknowing).await, Outcome::Accepted, "sent again, it is booked once");
    assert_eq!(town.number(RISK).await, -480);
}

#[tokio::test]
async fn a_terminal_that_makes_payments_up_is_paid_no_more_of_them_than_an_honest_one_lets_wait() {
    let town = Town::new().await;
    let (mut rogue, card) = (town.terminal().await, town.card().await);
    let first = tap(&mut rogue, &card, 100, 1, START);
    assert_eq!(outcome(&town, &rogue, &first).await, Outcome::Accepted, "it suspends the card");
    let mut accepted = 0;
    for _ in 0..3 {
        let taps: Vec<_> = (0..15).map(|_| tap(&mut rogue, &card, 100, 1, START)).collect();
        let outcomes = town.submit(&rogue, &taps).await;
        accepted += outcomes.iter().filter(|one| one.outcome == Outcome::Accepted).count();
    }
    // The first counts as well.
    assert_eq!(accepted, OFFLINE.card_count as usize - 1);
    assert_eq!(town.number(RISK).await, -100 * i64::from(OFFLINE.card_count));
}

#[tokio::test]
async fn what_a_thief_pays_after_the_loss_was_reported_is_not_the_holders() {
    let town = Town::new().await;
    let (mut shop, card) = (town.terminal().await, town.card().await);
    let first = shop.tap(&card, Slot::Tap, top_up(1_000));
    assert_eq!(outcome(&town, &shop, &first).await, Outcome::Accepted);
    let (hour, week) = (START.plus_seconds(3_600), i64::from(OFFLINE.freeze_days) * 86_400);
    set_state(&town.scratch.db, hour, card.id, CardState::Lost).await;
    town.now.store(hour.plus_seconds(week + 100).0, Ordering::Relaxed);
    let before = tap(&mut shop, &card, 100, 1, START);
    let after = tap(&mut shop, &card, 200, 1, hour.plus_seconds(1));
    let listed = tap(&mut shop, &card, 400, newest(&town).await, hour.plus_seconds(1));
    let frozen = tap(&mut shop, &card, 800, 1, hour.plus_seconds(week + 1));
    let made_up = tap(&mut shop, &card, 900, newest(&town).await + 1, hour.plus_seconds(1));
    let outcomes = town.submit(&shop, &[before, after, listed, frozen, made_up]).await;
    let refused = Outcome::CardNotActive;
    assert_eq!(
        outcomes.iter().map(|one| one.outcome).collect::<Vec<_>>(),
        [Outcome::Accepted, Outcome::Accepted, refused, refused, refused]
    );
    assert_eq!((town.number(PURSES).await, town.number(RISK).await), (900, -200));
}

#[tokio::test]
async fn more_than_a_terminal_may_accept_on_its_own_is_nothing_that_stands() {
    let town = Town::new().await;
    let (mut shop, card) = (town.terminal().await, town.card().await);
    let over = Tap { status_version: 1, ..shop.next(Some(&card), pay_offline(OFFLINE.tap.0 + 1)) };
    let over = shop.sign(&over, card.key(Slot::Approve), Kid::Card(Slot::Approve));
    assert_eq!(outcome(&town, &shop, &over).await, Outcome::AmountOutOfRange);
    let waiting = town.card_in(CardState::Personalised).await;
    let early = tap(&mut shop, &waiting, 1, 1, START);
    assert_eq!(outcome(&town, &shop, &early).await, Outcome::CardNotActive, "a card that was never in use");
    assert_eq!(town.number(RISK).await, 0);
}
