//! What a terminal may expect of intake, and what an attacker may not.

mod approvals;
mod consent;
mod days;
mod gates;
mod journeys;
mod offline;
mod one_shard;
mod overload;
mod parts;
mod plans;
mod points;
mod refunds;
mod remembered;
mod settlement;
mod transit;

use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::middleware::from_fn;
use axum::{Extension, Router, body};
use card_schema::card::Slot;
use card_schema::clock::Micros;
use card_schema::envelope::batch::Batch;
use card_schema::envelope::receipt::{Outcome, Receipt};
use card_schema::envelope::tap::{LogHead, Tap};
use card_schema::envelope::{Envelope, Kid, ToBeSigned};
use card_schema::ids::{CardId, Shard, TapId, TerminalId};
use card_schema::money::Fen;
use card_schema::operation::terminal::{AbandonReason, Abandoned};
use card_schema::operation::{Operation, OperationCode, gate, purse, sign_in};
use card_schema::wire::terminal::BatchRequest;
use card_schema::wire::{Problem, ProblemType};
use tower::ServiceExt as _;

use super::api;
use crate::cards::CardState;
use crate::db::{DbError, query};
use crate::http::{Refusal, localise};
use crate::testing::town::{START, Signed, Signer, TestCard, TestTerminal, Town, identity_of, random, revoke};

fn pay(fen: i64) -> Operation {
    Operation::PursePayment(purse::Payment::online(Fen(fen)))
}

fn top_up(fen: i64) -> Operation {
    Operation::PurseTopUp(purse::TopUp::cash(Fen(fen)))
}

const GATE: Operation = Operation::GateCheck(gate::Check);
const ABANDONED: Operation = Operation::Abandoned(Abandoned { reason: AbandonReason::CardRemoved });

const TRANSFERS: &str = "SELECT COUNT(*) FROM transfer";
const TAPS: &str = "SELECT COUNT(*) FROM tap";

async fn outcome(town: &Town, terminal: &TestTerminal, tap: &Signed) -> Outcome {
    town.submit(terminal, std::slice::from_ref(tap)).await[0].outcome
}

#[tokio::test]
async fn a_top_up_and_a_payment_are_posted_and_the_receipt_shows_the_balance() {
    let town = Town::new().await;
    let (mut terminal, card) = (town.terminal().await, town.card().await);
    let taps = [terminal.tap(&card, Slot::Tap, top_up(5_000)), terminal.tap(&card, Slot::Tap, pay(1_250))];
    let outcomes = town.submit(&terminal, &taps).await;
    assert_eq!(outcomes.iter().map(|o| o.outcome).collect::<Vec<_>>(), [Outcome::Accepted; 2]);
    assert_eq!(outcomes.iter().map(|o| o.balance).collect::<Vec<_>>(), [Some(Fen(5_000)), Some(Fen(3_750))]);
    assert_eq!(outcomes.iter().map(|o| o.tap).collect::<Vec<_>>(), taps.map(|tap| tap.id));
    assert_eq!(town.number(TRANSFERS).await, 2);
    assert_eq!(town.number("SELECT CAST(SUM(balance) AS BIGINT) FROM account").await, 0);
    assert_eq!(town.number("SELECT COUNT(*) FROM leaf WHERE kind = 10").await, 2, "no leaf, no action");
}

#[tokio::test]
async fn the_receipt_carries_the_newest_log_head() {
    let town = Town::new().await;
    let (mut terminal, card) = (town.terminal().await, town.card().await);
    let head = LogHead { size: 9, root: [4; 32] };
    town.log_head.send_replace(Some(head));
    let tap = terminal.tap(&card, Slot::Tap, GATE);
    let batch = terminal.batch(&[tap]);
    let receipt = town.intake.accept(terminal.id, &batch).await.unwrap();
    assert_eq!(Envelope::<Receipt>::decode(&receipt).unwrap().payload.log_head, Some(head));
}

