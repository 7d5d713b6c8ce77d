//! Cards at validators, at inspectors and for passes: what is booked is what the fares ask for, whatever order taps come in.

use card_schema::date::Date;
use card_schema::ids::Shard;
use card_schema::operation::transit::{Inspection, PassPurchase, Side, Validation};

use super::*;
use crate::cards;
use crate::domains::transit::concession::{self, By, ConcessionId, Grant, Wish};
use crate::domains::transit::import::Recalled;
use crate::domains::transit::{closing, import};
use crate::evidence::Log;
use crate::folding;
use crate::folding::rules::Retention;
use crate::testing::city::fares_in;
use crate::testing::town::{clerk_in, set_state};

pub(super) const PURSES: &str = "SELECT CAST(COALESCE(SUM(balance), 0) AS BIGINT) FROM account WHERE kind = 1";
const RISK: &str = "SELECT CAST(COALESCE(SUM(balance), 0) AS BIGINT) FROM account WHERE kind = 4";
const FARES: &str = "SELECT CAST(COALESCE(SUM(balance), 0) AS BIGINT) FROM account WHERE kind = 8";
const ALL: &str = "SELECT CAST(COALESCE(SUM(balance), 0) AS BIGINT) FROM account";
const CHARGED: &str = "SELECT CAST(COALESCE(SUM(charged), 0) AS BIGINT) FROM rider_fare";

/// A ticket for a month that is good on both networks.
const PASS: &str = "\n[[pass]]\nid = \"month\"\nname = \"月票\"\nnetworks = [\"bus\", \"metro\"]\nfen = 5000\n";

pub(super) async fn city() -> Town {
    let town = Town::new().await;
    fares_in(&town.scratch.db, PASS).await;
    town
}

/// `+m:p` is shown where one gets on a route at a stop, `-m:q` where one leaves.
fn shown(text: &str) -> Operation {
    let (side, rest) = match text.split_at(1) {
        ("+", rest) => (Side::On, rest),
        (_, rest) => (Side::Off, rest),
    };
    let (route, stop) = rest.split_once(':').unwrap();
    Operation::TransitValidation(Validation { tariff: 1, route: route.into(), stop: stop.into(), side })
}

/// A validation, minutes after the beginning.
pub(super) fn ride(terminal: &mut TestTerminal, card: &TestCard, text: &str, minute: i64) -> Signed {
    let tap = Tap { at: START.plus_seconds(minute * 60), ..terminal.next(Some(card), shown(text)) };
    terminal.sign(&tap, card.key(Slot::Tap), Kid::Card(Slot::Tap))
}

/// A card with some money, at a bus with all that a terminal may be for.
pub(super) async fn rider(town: &Town, fen: i64) -> (TestTerminal, TestCard) {
    let (mut bus, card) = (town.terminal().await, town.card().await);
    if fen > 0 {
        let first = bus.tap(&card, Slot::Tap, top_up(fen));
        assert_eq!(outcome(town, &bus, &first).await, Outcome::Accepted);
    }
    (bus, card)
}

/// What the fares have taken after these showings, at the end of the day, and whether the books agree.
async fn taken(town: &Town) -> i64 {
    let fares = town.number(FARES).await;
    assert_eq!((town.number(CHARGED).await, town.number(ALL).await), (fares, 0), "what was charged is what was posted");
    fares
}

#[tokio::test]
async fn a_journey_costs_what_the_fares_say_and_its_end_is_when_it_is_booked() {
    let town = city().await;
    let (mut bus, card) = rider(&town, 1_000).await;
    town.later(3_600);
    let on = ride(&mut bus, &card, "+m:p", 0);
    let answer = town.submit(&bus, std::slice::from_ref(&on)).await;
    assert_eq!((answer[0].outcome, answer[0].balance), (Outcome::Accepted, None), "a validator tells nobody's balance");
    assert_eq!(taken(&town).await, 0);
    let off = ride(&mut bus, &card, "-m:q", 20);
    assert_eq!(outcome(&town, &bus, &off).await, Outcome::Accepted);
    assert_eq!((taken(&town).await, town.number(PURSES).await), (300, 700));
    for again in [&on, &off] {
        assert_eq!(outcome(&town, &bus, again).await, Outcome::Accepted, "sent again, it is booked once");
    }
    assert_eq!(taken(&town).await, 300);
    assert_eq!(town.number("SELECT COUNT(*) FROM fare_group WHERE kind = 1 AND name = 'metro'").await, 1);
}

