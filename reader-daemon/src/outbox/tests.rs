//! The outbox when it is opened again, when the disk fills, or a row is damaged. Power that goes at any moment is
//! `power_loss`'s.

mod power_loss;

use std::{path::Path, sync::Arc};

use card_schema::{
    card::Slot,
    clock::Micros,
    envelope::{
        PublicKey,
        receipt::{Outcome, PointsStanding, Recorded, TapOutcome},
    },
    ids::{CardId, Shard, TapId, TerminalId},
    money::Fen,
    operation::OperationCode,
    points::ProgrammeId,
};

use super::*;

const READER: &str = "Test Reader 00";

fn terminal() -> TerminalId {
    TerminalId::from_bytes([7; 16])
}

async fn open(folder: &Path) -> Outbox {
    Outbox::open(&folder.join("outbox.db"), terminal()).await.unwrap()
}

/// A tap whose id tells its counter, so that what comes back can be recognised.
fn tap(lane: u8, counter: u64) -> StoredTap {
    let mut id = [lane; 32];
    id[..8].copy_from_slice(&counter.to_be_bytes());
    StoredTap {
        tap_id: TapId(id),
        counter,
        operation: OperationCode::PursePayment,
        card: Some(CardId::from_bytes([1; 16])),
        amount: Some(Fen(1250)),
        original: None,
        points: Some(12),
        given: Some(100),
        discount: Some(Fen(50)),
        order: None,
        at: Micros(5),
        cose: vec![0xAB; 300],
    }
}

/// A reader's lane with a number that lies ready.
async fn ready(outbox: &Outbox, reader: &str) -> Lane {
    let mut lane = outbox.lane(reader).await.unwrap();
    if lane.ready().is_none() {
        outbox.reserve(&mut lane).await.unwrap();
    }
    lane
}

async fn take(outbox: &Outbox, lane: &mut Lane) -> u64 {
    let counter = lane.ready().unwrap();
    outbox.store(lane, tap(lane.number, counter)).await.unwrap();
    counter
}

/// What a receipt says of a tap: it has moved two points less than were promised.
fn answered(tap: PendingTap, outcome: Outcome) -> (PendingTap, TapOutcome) {
    let points = Some(PointsStanding { programme: ProgrammeId(1), moved: 10, balance: Some(10), ending: None });
    let recorded = Some(Recorded { shard: Shard(3), leaf: tap.counter });
    let answer = TapOutcome { tap: tap.tap_id, outcome, balance: None, recorded, points };
    (tap, answer)
}

/// Takes taps off the queue as a receipt does that accepts them.
async fn settle(outbox: &Arc<Outbox>, taps: Vec<PendingTap>) {
    outbox.settle(taps.into_iter().map(|tap| answered(tap, Outcome::Accepted)).collect(), None).await.unwrap();
}

async fn counters(outbox: &Outbox) -> Vec<u64> {
    outbox.pending(1000).await.unwrap().into_iter().map(|tap| tap.counter).collect()
}

#[tokio::test]
async fn a_lane_counts_up_by_one_and_links_each_tap_to_the_last() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path()).await;
    let mut lane = ready(&outbox, READER).await;
    assert_eq!(lane.head, TapId::NONE);
    for counter in 1..=3 {
        assert_eq!(take(&outbox, &mut lane).await, counter);
        assert_eq!(lane.head, tap(0, counter).tap_id);
    }
    assert_eq!(counters(&outbox).await, [1, 2, 3]);
}

#[tokio::test]
async fn a_number_that_is_not_reserved_cannot_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path()).await;
    let mut lane = outbox.lane(READER).await.unwrap();
    let refused = outbox.store(&mut lane, tap(0, 1)).await;
    assert!(matches!(refused, Err(OutboxError::NotReserved { counter: 1, .. })));
    outbox.reserve(&mut lane).await.unwrap();
    assert!(outbox.store(&mut lane, tap(0, 2)).await.is_err(), "numbers are used in order");
    outbox.store(&mut lane, tap(0, 1)).await.unwrap();
    assert!(outbox.store(&mut lane, tap(0, 1)).await.is_err(), "no number is used twice");
    assert_eq!(lane.ready(), Some(2), "a tap reserves the number after its own");
}

