//! What registration promises, tried on a real database file.

use card_schema::date::Date;
use card_schema::ids::{HolderId, Shard};
use uuid::Uuid;

use super::model::{Document, Field, NewPerson};
use super::store::{self, SealedPerson};
use super::{api, protect, reveal};
use crate::db::query;
use crate::http::Refusal;
use crate::people::{Purpose, StaffId};
use crate::testing::office;
use card_schema::wire::ProblemType;

fn person(name: &str, number: &str) -> NewPerson {
    let today = Date::new(2026, 11, 23).unwrap();
    NewPerson::check(name, Document::Passport, number, today).unwrap()
}

fn clerk() -> StaffId {
    StaffId(Uuid::from_u128(1))
}

#[tokio::test]
async fn a_document_number_registers_one_person_however_it_is_typed() {
    let office = office().await;
    api::add(&office.app, clerk(), person("测试甲", "T1234567")).await.unwrap();
    let again = api::add(&office.app, clerk(), person("测试乙", " t12 34567")).await.unwrap_err();
    assert_eq!(again.kind(), ProblemType::Conflict);
    api::add(&office.app, clerk(), person("测试乙", "T1234568")).await.unwrap();
}

#[tokio::test]
async fn no_name_or_number_stands_in_the_database_in_clear() {
    let office = office().await;
    let holder = api::add(&office.app, clerk(), person("测试隐名", "T7654321")).await.unwrap();
    let contents = office.scratch.contents().await;
    for clear in ["测试隐名".as_bytes(), b"T7654321"] {
        assert!(!contents.windows(clear.len()).any(|window| window == clear));
    }
    assert!(contents.windows(16).any(|window| window == holder.as_bytes()), "the database itself was searched");
    // With the keys, what was sealed is found.
    let app = office.app.clone();
    let name = office
        .app
        .db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                reveal(&app, tx, app.now(), clerk(), holder, Purpose::Registration, &[Field::Name]).await
            })
        })
        .await
        .unwrap();
    assert_eq!(name[0].text.as_str(), "测试隐名");
}

#[tokio::test]
async fn every_read_of_a_record_leaves_a_leaf_with_its_purpose() {
    let office = office().await;
    let holder = api::add(&office.app, clerk(), person("测试甲", "T1234567")).await.unwrap();
    let leaves = || async {
        let count: i64 = query("SELECT COUNT(*) FROM leaf WHERE kind = 42 AND shard = $1")
            .bind(holder.shard())
            .scalar_one(&mut office.app.db.read().await.unwrap())
            .await
            .unwrap();
        count
    };
    assert_eq!(leaves().await, 0);
    let app = office.app.clone();
    office
        .app
        .db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                let fields = [Field::Name, Field::DocumentNumber];
                reveal(&app, tx, app.now(), clerk(), holder, Purpose::HolderRequest, &fields).await
            })
        })
        .await
        .unwrap();
    assert_eq!(leaves().await, 2);
    let purposes: Vec<String> =
        query("SELECT purpose FROM person_read").scalars(&mut office.app.db.read().await.unwrap()).await.unwrap();
    assert_eq!(purposes, ["holder_request", "holder_request"]);
}

#[tokio::test]
async fn a_sealed_field_does_not_open_in_another_persons_row() {
    let office = office().await;
    let keys = &*office.app.keys;
    let [one, other] = [1_u8, 2].map(|byte| HolderId::new(Shard(0), [byte; 16]));
    let key = zeroize::Zeroizing::new([7; 32]);
    let sealed = protect::seal_field(&key, one, Field::Name, "测试甲", [1; 12]);
    assert_eq!(protect::open_field(&key, one, Field::Name, &sealed).unwrap().as_str(), "测试甲");
    assert!(protect::open_field(&key, other, Field::Name, &sealed).is_err());
    assert!(protect::open_field(&key, one, Field::DocumentNumber, &sealed).is_err());
    let wrapped = protect::wrap(keys, one, &key, [2; 12]).unwrap();
    assert_eq!(protect::unwrap(keys, one, &wrapped).unwrap(), key);
    assert!(protect::unwrap(keys, other, &wrapped).is_err());
    let person =
        SealedPerson { wrapped_key: wrapped, name: sealed, document: Document::Passport, document_number: vec![] };
    assert!(!person.sealed(Field::Name).is_empty());
    assert!(!store::exists(&mut office.app.db.read().await.unwrap(), one).await.unwrap());
}

#[test]
fn what_no_document_can_bear_is_refused_with_words() {
    let today = Date::new(2026, 11, 23).unwrap();
    for (name, document, number, wrong) in [
        ("", Document::Passport, "T1234567", "person-name-bad"),
        ("  \t ", Document::Passport, "T1234567", "person-name-bad"),
        ("测试甲", Document::Passport, "T-1", "document-number-bad"),
        ("测试甲", Document::ResidentIdentityCard, "110101199003070000", "document-number-bad"),
    ] {
        assert_eq!(NewPerson::check(name, document, number, today).unwrap_err(), wrong, "{name:?} {number}");
    }
}