#[tokio::test]
async fn whatever_order_taps_come_in_the_charge_is_the_same() {
    // The bus is 2.00 and the next within half an hour is free; the metro is 3.00, 1.00 less after the bus.
    let texts = [("+b:p", 0), ("+b:q", 20), ("+m:p", 45), ("-m:q", 55), ("+m:p", 100), ("+m:q", 120), ("-m:p", 130)];
    let mut charges = Vec::new();
    for order in [[0, 1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1, 0], [3, 0, 6, 2, 5, 1, 4], [4, 6, 1, 3, 0, 5, 2]] {
        let town = city().await;
        let card = town.card().await;
        town.later(40 * 3_600);
        // Each at a validator of its own: lanes are in order, and buses are not.
        for number in order {
            let (text, minute) = texts[number];
            let mut bus = town.terminal().await;
            let top_up = bus.tap(&card, Slot::Tap, top_up(1_000));
            let tap = ride(&mut bus, &card, text, minute);
            assert_eq!(town.submit(&bus, &[top_up, tap]).await.map_outcomes(), [Outcome::Accepted; 2]);
        }
        closing::close(&town.scratch.db, &Recalled::default(), town.now()).await.unwrap();
        charges.push(taken(&town).await);
    }
    charges.dedup();
    // 2.00, free, 2.00 after a change, a missing end of 9.00, and the way back, which nobody knows the fare of.
    assert_eq!(charges, [1_300], "{charges:?}");
}

trait Outcomes {
    fn map_outcomes(&self) -> Vec<Outcome>;
}

impl Outcomes for Vec<card_schema::envelope::receipt::TapOutcome> {
    fn map_outcomes(&self) -> Vec<Outcome> {
        self.iter().map(|tap| tap.outcome).collect()
    }
}

#[tokio::test]
async fn an_end_that_does_not_come_costs_the_maximum_and_one_that_comes_late_takes_it_back() {
    let town = city().await;
    let (mut bus, card) = rider(&town, 1_000).await;
    let on = ride(&mut bus, &card, "+m:p", 0);
    assert_eq!(outcome(&town, &bus, &on).await, Outcome::Accepted);
    let recalled = Recalled::default();
    let close = || closing::close(&town.scratch.db, &recalled, town.now());
    town.later(4 * 3_600);
    assert_eq!(close().await.unwrap(), 0, "it may still come");
    town.later(1);
    assert_eq!(close().await.unwrap(), 1);
    assert_eq!((taken(&town).await, close().await.unwrap()), (900, 0), "once");
    // A bus without a network for a week.
    town.later(7 * 86_400);
    let off = ride(&mut bus, &card, "-m:q", 20);
    assert_eq!(outcome(&town, &bus, &off).await, Outcome::Accepted);
    assert_eq!((taken(&town).await, town.number(PURSES).await), (300, 700));
    let transfers = town.number("SELECT COUNT(*) FROM transfer WHERE kind = 7").await;
    assert_eq!(transfers, 2, "nothing is edited: what was too much goes back");
}

#[tokio::test]
async fn ends_alone_beginnings_twice_and_places_that_nobody_knows() {
    for (texts, expected) in [
        (vec!["-m:q"], 900),
        (vec!["+m:p", "+m:q"], 900),
        (vec!["+m:p", "-m:zz"], 0),
        (vec!["+zz:p", "-m:q"], 0),
        (vec!["+m:p", "-b:q", "-m:q"], 300),
        (vec!["+b:zz"], 0),
    ] {
        let town = city().await;
        let (mut bus, card) = rider(&town, 2_000).await;
        town.later(3_600);
        let taps: Vec<_> =
            texts.iter().zip(0..).map(|(text, number)| ride(&mut bus, &card, text, number * 10)).collect();
        assert!(town.submit(&bus, &taps).await.iter().all(|tap| tap.outcome == Outcome::Accepted), "{texts:?}");
        assert_eq!(taken(&town).await, expected, "{texts:?}");
    }
}

#[tokio::test]
async fn a_clock_that_jumps_is_not_believed() {
    let town = city().await;
    let (mut bus, card) = rider(&town, 2_000).await;
    for minute in [60 * 24 * 365 * 10, -60 * 24 * 365 * 10, -60 * 24 * 31] {
        let tap = ride(&mut bus, &card, "+b:p", minute);
        assert_eq!(outcome(&town, &bus, &tap).await, Outcome::ClockImplausible);
    }
    assert_eq!((taken(&town).await, town.number("SELECT COUNT(*) FROM validation").await), (0, 0));
}

