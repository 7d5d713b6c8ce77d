//! What operators are shown of a month is what the ledger and the taps say.

use card_schema::date::Date;
use card_schema::month::Month;
use card_schema::operation::transit::PassPurchase;

use super::transit::{city, ride, rider};
use super::*;
use crate::domains::transit::closing;
use crate::domains::transit::import::Recalled;
use crate::domains::transit::model::Sold;
use crate::domains::transit::settlement::model::{Of, Settlement, Sums};
use crate::domains::transit::settlement::of_month;
use crate::ledger::TransferKind;

const TAKINGS: &str = "SELECT CAST(COALESCE(SUM(balance), 0) AS BIGINT) FROM account WHERE kind = 8";

/// What moved to accounts of taken fares less what moved from them, as the ledger has it, within some time.
async fn moved(town: &Town, kind: TransferKind, since: Micros, until: Micros) -> i64 {
    let side = |side: &str| {
        format!(
            "SELECT CAST(COALESCE(SUM(t.amount), 0) AS BIGINT) FROM transfer t JOIN account a ON a.shard = t.shard
                 AND a.account_id = t.{side} AND a.kind = 8 WHERE t.kind = $1 AND t.at >= $2 AND t.at < $3"
        )
    };
    let mut sums = Vec::new();
    for account in ["credit", "debit"] {
        let sum = query(side(account)).bind(kind.number()).bind(since.0).bind(until.0);
        sums.push(sum.scalar_one::<i64>(&mut town.scratch.db.read().await.unwrap()).await.unwrap());
    }
    sums[0] - sums[1]
}

/// A month's settlement; its total is that of the ledger.
async fn settled(town: &Town, month: Month) -> Settlement {
    let settlement = of_month(&town.scratch.db, month).await.unwrap();
    let total = settlement.total();
    let span = month.span();
    let fares = moved(town, TransferKind::Fare, span.start, span.end).await;
    let passes = moved(town, TransferKind::Pass, span.start, span.end).await;
    assert_eq!((total.net().0, total.balance.0), (fares + passes, town.number(TAKINGS).await));
    let shown = query("SELECT COUNT(*) FROM tap WHERE operation = $1 AND outcome = $2 AND at >= $3 AND at < $4")
        .bind(i64::from(OperationCode::TransitValidation.number()))
        .bind(i64::from(Outcome::Accepted.number()))
        .bind(span.start.0)
        .bind(span.end.0);
    let shown: i64 = shown.scalar_one(&mut town.scratch.db.read().await.unwrap()).await.unwrap();
    assert_eq!(total.shown, shown, "every card that was shown is counted once");
    settlement
}

#[tokio::test]
async fn a_months_settlement_is_what_the_ledger_and_the_taps_say() {
    let town = city().await;
    let (mut bus, card) = rider(&town, 9_000).await;
    let (mut metro, other) = rider(&town, 2_000).await;
    town.later(3_600);
    let purchase = PassPurchase { pass: "month".to_owned(), from: Date::in_china(START), price: Fen(5_000) };
    let taps = [
        bus.tap(&card, Slot::Tap, Operation::TransitPass(purchase)),
        ride(&mut bus, &other, "+b:p", 0),
        ride(&mut bus, &other, "+b:q", 5),
        ride(&mut bus, &other, "+zz:q", 8),
    ];
    assert!(town.submit(&bus, &taps).await.iter().all(|tap| tap.outcome == Outcome::Accepted));
    let taps = [ride(&mut metro, &card, "+m:p", 0), ride(&mut metro, &other, "+m:p", 40)];
    assert!(town.submit(&metro, &taps).await.iter().all(|tap| tap.outcome == Outcome::Accepted));
    town.later(6 * 3_600);
    closing::close(&town.scratch.db, &Recalled::default(), town.now()).await.unwrap();

    let (september, october): (Month, Month) = ("2026-09".parse().unwrap(), "2026-10".parse().unwrap());
    let settlement = settled(&town, september).await;
    let lines: Vec<(Option<Sold>, Sums)> = settlement.lines.iter().map(|(of, sums)| (of.sold.clone(), *sums)).collect();
    let sums = |taken, shown, rides| Sums { taken: Fen(taken), balance: Fen(taken), shown, rides, ..Sums::default() };
    let rides = |network: &str| Some(Sold::Rides(network.to_owned()));
    for (sold, expected) in [
        (Some(Sold::Pass("month".to_owned())), sums(5_000, 0, 1)),
        (rides("bus"), sums(200, 2, 2)),
        (rides("metro"), sums(900, 2, 2)),
        (None, sums(0, 1, 1)),
    ] {
        assert!(lines.contains(&(sold.clone(), expected)), "{sold:?} {expected:?}: {lines:#?}");
    }
    assert_eq!((lines.len(), settlement.lines.keys().filter(|of| of.operator.is_none()).count()), (4, 0));
    assert!(settlement.lines.keys().all(|of| settlement.operators[&of.operator.unwrap()].starts_with("Test Shop")));

    // What comes in late, in another month, goes back in that.
    town.later(15 * 86_400);
    let off = ride(&mut metro, &other, "-m:q", 60);
    assert_eq!(outcome(&town, &metro, &off).await, Outcome::Accepted);
    let before = settled(&town, september).await;
    assert_eq!(before.total().taken, Fen(6_100), "a month that is over does not change");
    let after = settled(&town, october).await;
    let (Of { sold, .. }, sums) = after.lines.iter().find(|(_, sums)| sums.back != Fen(0)).unwrap();
    assert_eq!((sold, sums.taken, sums.shown), (&rides("metro"), Fen(0), 0));
    assert_eq!(before.total().net().0 + after.total().net().0, town.number(TAKINGS).await);
    let empty = settled(&town, "2026-08".parse().unwrap()).await;
    assert_eq!((empty.total().net(), empty.total().shown), (Fen(0), 0));
}
