//! What nobody can dispute any more is folded: nothing tells any more who was where on a day, and everything is proven still.

use card_schema::card::Slot;
use card_schema::clock::Micros;
use card_schema::envelope::Kid;
use card_schema::envelope::receipt::Outcome;
use card_schema::envelope::tap::Tap;
use card_schema::money::Fen;
use card_schema::operation::transit::{Inspection, Side, Validation};
use card_schema::operation::{Operation, gate, purse};

use super::*;
use crate::domains::transit::closing;
use crate::domains::transit::import::Recalled;
use crate::folding::fold;
use crate::folding::rules::Retention;
use crate::testing::city::fares_in;
use crate::testing::town::Signed;

const DAY: i64 = 86_400;
const TRAVEL_TAPS: &str = "SELECT COUNT(*) FROM tap WHERE operation IN (513, 1281, 1282)";
const BALANCES: &str = "SELECT CAST(SUM(balance * balance) AS BIGINT) FROM account";

struct Travelled {
    audited: Audited,
    /// Every tap of travelling and of the gate, as it was brought.
    taps: Vec<Signed>,
}

fn shown(route: &str, stop: &str, side: Side) -> Operation {
    Operation::TransitValidation(Validation { tariff: 1, route: route.into(), stop: stop.into(), side })
}

/// A tap that is brought in the minute in which it is made.
async fn tap(town: &Town, terminal: &mut TestTerminal, card: &TestCard, at: Micros, operation: Operation) -> Signed {
    town.now.store(at.0, std::sync::atomic::Ordering::Relaxed);
    let is_of_a_gate = matches!(operation, Operation::GateCheck(_));
    let tap = Tap { at, ..terminal.next(Some(card), operation) };
    let signed = terminal.sign(&tap, card.key(Slot::Tap), Kid::Card(Slot::Tap));
    let outcome = town.submit(terminal, std::slice::from_ref(&signed)).await[0].outcome;
    // The gate stands at no site: it asks all the same.
    assert!(outcome == Outcome::Accepted || is_of_a_gate);
    signed
}

/// Two people with money who travel on the second and third day, pass a gate and are inspected, and one of whom buys something the day
/// after; the other has not enough in the end.
async fn travelled() -> Travelled {
    let town = Town::on(Scratch::sqlite().await);
    fares_in(&town.scratch.db, "").await;
    let log = Log::open(town.scratch.db.clone(), town.keys.clone(), "log.test.invalid/town").await.unwrap();
    let (mut bus, mut shop, mut station) = (town.terminal().await, town.terminal().await, town.terminal().await);
    let (card, other) = (town.card().await, town.card().await);
    for (card, fen) in [(&card, 2_000), (&other, 1_500)] {
        tap(&town, &mut station, card, START, Operation::PurseTopUp(purse::TopUp::cash(Fen(fen)))).await;
    }
    let mut taps = Vec::new();
    for day in [1, 2] {
        let morning = START.plus_seconds(day * DAY);
        let at = |minute: i64| morning.plus_seconds(minute * 60);
        for (minute, card, operation) in [
            (0, &card, shown("m", "p", Side::On)),
            (1, &other, shown("b", "p", Side::On)),
            (20, &card, shown("m", "q", Side::Off)),
            (25, &card, Operation::GateCheck(gate::Check)),
            (30, &other, Operation::TransitInspection(Inspection { route: "b".into() })),
            (600, &other, shown("m", "p", Side::On)),
        ] {
            taps.push(tap(&town, &mut bus, card, at(minute), operation).await);
        }
        closing::close(&town.scratch.db, &Recalled::default(), at(900)).await.unwrap();
    }
    let paid = Operation::PursePayment(purse::Payment::online(Fen(100)));
    tap(&town, &mut shop, &card, START.plus_seconds(3 * DAY), paid).await;
    log.integrate(START.plus_seconds(3 * DAY)).await.unwrap();
    let superuser = town.scratch.superuser().await;
    Travelled { audited: Audited { town, log, terminal: bus, card, superuser }, taps }
}