#[tokio::test]
async fn who_has_not_enough_rides_once_and_the_issuer_gets_back_what_was_too_much() {
    let town = city().await;
    let (mut bus, card) = rider(&town, 100).await;
    let on = ride(&mut bus, &card, "+m:p", 0);
    assert_eq!(outcome(&town, &bus, &on).await, Outcome::Accepted);
    town.later(5 * 3_600);
    closing::close(&town.scratch.db, &Recalled::default(), town.now()).await.unwrap();
    assert_eq!([taken(&town).await, town.number(PURSES).await, town.number(RISK).await], [900, 0, -800]);
    let suspended = || town.number("SELECT COUNT(*) FROM card WHERE state = 'suspended'");
    assert_eq!(suspended().await, 1, "the missing end was more than the purse held");
    let off = ride(&mut bus, &card, "-m:q", 20);
    assert_eq!(outcome(&town, &bus, &off).await, Outcome::Accepted);
    assert_eq!([taken(&town).await, town.number(PURSES).await, town.number(RISK).await], [300, 0, -200]);
    let ride_more = ride(&mut bus, &card, "+b:q", 100);
    assert_eq!(outcome(&town, &bus, &ride_more).await, Outcome::Accepted);
    assert_eq!(
        (
            suspended().await,
            town.number("SELECT COUNT(*) FROM card_state_change WHERE state_after = 'suspended'").await
        ),
        (1, 1)
    );
}

#[tokio::test]
async fn whoever_is_inside_leaves_and_a_thief_rides_at_nobodys_cost_but_the_issuers() {
    let town = city().await;
    let (mut bus, card) = rider(&town, 2_000).await;
    let on = ride(&mut bus, &card, "+m:p", 0);
    assert_eq!(outcome(&town, &bus, &on).await, Outcome::Accepted);
    set_state(&town.scratch.db, START.plus_seconds(300), card.id, CardState::Blocked).await;
    town.later(3 * 3_600);
    let newest = u64::try_from(town.number("SELECT MAX(version) FROM status_change").await).unwrap();
    let with_list = |terminal: &mut TestTerminal, text: &str, minute: i64, status_version: u64| {
        let at = START.plus_seconds(minute * 60);
        let tap = Tap { at, status_version, ..terminal.next(Some(&card), shown(text)) };
        terminal.sign(&tap, card.key(Slot::Tap), Kid::Card(Slot::Tap))
    };
    let off = with_list(&mut bus, "-m:q", 20, newest);
    assert_eq!(outcome(&town, &bus, &off).await, Outcome::Accepted, "the barrier lets everybody out");
    assert_eq!((taken(&town).await, town.number(PURSES).await), (300, 1_700));
    let unknowing = with_list(&mut bus, "+b:p", 120, newest - 1);
    assert_eq!(outcome(&town, &bus, &unknowing).await, Outcome::Accepted);
    assert_eq!([taken(&town).await, town.number(PURSES).await, town.number(RISK).await], [500, 1_700, -200]);
    for text in ["+b:p", "-m:q"] {
        let knowing = with_list(&mut bus, text, 150, newest);
        assert_eq!(outcome(&town, &bus, &knowing).await, Outcome::CardNotActive);
    }
}

#[tokio::test]
async fn what_is_old_is_folded_and_the_books_stay_as_they_are() {
    let town = city().await;
    let log = Log::open(town.scratch.db.clone(), town.keys.clone(), "log.test.invalid/town").await.unwrap();
    let (mut bus, card) = rider(&town, 250).await;
    town.later(86_400);
    let taps = [("+b:p", 0), ("+m:p", 200), ("-m:q", 220)].map(|(text, minute)| ride(&mut bus, &card, text, minute));
    assert_eq!(town.submit(&bus, &taps).await.map_outcomes(), [Outcome::Accepted; 3]);
    let before = (town.number(FARES).await, town.number(RISK).await);
    assert_eq!(before, (500, -250));
    log.integrate(town.now()).await.unwrap();
    let fold = || folding::fold(&town.scratch.db, Retention::default(), town.now());
    assert_eq!(fold().await.unwrap(), 0, "it may still be disputed");
    town.later(40 * 86_400);
    assert_eq!((fold().await.unwrap(), fold().await.unwrap()), (3, 0));
    assert_eq!((town.number(FARES).await, town.number(RISK).await), before);
    assert_eq!((town.number(CHARGED).await, town.number(ALL).await), (0, 0));
    assert_eq!(town.number("SELECT COUNT(*) FROM tap").await, 1, "the top-up");
    // Two networks of one operator, and what the issuer has advanced.
    assert_eq!(town.number("SELECT COUNT(*) FROM transfer WHERE kind IN (3, 7)").await, 0);
    assert_eq!(town.number("SELECT COUNT(*) FROM transfer WHERE kind = 9").await, 3);
    assert_eq!(town.number("SELECT COUNT(*) FROM lane_fold WHERE first = 2 AND last = 4").await, 1);
    let again = town.submit(&bus, &taps).await;
    assert_eq!(again.map_outcomes(), [Outcome::Accepted; 3]);
    assert_eq!(
        (town.number(FARES).await, town.number("SELECT COUNT(*) FROM tap").await),
        (500, 1),
        "nothing is booked twice"
    );
}