#[tokio::test]
async fn each_bad_tap_gets_its_own_outcome_and_its_neighbours_are_posted() {
    let town = Town::new().await;
    let mut terminal = town.terminal().await;
    let card = town.card().await;
    let suspended = town.card_in(CardState::Suspended).await;
    let waiting = town.card_in(CardState::Personalised).await;
    let mut taps = vec![(terminal.tap(&card, Slot::Tap, top_up(50_000)), Outcome::Accepted)];

    let stranger = Signer::new();
    let tap = terminal.next(Some(&card), pay(1));
    taps.push((terminal.sign(&tap, &stranger, Kid::Card(Slot::Tap)), Outcome::BadSignature));
    let tap = terminal.next(Some(&card), pay(1));
    taps.push((terminal.sign(&tap, card.key(Slot::Tap), Kid::Card(Slot::Approve)), Outcome::BadSignature));
    let mut tap = terminal.next(Some(&card), pay(1));
    tap.card = Some(CardId::from_bytes(random()));
    taps.push((terminal.sign(&tap, card.key(Slot::Tap), Kid::Card(Slot::Tap)), Outcome::UnknownCard));
    let tap = terminal.next(None, pay(1));
    taps.push((terminal.sign(&tap, card.key(Slot::Tap), Kid::Card(Slot::Tap)), Outcome::BadSignature));
    taps.push((terminal.tap(&card, Slot::Tap, ABANDONED), Outcome::BadSignature));
    taps.push((terminal.tap(&card, Slot::Tap, pay(10_001)), Outcome::PinRequired));
    taps.push((terminal.tap(&card, Slot::SignIn, pay(10_001)), Outcome::PinRequired));
    taps.push((terminal.tap(&card, Slot::Approve, pay(10_001)), Outcome::Accepted));
    taps.push((terminal.tap(&suspended, Slot::Tap, pay(1)), Outcome::CardNotActive));
    taps.push((terminal.tap(&waiting, Slot::Tap, GATE), Outcome::CardNotActive));
    taps.push((terminal.tap(&card, Slot::Tap, pay(0)), Outcome::AmountOutOfRange));
    taps.push((terminal.tap(&card, Slot::Tap, pay(-5)), Outcome::AmountOutOfRange));
    taps.push((terminal.tap(&card, Slot::Approve, pay(i64::MAX)), Outcome::AmountOutOfRange));
    taps.push((terminal.tap(&card, Slot::Approve, pay(999_999)), Outcome::InsufficientFunds));
    let sign_in = Operation::SignIn(sign_in::SignIn { audience: "https://test.invalid".into(), challenge: [0; 32] });
    taps.push((terminal.tap(&card, Slot::SignIn, sign_in), Outcome::OperationNotAllowed));
    taps.push((terminal.say(ABANDONED), Outcome::Accepted));
    taps.push((terminal.tap(&card, Slot::Tap, GATE), Outcome::Accepted));
    taps.push((terminal.tap(&card, Slot::Tap, pay(100)), Outcome::Accepted));

    let signed: Vec<_> = taps.iter().map(|(tap, _)| tap.clone()).collect();
    let outcomes = town.submit(&terminal, &signed).await;
    for (at, ((tap, expected), found)) in taps.iter().zip(&outcomes).enumerate() {
        assert_eq!((found.tap, found.outcome), (tap.id, *expected), "tap {at}");
    }
    assert_eq!(town.number(TRANSFERS).await, 3, "top-up and two payments");
    assert_eq!(town.number("SELECT COUNT(*) FROM lane_event").await, 0, "the lane went on as it must");
    assert_eq!(
        town.number("SELECT CAST(SUM(passed) AS BIGINT) FROM gate_count").await,
        1,
        "the waiting card was not let in"
    );
}