impl Audited {
    async fn fold(&mut self, days: i64) -> u64 {
        let now = START.plus_seconds(days * DAY);
        self.town.now.store(now.0, std::sync::atomic::Ordering::Relaxed);
        let folded = fold(&self.town.scratch.db, Retention::default(), now).await.unwrap();
        self.log.integrate(now).await.unwrap();
        folded
    }

    async fn number(&mut self, sql: &'static str) -> i64 {
        query(sql).scalar_one(&mut self.superuser).await.unwrap()
    }

    /// Rows that say of a person or a card, as bytes, something of those days: what somebody who has everything would look for.
    async fn trail(&mut self, whose: &[Vec<u8>], days: std::ops::Range<i64>) -> Vec<String> {
        let names: Vec<String> =
            query("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name")
                .scalars(&mut self.superuser)
                .await
                .unwrap();
        let mut found = Vec::new();
        for table in names {
            let columns: Vec<String> = query("SELECT name FROM pragma_table_info($1)")
                .bind(&table)
                .scalars(&mut self.superuser)
                .await
                .unwrap();
            let rows = query(format!("SELECT * FROM {table}")).all(&mut self.superuser).await.unwrap();
            for row in &rows {
                let values: Vec<Value> =
                    (0..columns.len()).map(|column| Value::from(row.stored(column).unwrap())).collect();
                let names_one = values.iter().any(|value| match value {
                    Value::Bytes(bytes) => {
                        whose.iter().any(|id| bytes.windows(id.len()).any(|window| window == &id[..]))
                    }
                    _ => false,
                });
                let is_then = values.iter().any(|value| matches!(value, Value::Int(at) if days.contains(at)));
                if names_one && is_then {
                    found.push(table.clone());
                }
            }
        }
        found.dedup();
        found
    }
}

/// The accounts of these holders, so that what moved is somebody's.
async fn accounts(audited: &mut Audited) -> Vec<i64> {
    query("SELECT account_id FROM account WHERE kind = 1").scalars(&mut audited.superuser).await.unwrap()
}

#[tokio::test]
async fn nobody_can_tell_any_more_who_was_where_and_everything_is_proven_still() {
    let Travelled { mut audited, taps } = travelled().await;
    let holders: Vec<Vec<u8>> = query("SELECT holder_id FROM card").scalars(&mut audited.superuser).await.unwrap();
    let cards: Vec<Vec<u8>> = query("SELECT card_id FROM card").scalars(&mut audited.superuser).await.unwrap();
    let whose: Vec<Vec<u8>> = holders.into_iter().chain(cards).collect();
    let days = START.plus_seconds(DAY - 3_600).0..START.plus_seconds(3 * DAY - 3_600).0;
    assert!(audited.report().await.ok);
    let before = audited.number(BALANCES).await;
    assert_eq!(audited.number("SELECT balance FROM account WHERE kind = 4").await, -700, "one had not enough");
    // A card that owes is suspended, and that stays: when the missing end was booked, and not where or when somebody was.
    let suspended = ["card", "card_state_change"];
    assert_eq!(audited.trail(&whose, days.clone()).await, [&suspended[..], &["tap", "validation"]].concat());
    assert_eq!((audited.fold(9).await, audited.fold(10).await), (0, 1), "first the gate, of the first day");
    assert_eq!((audited.fold(11).await, audited.fold(31).await), (1, 0));
    let folded = audited.fold(40).await;
    // Ten taps, and two legs that were closed.
    assert_eq!(folded, 12);
    assert_eq!(audited.fold(40).await, 0, "once");

    let report = audited.report().await;
    assert!(report.ok, "{:?}", report.findings);
    assert_eq!(report.folded_leaves, 14);
    assert_eq!(audited.number(TRAVEL_TAPS).await, 0);
    assert_eq!(audited.number("SELECT COUNT(*) FROM tap").await, 3, "what was paid and topped up stays");
    assert_eq!(audited.number("SELECT COUNT(*) FROM validation").await, 0);
    assert_eq!(audited.number(BALANCES).await, before);
    assert_eq!(audited.number("SELECT COUNT(*) FROM transfer WHERE kind = 7").await, 0);
    assert_eq!(audited.trail(&whose, days.clone()).await, suspended);
    let owes_nothing: Vec<Vec<u8>> = query(
        "SELECT card_id FROM card WHERE state = 'active' UNION ALL SELECT holder_id FROM card WHERE state = 'active'",
    )
    .scalars(&mut audited.superuser)
    .await
    .unwrap();
    assert_eq!((owes_nothing.len(), audited.trail(&owes_nothing, days.clone()).await), (2, Vec::new()));
    // What was moved says which month it was.
    let purses = accounts(&mut audited).await;
    let moved: Vec<i64> =
        query("SELECT at FROM transfer WHERE kind = 9").scalars(&mut audited.superuser).await.unwrap();
    assert!(!purses.is_empty() && !moved.is_empty() && moved.iter().all(|at| !days.contains(at)));

    // Nor does a backup that is taken now.
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.db");
    query(format!("VACUUM INTO '{}'", copy.display())).execute(&mut audited.superuser).await.unwrap();
    let bytes = std::fs::read(copy).unwrap();
    let holds = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    let heads: Vec<Vec<u8>> = query("SELECT head FROM lane_fold UNION SELECT previous FROM lane_fold")
        .scalars(&mut audited.superuser)
        .await
        .unwrap();
    for tap in &taps {
        assert!(!holds(&tap.cose), "a tap is there as it was signed");
        assert!(!holds(&tap.id.0) || heads.iter().any(|head| head[..] == tap.id.0));
    }

    // Whoever brings one again may forget it, and a lane goes on.
    let Audited { town, terminal, card, .. } = &mut audited;
    let again = town.submit(terminal, &taps[..1]).await.remove(0);
    assert_eq!((again.outcome, again.recorded), (Outcome::Accepted, None));
    let next = tap(town, terminal, card, START.plus_seconds(41 * DAY), shown("b", "p", Side::On)).await;
    assert!(!next.cose.is_empty());
    audited.log.integrate(START.plus_seconds(41 * DAY)).await.unwrap();
    let report = audited.report().await;
    assert!(report.ok, "{:?}", report.findings);
    assert_eq!(
        audited.number("SELECT CAST(SUM(charged) AS BIGINT) FROM rider_fare").await,
        200,
        "of what was not folded"
    );
}

