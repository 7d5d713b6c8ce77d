//! The map on a real database: who is counted, who is not, and what the pages say.

use std::collections::BTreeMap;

use card_schema::clock::Micros;
use card_schema::date::Date;
use card_schema::ids::HolderId;
use uuid::Uuid;

use super::city;
use super::store::{counts, keep};
use crate::db::query;
use crate::domains::residence::area::tests::town;
use crate::domains::residence::house::model::CellAnswer;
use crate::domains::residence::merge::{self, Reason};
use crate::domains::residence::model::{Facts, Field};
use crate::domains::residence::{Registration, register};
use crate::http::Refusal;
use crate::people::{StaffId, StaffRole};
use crate::testing::{Office, office};

const BY: StaffId = StaffId(Uuid::from_u128(1));
const CELL: &str = "990101001001001";

async fn registered(office: &Office, number: u32, stay_until: &str) -> HolderId {
    let facts = Facts::default()
        .with(Field::DocumentKind, "passport")
        .with(Field::DocumentNumber, format!("T{number:07}"))
        .with(Field::Address, format!("测试路 {} 号", number % 3))
        .with(Field::AddressSince, "2026-03-01")
        .with(Field::StayUntil, stay_until);
    let cell = Some(CellAnswer::In(CELL.to_owned()));
    register(&office.app, BY, Registration { cell, ..Registration::of(facts) }).await.unwrap()
}

async fn counted(office: &Office, day: Micros) -> BTreeMap<String, u64> {
    counts(&mut office.app.db.read().await.unwrap(), day).await.unwrap()
}

#[tokio::test]
async fn everybody_is_counted_once_and_nobody_who_has_left() {
    let office = office().await;
    town(&office.scratch).await;
    let today = office.app.today().start_utc();
    let of = |people: u64| BTreeMap::from([(CELL.to_owned(), people)]);
    let mut holders = Vec::new();
    for number in 0..7 {
        holders.push(registered(&office, number, "").await);
    }
    registered(&office, 100, &office.app.today().to_string()).await;
    assert_eq!(counted(&office, today).await, of(8), "the last day is a day");
    assert_eq!(counted(&office, today.plus_seconds(86_400)).await, of(7), "and the next is not");
    let (app, [kept, other]) = (office.app.clone(), [holders[0], holders[1]]);
    let by = office.member("clerk", StaffRole::Clerk).await.staff_id;
    let shared = app.clone();
    let merged = app.db.write::<_, Refusal, _>(move |tx| {
        Box::pin(async move { merge::merge(&shared, tx, by, other, kept, Reason::RegisteredTwice).await })
    });
    merged.await.unwrap();
    assert_eq!(counted(&office, today).await, of(7), "a person with two records is one");
    let shared = app.clone();
    let undone =
        app.db.write::<_, Refusal, _>(move |tx| Box::pin(async move { merge::undo(&shared, tx, by, other).await }));
    undone.await.unwrap();
    assert_eq!(counted(&office, today).await, of(8));
}

#[tokio::test]
async fn the_map_does_not_move_while_the_day_lasts() {
    let office = office().await;
    town(&office.scratch).await;
    for number in 0..12 {
        registered(&office, number, "").await;
    }
    let seen = async || city(&office.app).await.unwrap().whole.count;
    assert_eq!(seen().await, Some(12));
    registered(&office, 13, "").await;
    assert_eq!(seen().await, Some(12), "who came since is not told apart");
    // A service that was started anew shows the same.
    *office.app.counted.0.lock().await = None;
    assert_eq!(seen().await, Some(12));
    let cells_are_others = office.app.db.write_concurrently(|tx| Box::pin(super::forget(tx)));
    cells_are_others.await.unwrap();
    assert_eq!(seen().await, Some(13));
    // What was counted yesterday is over, and nothing of it stays.
    let past = super::rules::When { day: Date::new(2026, 1, 1).unwrap(), at: Micros(0) };
    let counts = BTreeMap::from([(CELL.to_owned(), 40)]);
    let yesterday = office.app.db.write_concurrently(move |tx| Box::pin(async move { keep(tx, past, &counts).await }));
    yesterday.await.unwrap();
    assert_eq!(seen().await, Some(13));
    let rows: i64 =
        query("SELECT COUNT(*) FROM map_count").scalar_one(&mut office.app.db.read().await.unwrap()).await.unwrap();
    assert_eq!(rows, 1);
}