#[tokio::test]
async fn an_inspector_learns_whether_there_is_a_validation_and_nothing_else() {
    let town = city().await;
    let (mut bus, card) = rider(&town, 2_000).await;
    town.later(86_400);
    let mut inspected = Vec::new();
    let inspect = |bus: &mut TestTerminal, route: &str, minute: i64| {
        let operation = Operation::TransitInspection(Inspection { route: route.to_owned() });
        let tap = Tap { at: START.plus_seconds(minute * 60), ..bus.next(Some(&card), operation) };
        bus.sign(&tap, card.key(Slot::Tap), Kid::Card(Slot::Tap))
    };
    for (text, minute) in [
        ("m", 0),
        ("+m:p", 1),
        ("m", 2),
        ("b", 3),
        ("-m:q", 4),
        ("m", 5),
        ("+b:q", 6),
        ("b", 7),
        ("m", 8),
        ("b", 126),
        ("b", 127),
        ("zz", 128),
    ] {
        let is_shown = text.contains(':');
        let tap = if is_shown { ride(&mut bus, &card, text, minute) } else { inspect(&mut bus, text, minute) };
        let answer = town.submit(&bus, &[tap]).await.remove(0);
        assert_eq!((answer.balance, answer.points), (None, None));
        if !is_shown {
            inspected.push((text, minute, answer.outcome == Outcome::Accepted));
        }
    }
    let expected = [
        ("m", 0, false),
        ("m", 2, true),
        ("b", 3, false),
        ("m", 5, false),
        ("b", 7, true),
        ("m", 8, false),
        ("b", 126, true),
        ("b", 127, false),
        ("zz", 128, false),
    ];
    assert_eq!(inspected, expected);
}

#[tokio::test]
async fn a_pass_is_sold_once_at_its_price_and_rides_cost_nothing_with_it() {
    let town = city().await;
    let (mut counter, card) = rider(&town, 4_999).await;
    let first = Date::in_china(START);
    let buy = |counter: &mut TestTerminal, pass: &str, from: Date, price: i64| {
        let purchase = PassPurchase { pass: pass.to_owned(), from, price: Fen(price) };
        counter.tap(&card, Slot::Tap, Operation::TransitPass(purchase))
    };
    let yesterday = Date::from_days(first.days() - 1).unwrap();
    for (pass, from, price, expected) in [
        ("month", first, 5_000, Outcome::InsufficientFunds),
        ("month", first, 4_999, Outcome::NotOnSale),
        ("year", first, 5_000, Outcome::NotOnSale),
        ("month", yesterday, 5_000, Outcome::NotOnSale),
        ("month", Date::from_days(first.days() + 61).unwrap(), 5_000, Outcome::NotOnSale),
    ] {
        let tap = buy(&mut counter, pass, from, price);
        assert_eq!(outcome(&town, &counter, &tap).await, expected, "{pass} {price}");
    }
    let more = counter.tap(&card, Slot::Tap, top_up(1_000));
    assert_eq!(outcome(&town, &counter, &more).await, Outcome::Accepted);
    let tap = buy(&mut counter, "month", first, 5_000);
    let answer = town.submit(&counter, &[tap]).await.remove(0);
    assert_eq!((answer.outcome, answer.balance), (Outcome::Accepted, Some(Fen(999))));
    let again = buy(&mut counter, "month", first, 5_000);
    assert_eq!(outcome(&town, &counter, &again).await, Outcome::NotOnSale, "not twice for one month");
    let tap = ride(&mut counter, &card, "+b:p", 0);
    assert_eq!(outcome(&town, &counter, &tap).await, Outcome::Accepted);
    assert_eq!((town.number(FARES).await, town.number(CHARGED).await), (5_000, 0));
    assert_eq!((town.number(ALL).await, town.number("SELECT COUNT(*) FROM fare_group WHERE kind = 2").await), (0, 1));
}