#[tokio::test]
async fn bytes_that_are_no_tap_are_answered_by_their_hash_and_spoil_nothing() {
    let town = Town::new().await;
    let (mut terminal, card) = (town.terminal().await, town.card().await);
    let good = terminal.tap(&card, Slot::Tap, GATE);
    let mut long_form = good.cose.clone();
    long_form.push(0);
    let bad = [Vec::new(), vec![0xFF; 40], long_form].map(|cose| Signed { id: TapId([0; 32]), cose });
    let batch: Vec<_> = bad.iter().cloned().chain([good.clone()]).collect();
    let outcomes = town.submit(&terminal, &batch).await;
    for (found, sent) in outcomes.iter().zip(&bad) {
        let hash = ring::digest::digest(&ring::digest::SHA256, &sent.cose);
        assert_eq!((found.tap.0.as_slice(), found.outcome), (hash.as_ref(), Outcome::Malformed));
    }
    assert_eq!((outcomes[3].tap, outcomes[3].outcome), (good.id, Outcome::Accepted));
}

#[tokio::test]
async fn a_thousand_replays_and_a_hundred_at_once_post_once_with_the_first_outcome() {
    let town = Town::new().await;
    let (mut terminal, card) = (town.terminal().await, town.card().await);
    assert_eq!(tapped(&town, &mut terminal, &card, top_up(1_000)).await, Outcome::Accepted);
    let tap = terminal.tap(&card, Slot::Tap, pay(300));
    let batch = terminal.batch(std::slice::from_ref(&tap));
    let at_once = (0..100).map(|_| {
        let (intake, batch, id) = (town.intake.clone(), batch.clone(), terminal.id);
        tokio::spawn(async move { intake.accept(id, &batch).await.map(|_| ()) })
    });
    for task in at_once.collect::<Vec<_>>() {
        task.await.unwrap().unwrap();
    }
    for _ in 0..4 {
        let replays = vec![tap.clone(); 250];
        let outcomes = town.submit(&terminal, &replays).await;
        assert!(outcomes.iter().all(|o| o.outcome == Outcome::Accepted && o.balance == Some(Fen(700))));
    }
    assert_eq!(town.number(TRANSFERS).await, 2);
    assert_eq!(town.number(TAPS).await, 2);
}

/// Taps with 9E, submits at once, and says what became of it.
async fn tapped(town: &Town, terminal: &mut TestTerminal, card: &TestCard, operation: Operation) -> Outcome {
    let tap = terminal.tap(card, Slot::Tap, operation);
    outcome(town, terminal, &tap).await
}

#[tokio::test]
async fn the_malleable_twin_of_a_signature_is_the_same_tap() {
    // n of P-256 (SEC 2 §2.4.2); (r, n − s) verifies wherever (r, s) does.
    const ORDER: [u8; 32] = [
        0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xBC, 0xE6, 0xFA, 0xAD,
        0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51,
    ];
    let town = Town::new().await;
    let (mut terminal, card) = (town.terminal().await, town.card().await);
    let tap = terminal.tap(&card, Slot::Tap, top_up(500));
    let mut twin = tap.clone();
    let s = twin.cose.len() - 32;
    let mut borrow = 0;
    for at in (0..32).rev() {
        let difference = i16::from(ORDER[at]) - i16::from(twin.cose[s + at]) - borrow;
        borrow = i16::from(difference < 0);
        twin.cose[s + at] = difference.rem_euclid(256).to_le_bytes()[0];
    }
    assert_ne!(twin.cose, tap.cose);
    Envelope::<Tap>::decode(&twin.cose).unwrap().verify(&card.key(Slot::Tap).public()).expect("the twin verifies");
    assert_eq!(outcome(&town, &terminal, &tap).await, Outcome::Accepted);
    assert_eq!(outcome(&town, &terminal, &twin).await, Outcome::Accepted);
    assert_eq!(town.number(TRANSFERS).await, 1);
}

