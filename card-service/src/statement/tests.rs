//! What a terminal is told of a holder, for which tap, and how long.

use axum::http::StatusCode;
use card_schema::card::Slot;
use card_schema::envelope::Kid;
use card_schema::envelope::tap::Tap;
use card_schema::operation::transit::{Side, Validation};
use card_schema::operation::{Operation, gate, purse};
use serde_json::json;

use super::GOOD_SECONDS;
use crate::db::{DbError, query};
use crate::domains::residence;
use crate::domains::residence::model::Field;
use crate::people::Purpose;
use crate::testing::city::fares_in;
use crate::testing::shop::{Shop, pay, top_up};
use crate::testing::town::terminal_beside;

const ASK: Operation = Operation::PurseStatement(purse::Statement);

#[tokio::test]
async fn a_holder_sees_the_newest_entries_and_who_has_read_the_record_and_why() {
    let mut shop = Shop::new().await;
    for operation in [top_up(5_000), pay(1_250), Operation::GateCheck(gate::Check)] {
        shop.tap(operation).await;
    }
    shop.tap(pay(9_000)).await;
    let (now, who, holder) = (shop.office.app.now(), shop.supervisor.staff_id, shop.holder);
    let read = shop.office.app.db.write::<_, DbError, _>(move |tx| {
        Box::pin(async move {
            for field in [Field::Name, Field::Address] {
                residence::store::record_read(tx, now, holder, who, Purpose::Complaint, field.name()).await?;
            }
            Ok(())
        })
    });
    read.await.unwrap();
    let tap = shop.asks().await;
    let (status, told) = shop.told(shop.terminal.id, &tap).await;
    assert_eq!(status, StatusCode::OK, "{told}");
    let entries = told["entries"].as_array().unwrap();
    let seen: Vec<_> = entries.iter().map(|entry| (&entry["operation"], &entry["amount_fen"])).collect();
    let (payment, cash) = (json!("purse.payment"), json!("purse.top_up"));
    assert_eq!(seen, [(&payment, &json!(1_250)), (&cash, &json!(5_000))], "booked, newest first, and no gate");
    assert!(entries[0]["organisation"].as_str().unwrap().starts_with("Test Shop"), "{told}");
    let reads = told["reads"].as_array().unwrap();
    assert_eq!(reads.len(), 1, "what was read at once is one: {told}");
    assert_eq!((&reads[0]["role"], &reads[0]["purpose"]), (&json!("supervisor"), &json!("complaint")));
    assert!(!told.to_string().contains("\"one\""), "nobody's name: {told}");
    assert_eq!(shop.balance().await, 3_750, "asking moves nothing");
}

#[tokio::test]
async fn a_holder_sees_what_journeys_cost_and_why_and_the_office_does_not() {
    let mut shop = Shop::new().await;
    fares_in(&shop.office.app.db, "").await;
    let validation = |text: &str| {
        let (route, stop) = text.split_once(':').unwrap();
        let (route, stop) = (route.to_owned(), stop.to_owned());
        Operation::TransitValidation(Validation { tariff: 1, route, stop, side: Side::On })
    };
    shop.tap(top_up(5_000)).await;
    for (text, seconds_ago) in [("b:p", 600), ("m:p", 60)] {
        let tap = shop.signed(validation(text), seconds_ago);
        shop.office.intake.accept(shop.terminal.id, &shop.terminal.batch(&[tap])).await.unwrap();
    }
    let tap = shop.asks().await;
    let (status, told) = shop.told(shop.terminal.id, &tap).await;
    assert_eq!(status, StatusCode::OK, "{told}");
    let legs = told["journeys"]["legs"].as_array().unwrap();
    assert_eq!((&legs[0]["is_open"], &legs[0]["began"]["stop"]), (&json!(true), &json!("P")), "{told}");
    let fare = json!([{"reason": "fare", "what": "bus", "percent": null, "amount_fen": 200}]);
    assert_eq!((legs.len(), &legs[1]["lines"], &legs[1]["charged_fen"]), (2, &fare, &json!(200)), "{told}");
    assert_eq!(told["entries"].as_array().unwrap().len(), 1, "rides have a list of their own: {told}");
    let supervisor = shop.supervisor.clone();
    let page = format!("/holders/{}", shop.holder);
    for page in [page.clone(), format!("{page}/timeline"), format!("/cards/{}", shop.card.id)] {
        let shown = shop.see(&supervisor, &page).await.page;
        assert!(!shown.contains("gb→") && !shown.contains(">P<"), "{page}: {shown}");
    }
}

#[tokio::test]
async fn a_terminal_is_told_for_a_tap_that_it_has_just_brought_and_for_no_other() {
    let mut shop = Shop::new().await;
    let paid = shop.signed(top_up(100), 0);
    shop.office.intake.accept(shop.terminal.id, &shop.terminal.batch(std::slice::from_ref(&paid))).await.unwrap();
    assert_eq!(shop.told(shop.terminal.id, &paid).await.0, StatusCode::CONFLICT, "no question");
    // Without the PIN.
    let at = shop.office.app.now();
    let tap = Tap { at, ..shop.terminal.next(Some(&shop.card), ASK) };
    let tap = shop.terminal.sign(&tap, shop.card.key(Slot::Tap), Kid::Card(Slot::Tap));
    shop.office.intake.accept(shop.terminal.id, &shop.terminal.batch(std::slice::from_ref(&tap))).await.unwrap();
    assert_eq!(shop.told(shop.terminal.id, &tap).await.0, StatusCode::CONFLICT, "refused");
    let never = shop.signed(ASK, 0);
    assert_eq!(shop.told(shop.terminal.id, &never).await.0, StatusCode::CONFLICT, "never brought");
    shop.office.intake.accept(shop.terminal.id, &shop.terminal.batch(&[never])).await.unwrap();
    let tap = shop.asks().await;
    let beside = terminal_beside(&shop.office.app.db, shop.terminal.id).await;
    assert_eq!(shop.told(beside.id, &tap).await.0, StatusCode::CONFLICT, "another terminal's");
    assert_eq!(shop.told(shop.terminal.id, &tap).await.0, StatusCode::OK);
    let long_ago = "UPDATE tap SET received_at = received_at - $1 WHERE tap_id = $2";
    let (seconds, id) = (GOOD_SECONDS * 1_000_000, tap.id);
    let aged = shop.office.app.db.write::<_, DbError, _>(move |tx| {
        Box::pin(async move { query(long_ago).bind(seconds).bind(id.0).execute(tx.conn()).await })
    });
    aged.await.unwrap();
    assert_eq!(shop.told(shop.terminal.id, &tap).await.0, StatusCode::CONFLICT, "too long ago");
}