#[tokio::test]
async fn a_fold_is_found_that_nobody_recorded_or_that_says_something_else() {
    let found = async |sql: &'static str| {
        let Travelled { mut audited, .. } = travelled().await;
        audited.fold(40).await;
        assert!(audited.report().await.ok);
        audited.sql(sql).await;
        let report = audited.report().await;
        assert!(!report.ok, "{sql}");
        report.findings.iter().map(|finding| finding.problem.clone()).collect::<Vec<_>>().join("; ")
    };
    let hides_a_payment = "UPDATE leaf SET kind = 0, body = zeroblob(32), salt = NULL
        WHERE leaf_id = (SELECT leaf FROM tap WHERE operation = 257) AND shard = (SELECT shard FROM tap WHERE operation = 257)";
    for (sql, problem) in [
        ("DELETE FROM leaf_fold", "the leaf_fold row that it records is missing"),
        ("UPDATE leaf_fold SET at = at + 1", "is not the row that its leaf recorded"),
        ("UPDATE leaf_fold SET leaves = x'8101'", "is folded, and no leaf says so"),
        (hides_a_payment, "is folded, and no leaf says so"),
        ("UPDATE leaf SET body = zeroblob(32) WHERE kind = 0", "is not the leaf that the signed tree holds"),
        ("UPDATE leaf SET salt = zeroblob(16) WHERE kind = 0", "is folded, and not to its hash alone"),
        ("DELETE FROM leaf WHERE kind = 0", "which is not there"),
        ("DELETE FROM lane_fold", "is not at a tap of its lane"),
        ("UPDATE lane_fold SET last = last + 1", "is not at a tap of its lane"),
        ("UPDATE transfer SET amount = amount + 1 WHERE kind = 9", "is not the row that its leaf recorded"),
        ("DELETE FROM transfer WHERE kind = 9", "its transfers make"),
    ] {
        let said = found(sql).await;
        assert!(said.contains(problem), "{sql}: {said}");
    }
}