#[tokio::test]
async fn a_swapped_amount_is_refused() {
    let town = Town::new().await;
    let (mut terminal, card) = (town.terminal().await, town.card().await);
    let signed = terminal.tap(&card, Slot::Tap, top_up(500));
    let signature = signed.cose[signed.cose.len() - 64..].to_vec();
    let mut tap = Envelope::<Tap>::decode(&signed.cose).unwrap().payload;
    tap.operation = top_up(50_000);
    let swapped = ToBeSigned::new(&tap, Kid::Card(Slot::Tap));
    let signature = card_schema::envelope::Signature(signature.try_into().unwrap());
    let swapped = Signed { id: TapId(swapped.digest()), cose: swapped.sign(&signature) };
    assert_eq!(outcome(&town, &terminal, &swapped).await, Outcome::BadSignature);
    assert_eq!(town.number(TRANSFERS).await, 0);
}

#[tokio::test]
async fn a_gap_is_quarantined_and_the_lane_goes_on_behind_it() {
    let town = Town::new().await;
    let (mut terminal, card) = (town.terminal().await, town.card().await);
    let lost = terminal.tap(&card, Slot::Tap, top_up(100));
    let after_gap = terminal.tap(&card, Slot::Tap, top_up(200));
    let next = terminal.tap(&card, Slot::Tap, top_up(300));
    assert_eq!(outcome(&town, &terminal, &after_gap).await, Outcome::Quarantined);
    assert_eq!(outcome(&town, &terminal, &next).await, Outcome::Accepted);
    assert_eq!(outcome(&town, &terminal, &lost).await, Outcome::Quarantined, "too late to fill its place");
    assert_eq!(outcome(&town, &terminal, &after_gap).await, Outcome::Quarantined, "the first outcome again");
    (terminal.counter, terminal.previous) = (0, TapId::NONE);
    let other = terminal.tap(&card, Slot::Tap, top_up(400));
    assert_eq!(outcome(&town, &terminal, &other).await, Outcome::CounterFork, "its place is filled by now");
    assert_eq!(town.number("SELECT CAST(SUM(amount) AS BIGINT) FROM transfer").await, 300);
    assert_eq!(town.number("SELECT COUNT(*) FROM lane_event WHERE kind = 1").await, 2);
    assert_eq!(town.number("SELECT COUNT(*) FROM leaf WHERE kind = 12").await, 3);
}

#[tokio::test]
async fn a_gap_and_what_comes_late_for_it_are_told_from_a_fork_within_one_batch() {
    let town = Town::new().await;
    let (mut terminal, card) = (town.terminal().await, town.card().await);
    let lost = terminal.tap(&card, Slot::Tap, top_up(100));
    let after_gap = terminal.tap(&card, Slot::Tap, top_up(200));
    (terminal.counter, terminal.previous) = (0, TapId::NONE);
    let other = terminal.tap(&card, Slot::Tap, top_up(400));
    let outcomes: Vec<_> =
        town.submit(&terminal, &[after_gap, lost, other]).await.iter().map(|tap| tap.outcome).collect();
    assert_eq!(outcomes, [Outcome::Quarantined, Outcome::Quarantined, Outcome::CounterFork]);
}

#[tokio::test]
async fn a_second_tap_with_the_same_number_is_a_fork_and_posts_nothing() {
    let town = Town::new().await;
    let (mut terminal, card) = (town.terminal().await, town.card().await);
    let other = town.card().await;
    let first = terminal.tap(&card, Slot::Tap, top_up(100));
    (terminal.counter, terminal.previous) = (0, TapId::NONE);
    // Another card, so most likely another shard: one number is one tap in all of them.
    let second = terminal.tap(&other, Slot::Tap, top_up(200));
    assert_eq!(outcome(&town, &terminal, &first).await, Outcome::Accepted);
    for _ in 0..3 {
        assert_eq!(outcome(&town, &terminal, &second).await, Outcome::CounterFork);
    }
    assert_eq!(town.number(TRANSFERS).await, 1);
    assert_eq!(town.number("SELECT COUNT(*) FROM lane_event WHERE kind = 2").await, 1, "recorded once");
    let both = town.submit(&terminal, &[first, second]).await;
    assert_eq!([both[0].outcome, both[1].outcome], [Outcome::Accepted, Outcome::CounterFork]);
}