#[tokio::test]
async fn a_number_reserved_before_a_crash_is_found_unused_and_one_released_in_good_order_is_not() {
    let folder = tempfile::tempdir().unwrap();
    {
        let outbox = open(folder.path()).await;
        take(&outbox, &mut ready(&outbox, READER).await).await;
    }
    let found = async || {
        let outbox = Arc::new(open(folder.path()).await);
        let lane = outbox.lane(READER).await.unwrap();
        (outbox, (lane.used, lane.ready()), lane)
    };
    let unused = (1, Some(2));
    let (outbox, standing, mut lane) = found().await;
    assert_eq!(standing, unused, "a tap reserves the number after its own");
    outbox.release(&mut lane).await.unwrap();
    let (outbox, standing, mut lane) = found().await;
    assert_eq!(standing, (1, None));
    outbox.reserve(&mut lane).await.unwrap();
    let (outbox, standing, mut lane) = found().await;
    assert_eq!(standing, unused);
    // What is given back stays so when the tap before it is settled.
    outbox.release(&mut lane).await.unwrap();
    settle(&outbox, outbox.pending(1).await.unwrap()).await;
    assert_eq!(found().await.1, (1, None));
    let (outbox, _, mut lane) = found().await;
    outbox.reserve(&mut lane).await.unwrap();
    take(&outbox, &mut lane).await;
    settle(&outbox, outbox.pending(1).await.unwrap()).await;
    assert_eq!(found().await.1, (2, Some(3)), "and what a settled tap has reserved is reserved");
}

#[tokio::test]
async fn a_tap_that_cannot_be_kept_keeps_none_back_that_waits_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path()).await;
    let (mut one, mut two) = (ready(&outbox, READER).await, ready(&outbox, "Test Reader 01").await);
    let mut three = ready(&outbox, "Test Reader 02").await;
    let known = tap(1, 1);
    take(&outbox, &mut one).await;
    let again = StoredTap { tap_id: tap(0, 1).tap_id, ..tap(2, 1) };
    let busy = outbox.lock().await;
    let free = async { drop(busy) };
    let (kept, refused, ()) = tokio::join!(outbox.store(&mut two, known), outbox.store(&mut three, again), free);
    assert!(kept.is_ok() && matches!(refused, Err(OutboxError::Database { .. })), "{kept:?} {refused:?}");
    assert_eq!((two.ready(), three.ready()), (Some(2), Some(1)));
    assert_eq!((counters(&outbox).await, outbox.waiting().taps), (vec![1, 1], 2));
}

#[tokio::test]
async fn taps_are_settled_only_by_name_and_the_lane_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    {
        let outbox = Arc::new(open(folder.path()).await);
        let mut lane = ready(&outbox, READER).await;
        for _ in 0..3 {
            take(&outbox, &mut lane).await;
        }
        let mut first_two = outbox.pending(2).await.unwrap();
        first_two[0].tap_id = TapId([9; 32]);
        settle(&outbox, first_two).await;
        assert_eq!(counters(&outbox).await, [1, 3], "a receipt for another tap settles nothing");
        assert_eq!(outbox.waiting(), Waiting { taps: 2, payments: Fen(2_500), validations: 0 });
        settle(&outbox, outbox.pending(10).await.unwrap()).await;
        assert_eq!(outbox.waiting(), Waiting::default());
        assert_eq!(take(&outbox, &mut lane).await, 4, "the lane in use is not disturbed");
        settle(&outbox, outbox.pending(10).await.unwrap()).await;
    }
    let outbox = open(folder.path()).await;
    let mut lane = ready(&outbox, READER).await;
    assert_eq!((lane.used, lane.head), (4, tap(0, 4).tap_id));
    assert_eq!(take(&outbox, &mut lane).await, 5);
}