/// A city in which students ride at half the price.
const STUDENTS: &str = "\n[[concession]]\nid = \"student\"\npercent = 50\nnetworks = [\"bus\", \"metro\"]\n";

/// Does something about the concessions of a card's holder, at the town's time.
async fn concession(town: &Town, card: &TestCard, wish: Wish) -> Result<(), &'static str> {
    let db = &town.scratch.db;
    let (staff, now, id) = (clerk_in(db).await, town.now(), card.id);
    let fares = import::fares(&mut db.read().await.unwrap(), now.plus_seconds(-closing::KEPT_SECONDS)).await.unwrap();
    let done = db.write::<_, DbError, _>(move |tx| {
        Box::pin(async move {
            let card = cards::store::one(tx.conn(), id).await?.unwrap();
            let holder = card.bearer.holder().unwrap();
            tx.lock([Shard(0), holder.shard()]).await?;
            let by = By { staff, now, today: Date::in_china(now) };
            concession::carry_out(tx, &fares, by, holder, wish, random()).await
        })
    });
    done.await.unwrap().map_err(|(field, _)| field)
}

#[tokio::test]
async fn a_concession_holds_for_what_was_ridden_that_day_and_until_its_last() {
    let town = Town::new().await;
    fares_in(&town.scratch.db, STUDENTS).await;
    let (mut bus, card) = rider(&town, 2_000).await;
    let today = Date::in_china(START);
    let grant = |number, from, until| {
        let id = ConcessionId([number; 16]);
        Wish::Grant(Grant { id, concession: "student".to_owned(), from, until })
    };
    let yesterday = Date::from_days(today.days() - 1).unwrap();
    let never = concession(&town, &card, grant(1, yesterday, today)).await;
    assert_eq!((never, town.number("SELECT COUNT(*) FROM rider").await), (Err("from"), 0));
    town.later(3_600);
    let taps = [ride(&mut bus, &card, "+b:p", 0), ride(&mut bus, &card, "+m:p", 30)];
    assert_eq!(town.submit(&bus, &taps).await.map_outcomes(), [Outcome::Accepted; 2]);
    assert_eq!((taken(&town).await, town.number(PURSES).await), (200, 1_800));
    // At once, and then with what was not booked yet.
    concession(&town, &card, grant(2, today, today.end_of_month_after(0))).await.unwrap();
    assert_eq!((taken(&town).await, town.number(PURSES).await), (100, 1_900));
    let off = ride(&mut bus, &card, "-m:q", 50);
    assert_eq!(outcome(&town, &bus, &off).await, Outcome::Accepted);
    assert_eq!(taken(&town).await, 200, "after the bus the metro is 2.00, of which a student pays half");
    assert_eq!(town.number("SELECT COUNT(*) FROM transfer WHERE kind = 7").await, 3, "nothing is edited");

    // It ends with the day, and what was ridden by then stays.
    concession(&town, &card, Wish::End(ConcessionId([2; 16]))).await.unwrap();
    assert_eq!(taken(&town).await, 200);
    town.later(86_400);
    let later = ride(&mut bus, &card, "+b:p", 24 * 60);
    assert_eq!(outcome(&town, &bus, &later).await, Outcome::Accepted);
    assert_eq!((taken(&town).await, town.number(ALL).await), (400, 0));
    assert_eq!(concession(&town, &card, Wish::End(ConcessionId([2; 16]))).await, Err("ends"));
    assert_eq!(concession(&town, &card, Wish::End(ConcessionId([7; 16]))).await, Err("ends"));
}

#[tokio::test]
async fn whoever_has_never_travelled_is_no_rider_for_having_a_concession() {
    let town = Town::new().await;
    fares_in(&town.scratch.db, STUDENTS).await;
    let (mut bus, card) = rider(&town, 2_000).await;
    let today = Date::in_china(START);
    let grant = Grant { id: ConcessionId([1; 16]), concession: "student".to_owned(), from: today, until: today };
    concession(&town, &card, Wish::Grant(grant)).await.unwrap();
    assert_eq!(town.number("SELECT COUNT(*) FROM rider").await, 0);
    let tap = ride(&mut bus, &card, "+b:p", 0);
    assert_eq!(outcome(&town, &bus, &tap).await, Outcome::Accepted);
    assert_eq!(taken(&town).await, 100);
}