#[tokio::test]
async fn a_broken_chain_is_quarantined() {
    let town = Town::new().await;
    let (mut terminal, card) = (town.terminal().await, town.card().await);
    assert_eq!(tapped(&town, &mut terminal, &card, top_up(1)).await, Outcome::Accepted);
    terminal.previous = TapId([9; 32]);
    assert_eq!(tapped(&town, &mut terminal, &card, top_up(1)).await, Outcome::Quarantined);
    assert_eq!(tapped(&town, &mut terminal, &card, top_up(1)).await, Outcome::Accepted);
    assert_eq!(town.number("SELECT COUNT(*) FROM lane_event WHERE kind = 3").await, 1);
}

#[tokio::test]
async fn a_revoked_terminals_batch_posts_nothing() {
    let town = Town::new().await;
    let (mut terminal, card) = (town.terminal().await, town.card().await);
    let before = terminal.tap(&card, Slot::Tap, top_up(100));
    assert_eq!(outcome(&town, &terminal, &before).await, Outcome::Accepted);
    revoke(&town.scratch.db, terminal.id).await;
    let after = terminal.tap(&card, Slot::Tap, top_up(200));
    let said = terminal.say(ABANDONED);
    let outcomes = town.submit(&terminal, &[before, after, said]).await;
    let outcomes: Vec<_> = outcomes.iter().map(|o| o.outcome).collect();
    assert_eq!(outcomes, [Outcome::Accepted, Outcome::Quarantined, Outcome::Quarantined]);
    assert_eq!(town.number(TRANSFERS).await, 1);
}

#[tokio::test]
async fn a_terminal_submits_only_what_it_may() {
    let town = Town::new().await;
    let card = town.card().await;
    let mut gate = town.terminal_for(&[OperationCode::GateCheck]).await;
    assert_eq!(tapped(&town, &mut gate, &card, GATE).await, Outcome::Accepted);
    assert_eq!(tapped(&town, &mut gate, &card, top_up(1)).await, Outcome::OperationNotAllowed);
}

#[tokio::test]
async fn clocks_that_cannot_be_right_are_refused() {
    let town = Town::new().await;
    let (mut terminal, card) = (town.terminal().await, town.card().await);
    let years = |n: i64| n * 365 * 86_400;
    let root = [7; 32];
    checkpoint(&town, 40, root, START.plus_seconds(-3_600)).await;
    let seen = Some(LogHead { size: 40, root });
    let table = [
        ("now", 0, None, Outcome::Accepted),
        ("a little ahead", 299, None, Outcome::Accepted),
        ("ahead of its own upload", 301, None, Outcome::ClockImplausible),
        ("ten years ahead", years(10), None, Outcome::ClockImplausible),
        ("ten years behind", -years(10), None, Outcome::ClockImplausible),
        ("three weeks offline", -21 * 86_400, None, Outcome::Accepted),
        ("after the checkpoint it has seen", -3_000, seen, Outcome::Accepted),
        ("before the checkpoint it has seen", -4_000, seen, Outcome::ClockImplausible),
        ("back to now", 0, seen, Outcome::Accepted),
    ];
    for (case, seconds, log_head, expected) in table {
        let tap = Tap { at: START.plus_seconds(seconds), log_head, ..terminal.next(Some(&card), GATE) };
        let signed = terminal.sign(&tap, card.key(Slot::Tap), Kid::Card(Slot::Tap));
        assert_eq!(outcome(&town, &terminal, &signed).await, expected, "{case}");
    }
}