#[tokio::test]
async fn what_waits_of_a_card_is_known_until_it_is_settled_also_after_a_start() {
    let folder = tempfile::tempdir().unwrap();
    let (card, other) = (CardId::from_bytes([1; 16]), CardId::from_bytes([2; 16]));
    let known = |outbox: &Outbox, card, today| {
        let exposure = outbox.exposure(OperationCode::PursePayment, card, Micros(today));
        (exposure.card_count, exposure.card_day, exposure.terminal)
    };
    let all = Fen(3_750);
    {
        let outbox = open(folder.path()).await;
        let mut lane = ready(&outbox, READER).await;
        for changed in [
            tap(0, 1),
            StoredTap { at: Micros(9), ..tap(0, 2) },
            StoredTap { operation: OperationCode::PurseRefund, ..tap(0, 3) },
            StoredTap { card: None, operation: OperationCode::Abandoned, amount: None, ..tap(0, 4) },
            StoredTap { card: Some(other), ..tap(0, 5) },
        ] {
            outbox.store(&mut lane, changed).await.unwrap();
        }
        assert_eq!(known(&outbox, card, 6), (2, Fen(1_250), all));
    }
    let outbox = Arc::new(open(folder.path()).await);
    assert_eq!([5, 6, 10].map(|today| known(&outbox, card, today).1), [Fen(2_500), Fen(1_250), Fen(0)]);
    assert_eq!((known(&outbox, other, 0), outbox.waiting().taps), ((1, Fen(1_250), all), 5));
    settle(&outbox, outbox.pending(1).await.unwrap()).await;
    assert_eq!(known(&outbox, card, 0), (1, Fen(1_250), Fen(2_500)));
    settle(&outbox, outbox.pending(9).await.unwrap()).await;
    assert_eq!([card, other].map(|card| known(&outbox, card, 0)), [(0, Fen(0), Fen(0)); 2]);
}

#[tokio::test]
async fn each_reader_has_its_own_lane() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path()).await;
    let mut one = ready(&outbox, READER).await;
    let mut two = ready(&outbox, "Test Reader 01").await;
    assert_ne!(one.number, two.number);
    assert_eq!((take(&outbox, &mut one).await, take(&outbox, &mut two).await), (1, 1));
}

#[tokio::test]
async fn a_damaged_lane_is_retired_and_its_numbers_are_never_given_again() {
    for damage in
        ["reserved = 2", "used = 0, reserved = 0", "head = x'00'", "checksum = x''", "reader = 'Test Reader 00'||''"]
    {
        let folder = tempfile::tempdir().unwrap();
        let before = {
            let outbox = open(folder.path()).await;
            let mut lane = ready(&outbox, READER).await;
            for _ in 0..3 {
                take(&outbox, &mut lane).await;
            }
            let statement = format!("UPDATE lane SET {damage}");
            sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut *outbox.lock().await).await.unwrap();
            lane.number
        };
        let outbox = open(folder.path()).await;
        let mut lane = ready(&outbox, READER).await;
        if damage.ends_with("||''") {
            assert_eq!(lane.number, before, "an unchanged row is not damaged");
        } else {
            assert_ne!(lane.number, before, "{damage}");
            assert_eq!(take(&outbox, &mut lane).await, 1);
        }
        assert_eq!(counters(&outbox).await[..3], [1, 2, 3], "its taps still go up: {damage}");
    }
}

#[tokio::test]
async fn a_full_disk_refuses_before_anything_is_signed_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = Arc::new(open(folder.path()).await);
    let mut lane = ready(&outbox, READER).await;
    take(&outbox, &mut lane).await;
    sqlx::raw_sql("PRAGMA max_page_count = 1").execute(&mut *outbox.lock().await).await.unwrap();
    let mut stored = vec![1];
    let error = loop {
        let counter = lane.ready().unwrap();
        match outbox.store(&mut lane, tap(0, counter)).await {
            Ok(_) => stored.push(counter),
            Err(error) => break error,
        }
        assert!(stored.len() < 1000, "the disk never filled");
    };
    assert!(error.is_full(), "{error}");
    assert_eq!(counters(&outbox).await, stored);

    sqlx::raw_sql("PRAGMA max_page_count = 100000").execute(&mut *outbox.lock().await).await.unwrap();
    let mut lane = ready(&outbox, READER).await;
    let next = take(&outbox, &mut lane).await;
    assert_eq!(next, stored.len() as u64 + 1, "the number of the tap that failed to be stored is still to be filled");
}

#[tokio::test]
async fn a_receipt_that_leaves_an_older_tap_out_does_not_cost_the_reader_its_lane() {
    let folder = tempfile::tempdir().unwrap();
    let before = {
        let outbox = Arc::new(open(folder.path()).await);
        let mut lane = ready(&outbox, READER).await;
        for _ in 0..3 {
            take(&outbox, &mut lane).await;
        }
        let newest = outbox.pending(3).await.unwrap().split_off(2);
        settle(&outbox, newest).await;
        lane
    };
    let outbox = open(folder.path()).await;
    let mut lane = ready(&outbox, READER).await;
    assert_eq!((lane.number, lane.used, lane.head), (before.number, 3, before.head));
    assert_eq!(take(&outbox, &mut lane).await, 4);
    assert_eq!(counters(&outbox).await, [1, 2, 4]);
}

#[tokio::test]
async fn what_became_of_a_tap_stays_to_be_seen_and_no_tap_is_hidden() {
    let folder = tempfile::tempdir().unwrap();
    let told = |fates: Vec<Fate>| -> Vec<_> { fates.iter().map(|fate| (fate.tap_id, fate.outcome)).collect() };
    let [one, two, three] = [1, 2, 3].map(|counter| tap(0, counter).tap_id);
    {
        let outbox = Arc::new(open(folder.path()).await);
        let mut lane = ready(&outbox, READER).await;
        for _ in 0..3 {
            take(&outbox, &mut lane).await;
        }
        assert_eq!(told(outbox.fates(0, 9).await.unwrap()), [(three, None), (two, None), (one, None)]);
        let mut taps = outbox.pending(2).await.unwrap();
        let refused = taps.pop().unwrap();
        outbox.settle(vec![answered(taps.pop().unwrap(), Outcome::Accepted)], None).await.unwrap();
        outbox.settle(vec![answered(refused, Outcome::InsufficientFunds)], None).await.unwrap();
    }
    let outbox = open(folder.path()).await;
    let (accepted, refused) = (Some(Outcome::Accepted), Some(Outcome::InsufficientFunds));
    assert_eq!(told(outbox.fates(0, 9).await.unwrap()), [(three, None), (two, refused), (one, accepted)]);
    assert_eq!(told(outbox.fates(1, 1).await.unwrap()), [(two, refused)]);
    let points =
        |fate: Option<Fate>| fate.map(|fate| (fate.outcome, fate.points, fate.given.zip(fate.discount))).unwrap();
    let off = Some((100, Fen(50)));
    assert_eq!(points(outbox.fate(one).await.unwrap()), (accepted, Some(10), off), "as the service says");
    assert_eq!(points(outbox.fate(two).await.unwrap()), (refused, None, off));
    assert_eq!(points(outbox.fate(three).await.unwrap()), (None, Some(12), off), "as it was promised");
    assert_eq!(outbox.fate(one).await.unwrap().unwrap().outcome, accepted);
    assert_eq!(outbox.fate(three).await.unwrap().unwrap().outcome, None);
    assert_eq!(outbox.fate(TapId([9; 32])).await.unwrap(), None);
}