async fn checkpoint(town: &Town, size: i64, root: [u8; 32], at: Micros) {
    town.scratch
        .db
        .write::<_, DbError, _>(move |tx| {
            Box::pin(async move {
                query("INSERT INTO checkpoint (size, root, note, at) VALUES ($1, $2, '', $3)")
                    .bind(size)
                    .bind(root)
                    .bind(at.0)
                    .execute(tx.conn())
                    .await?;
                Ok(())
            })
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn a_log_head_that_this_log_never_had_is_quarantined_and_recorded() {
    let town = Town::new().await;
    let (mut terminal, card) = (town.terminal().await, town.card().await);
    checkpoint(&town, 40, [7; 32], START).await;
    let log_head = Some(LogHead { size: 40, root: [8; 32] });
    let tap = Tap { log_head, ..terminal.next(Some(&card), top_up(1)) };
    let signed = terminal.sign(&tap, card.key(Slot::Tap), Kid::Card(Slot::Tap));
    assert_eq!(outcome(&town, &terminal, &signed).await, Outcome::Quarantined);
    assert_eq!(town.number("SELECT COUNT(*) FROM lane_event WHERE kind = 4").await, 1);
    assert_eq!(town.number(TRANSFERS).await, 0);
}

#[tokio::test]
async fn an_expired_card_is_refused() {
    let town = Town::new().await;
    let (mut terminal, card) = (town.terminal().await, town.card().await);
    let later = START.plus_seconds(366 * 86_400);
    town.now.store(later.0, Ordering::Relaxed);
    let tap = Tap { at: later, ..terminal.next(Some(&card), GATE) };
    let signed = terminal.sign(&tap, card.key(Slot::Tap), Kid::Card(Slot::Tap));
    assert_eq!(outcome(&town, &terminal, &signed).await, Outcome::CardExpired);
}

#[tokio::test]
async fn a_tap_of_another_terminal_is_refused_and_leaves_that_lane_alone() {
    let town = Town::new().await;
    let (mut mine, mut theirs, card) = (town.terminal().await, town.terminal().await, town.card().await);
    let stolen = theirs.tap(&card, Slot::Tap, top_up(100));
    let own = mine.tap(&card, Slot::Tap, top_up(1));
    let outcomes: Vec<_> = town.submit(&mine, &[stolen.clone(), own]).await.iter().map(|o| o.outcome).collect();
    assert_eq!(outcomes, [Outcome::WrongTerminal, Outcome::Accepted]);
    assert_eq!(outcome(&town, &theirs, &stolen).await, Outcome::Accepted);
}

#[tokio::test]
async fn batches_that_are_not_the_terminals_own_are_refused_as_such() {
    let town = Town::new().await;
    let (mut terminal, card) = (town.terminal().await, town.card().await);
    let taps = [terminal.tap(&card, Slot::Tap, top_up(100))];
    let batch = terminal.batch(&taps);
    let elsewhere = town.terminal().await;
    let kind = |refused: Result<Vec<u8>, Refusal>| refused.expect_err("refused").kind();
    assert_eq!(kind(town.intake.accept(elsewhere.id, &batch).await), ProblemType::Forbidden);
    let payload = Batch { terminal: terminal.id, at: START, taps: vec![taps[0].cose.clone()] };
    let forged = Signer::new();
    for kid in [terminal.kid(), Kid::Key(forged.public().key_id())] {
        let refused = town.intake.accept(terminal.id, &forged.seal(&payload, kid)).await;
        assert_eq!(kind(refused), ProblemType::BadSignature);
    }
    let unknown =
        TestTerminal { id: TerminalId::from_bytes(random()), key: forged, lane: 0, counter: 0, previous: TapId::NONE };
    let refused = town.intake.accept(unknown.id, &unknown.batch(&[])).await;
    assert_eq!(kind(refused), ProblemType::UnknownTerminal);
    assert_eq!(town.number(TAPS).await, 0);
}

#[tokio::test]
async fn bad_requests_are_answered_by_problem_documents() {
    let town = Town::new().await;
    let terminal = town.terminal().await;
    let app = Router::from(api::router::<()>()).layer(Extension(town.intake.clone())).layer(from_fn(localise));
    let identified = app.clone().layer(Extension(identity_of(&town.scratch.db, terminal.id).await));
    let batch = |bytes: Vec<u8>| serde_json::to_vec(&BatchRequest { batch: bytes.into() }).unwrap();
    let mut trailing = terminal.batch(&[]);
    trailing.push(0);
    let table = [
        ("no certificate", &app, batch(terminal.batch(&[])), StatusCode::FORBIDDEN, ProblemType::UnknownTerminal),
        ("not JSON", &identified, b"{".to_vec(), StatusCode::BAD_REQUEST, ProblemType::MalformedRequest),
        ("empty", &identified, batch(Vec::new()), StatusCode::BAD_REQUEST, ProblemType::BadEnvelope),
        ("not canonical", &identified, batch(trailing), StatusCode::BAD_REQUEST, ProblemType::BadEnvelope),
        ("oversized", &identified, batch(vec![0; 300_000]), StatusCode::PAYLOAD_TOO_LARGE, ProblemType::TooLarge),
        ("oversized body", &identified, vec![b' '; 900_000], StatusCode::PAYLOAD_TOO_LARGE, ProblemType::TooLarge),
    ];
    for (case, app, body, status, kind) in table {
        let request = Request::post("/v1/batches").header("content-type", "application/json").body(Body::from(body));
        let response = app.clone().oneshot(request.unwrap()).await.unwrap();
        assert_eq!(response.status(), status, "{case}");
        assert_eq!(response.headers()["content-type"], Problem::MEDIA_TYPE, "{case}");
        let body = body::to_bytes(response.into_body(), 65_536).await.unwrap();
        let problem: Problem = serde_json::from_slice(&body).unwrap();
        assert_eq!((problem.kind, problem.status), (kind, status.as_u16()), "{case}");
    }
}

#[tokio::test]
async fn a_full_queue_answers_busy_at_once_and_loses_nothing_that_was_taken() {
    let town = Town::new().await;
    let (mut terminal, card) = (town.terminal().await, town.card().await);
    // The writer's own transaction waits behind this one, so that the queue fills up.
    let (held, release) =
        (std::sync::Arc::new(tokio::sync::Notify::new()), std::sync::Arc::new(tokio::sync::Notify::new()));
    let blocker = {
        let (db, held, release) = (town.scratch.db.clone(), held.clone(), release.clone());
        tokio::spawn(async move {
            let shards = db.engine().shards();
            db.write::<_, DbError, _>(move |tx| {
                Box::pin(async move {
                    tx.lock((0..shards).map(Shard)).await?;
                    held.notify_one();
                    release.notified().await;
                    Ok(())
                })
            })
            .await
        })
    };
    held.notified().await;
    let full =
        |result: &Result<Vec<u8>, Refusal>| matches!(result, Err(refusal) if refusal.kind() == ProblemType::Busy);
    let mut open = tokio::task::JoinSet::new();
    let mut answered = 0;
    // Nothing is written meanwhile, so the first answer of all can only be that there is no room.
    let first = loop {
        assert!(open.len() < 5_000, "the queue has an end");
        let tap = terminal.tap(&card, Slot::Tap, top_up(1));
        let (intake, id, batch) = (town.intake.clone(), terminal.id, terminal.batch(&[tap]));
        open.spawn(async move { intake.accept(id, &batch).await });
        tokio::task::yield_now().await;
        if let Some(first) = open.try_join_next() {
            break first.unwrap();
        }
    };
    assert!(full(&first), "{first:?}");
    assert_eq!(town.number(TAPS).await, 0);
    release.notify_one();
    blocker.await.unwrap().unwrap();
    while let Some(done) = open.join_next().await {
        let done = done.unwrap();
        assert!(done.is_ok() || full(&done), "{done:?}");
        answered += i64::from(done.is_ok());
    }
    assert!(answered >= 512, "{answered}");
    assert_eq!(town.number(TAPS).await, answered, "what was answered is there, and nothing else");
}