#[tokio::test]
async fn what_a_person_decides_about_is_kept_to_be_brought_again_until_that_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let [one, two] = [1, 2].map(|counter| tap(0, counter));
    {
        let outbox = Arc::new(open(folder.path()).await);
        let mut lane = ready(&outbox, READER).await;
        for _ in 0..2 {
            take(&outbox, &mut lane).await;
        }
        let taps = outbox.pending(2).await.unwrap();
        outbox.settle(taps.into_iter().map(|tap| answered(tap, Outcome::Quarantined)).collect(), None).await.unwrap();
        assert_eq!((outbox.waiting().taps, outbox.held(0, 9).await.unwrap().len()), (0, 2));
    }
    let outbox = open(folder.path()).await;
    let held = |id, tap: &StoredTap| Held { id, cose: tap.cose.clone() };
    assert_eq!(outbox.held(0, 9).await.unwrap(), [held(1, &one), held(2, &two)]);
    assert_eq!(outbox.held(0, 1).await.unwrap(), [held(1, &one)]);
    assert_eq!(outbox.held(1, 9).await.unwrap(), [held(2, &two)]);
    let answer =
        |tap: &StoredTap, outcome| TapOutcome { tap: tap.tap_id, outcome, balance: None, recorded: None, points: None };
    outbox.decided(&[answer(&two, Outcome::Rejected)]).await.unwrap();
    assert_eq!(outbox.held(0, 9).await.unwrap(), [held(1, &one)]);
    // What is decided is not decided once more.
    outbox.decided(&[answer(&one, Outcome::Accepted), answer(&two, Outcome::Accepted)]).await.unwrap();
    assert_eq!(outbox.held(0, 9).await.unwrap(), []);
    for (tap, outcome) in [(one, Outcome::Accepted), (two, Outcome::Rejected)] {
        let fate = outbox.fate(tap.tap_id).await.unwrap().unwrap();
        let recorded = Some(Recorded { shard: Shard(3), leaf: tap.counter });
        assert_eq!((fate.outcome, fate.recorded), (Some(outcome), recorded), "what the receipt says leads to it");
    }
}

#[tokio::test]
async fn nobody_decides_about_what_moves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = Arc::new(open(folder.path()).await);
    let mut lane = ready(&outbox, READER).await;
    take(&outbox, &mut lane).await;
    let gate = PendingTap { operation: OperationCode::GateCheck, ..outbox.pending(1).await.unwrap().remove(0) };
    outbox.settle(vec![answered(gate, Outcome::Quarantined)], None).await.unwrap();
    assert_eq!(outbox.held(0, 9).await.unwrap(), []);
}

#[tokio::test]
async fn a_refund_of_which_a_person_decides_counts_as_one_that_waits() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = Arc::new(open(folder.path()).await);
    let mut lane = ready(&outbox, READER).await;
    let sale = TapId([9; 32]);
    let refund = StoredTap { operation: OperationCode::PurseRefund, original: Some(sale), ..tap(0, 1) };
    outbox.store(&mut lane, refund.clone()).await.unwrap();
    let waits = Returned { settled: Fen(0), waiting: Fen(1_250) };
    assert_eq!(outbox.returned(sale).await.unwrap(), waits);
    let taps = outbox.pending(1).await.unwrap();
    outbox.settle(taps.into_iter().map(|tap| answered(tap, Outcome::Quarantined)).collect(), None).await.unwrap();
    assert_eq!((outbox.returned(sale).await.unwrap(), outbox.is_undone(sale).await.unwrap()), (waits, true));
    let (tap, outcome) = (refund.tap_id, Outcome::Accepted);
    outbox.decided(&[TapOutcome { tap, outcome, balance: None, recorded: None, points: None }]).await.unwrap();
    assert_eq!(outbox.returned(sale).await.unwrap(), Returned { settled: Fen(1_250), waiting: Fen(0) });
}

#[tokio::test]
async fn an_order_that_goes_on_with_the_pin_is_known_by_its_newest_tap() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = Arc::new(open(folder.path()).await);
    let mut lane = ready(&outbox, READER).await;
    let order = uuid::Uuid::from_u128(7);
    let ordered = async || outbox.ordered(order).await.unwrap().unwrap().fate;
    for (counter, outcome) in [(1, Outcome::PinRequired), (2, Outcome::Accepted)] {
        let stored = StoredTap { order: Some(order), ..tap(0, counter) };
        outbox.store(&mut lane, stored.clone()).await.unwrap();
        let taps = outbox.pending(1).await.unwrap();
        outbox.settle(taps.into_iter().map(|tap| answered(tap, outcome)).collect(), None).await.unwrap();
        assert_eq!((ordered().await.tap_id, ordered().await.outcome), (stored.tap_id, Some(outcome)));
    }
    assert_eq!(outbox.fates(0, 9).await.unwrap().len(), 2, "no tap is hidden");
}

#[tokio::test]
async fn another_terminals_outbox_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()).await);
    let other = Outbox::open(&folder.path().join("outbox.db"), TerminalId::from_bytes([8; 16])).await;
    assert!(matches!(other, Err(OutboxError::OtherTerminal)));
}

#[tokio::test]
async fn changes_of_the_status_list_apply_to_the_one_in_force() {
    let folder = tempfile::tempdir().unwrap();
    {
        let outbox = open(folder.path()).await;
        outbox.keep_status_list(7, b"seven").await.unwrap();
        for (version, token) in [(8, b"eight"), (9, b"nine."), (9, b"again")] {
            outbox.keep_status_delta(version, token).await.unwrap();
        }
        let back = outbox.keep_status_delta(8, b"eight").await;
        assert!(matches!(back, Err(OutboxError::Rollback { offered: 8, current: 9, .. })));
    }
    let outbox = open(folder.path()).await;
    assert_eq!(outbox.status_deltas().await.unwrap(), [b"eight", b"again"]);
    // A list that was signed between them needs only the last.
    outbox.keep_status_list(8, b"base").await.unwrap();
    assert_eq!(outbox.status_deltas().await.unwrap(), [b"again"]);
    assert!(outbox.keep_status_list(7, b"seven").await.is_err());
    assert_eq!(outbox.status_deltas().await.unwrap(), [b"again"]);
    outbox.keep_status_list(10, b"ten").await.unwrap();
    assert!(outbox.status_deltas().await.unwrap().is_empty());
}

#[tokio::test]
async fn versions_never_go_back_and_cards_are_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let card = CardId::from_bytes([3; 16]);
    let mut point = [5; 65];
    point[0] = 4;
    let known = KnownCard { key: PublicKey::from_sec1(&point).unwrap(), expires: Micros(9) };
    {
        let outbox = open(folder.path()).await;
        outbox.keep_snapshot(Snapshot::StatusList, 7, b"seven").await.unwrap();
        outbox.keep_snapshot(Snapshot::StatusList, 7, b"again").await.unwrap();
        let back = outbox.keep_snapshot(Snapshot::StatusList, 6, b"six").await;
        assert!(matches!(back, Err(OutboxError::Rollback { offered: 6, current: 7, .. })));
        outbox.learn_card(card, Slot::Tap, &known).await.unwrap();
    }
    let outbox = open(folder.path()).await;
    assert_eq!(outbox.snapshot(Snapshot::StatusList).await.unwrap(), Some((7, b"again".to_vec())));
    assert_eq!(outbox.snapshot(Snapshot::LogHead).await.unwrap(), None);
    assert_eq!(outbox.known_card(card, Slot::Tap).await.unwrap(), Some(known));
    assert_eq!(outbox.known_card(card, Slot::Approve).await.unwrap(), None, "each key has its own certificate");
    assert_eq!(outbox.known_card(CardId::from_bytes([4; 16]), Slot::Tap).await.unwrap(), None);
}
