//! What registration promises, tried on a real database file.

use axum::http::StatusCode;
use card_schema::ids::{HolderId, Shard};
use uuid::Uuid;

use super::model::{ChangeReason, Facts, Field, Wrong};
use super::{
    Correction, Newcomer, Registration, Unchanged, change, draft, protect, register, registered_with, reveal, store,
    store_all,
};
use crate::db::query;
use crate::http::Refusal;
use crate::people::{Purpose, StaffId, StaffRole};
use crate::testing::{Office, office};
use card_schema::wire::ProblemType;

fn person(name: &str, number: &str) -> Facts {
    let facts = Facts::default().with(Field::DocumentKind, "passport").with(Field::DocumentNumber, number);
    facts.with(Field::Name, name)
}

fn clerk() -> StaffId {
    StaffId(Uuid::from_u128(1))
}

#[tokio::test]
async fn a_document_registers_one_person() {
    let office = office().await;
    register(&office.app, clerk(), Registration::of(person("测试甲", "T1234567"))).await.unwrap();
    let again = register(&office.app, clerk(), Registration::of(person("测试乙", "T1234567"))).await.unwrap_err();
    assert_eq!(again.kind(), ProblemType::Conflict);
    register(&office.app, clerk(), Registration::of(person("测试乙", "T1234568"))).await.unwrap();
}

#[tokio::test]
async fn of_many_at_once_those_whose_document_is_known_are_left_out() {
    let office = office().await;
    let app = &office.app;
    let known = register(app, clerk(), Registration::of(person("测试甲", "T1234567"))).await.unwrap();
    let sealed = |number| {
        let registration = Registration::of(person("测试丙", number));
        Newcomer::seal(&*app.keys, &app.random, app.db.engine(), registration).unwrap()
    };
    // The second twice, and the one who is registered already.
    let many = ["T1234568", "T1234569", "T1234569", "T1234567", "T1234570"].map(sealed).into();
    let now = app.now();
    let stored = app
        .db
        .write::<_, Refusal, _>(move |tx| Box::pin(async move { Ok(store_all(tx, now, clerk(), many).await?) }))
        .await
        .unwrap();
    assert_eq!(stored.iter().map(Option::is_some).collect::<Vec<_>>(), [true, true, false, false, true]);
    for (number, holder) in [("T1234567", Some(known)), ("T1234568", stored[0]), ("T1234569", stored[1])] {
        assert_eq!(registered_with(app, &person("", number)).await.unwrap(), holder, "{number}");
    }
    let leaves: i64 =
        query("SELECT COUNT(*) FROM leaf WHERE kind = 40").scalar_one(&mut app.db.read().await.unwrap()).await.unwrap();
    assert_eq!(leaves, 4, "a leaf each");
}

#[tokio::test]
async fn no_name_or_number_stands_in_the_database_in_clear() {
    let office = office().await;
    let holder = register(&office.app, clerk(), Registration::of(person("测试隐名", "T7654321"))).await.unwrap();
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
    assert_eq!(name.get(Field::Name), "测试隐名");
}

#[tokio::test]
async fn every_read_of_a_record_leaves_a_leaf_with_its_purpose() {
    let office = office().await;
    let holder = register(&office.app, clerk(), Registration::of(person("测试甲", "T1234567"))).await.unwrap();
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
    assert!(!store::exists(&mut office.app.db.read().await.unwrap(), one).await.unwrap());
}

async fn corrected(office: &Office, holder: HolderId, field: Field, text: &str) -> Result<(), Option<Wrong>> {
    let correction = Correction {
        fields: field.changed_with(),
        typed: person("", "T7654321")
            .with(Field::AddressSince, "2026-09-01")
            .with(Field::Home, "employer")
            .with(field, text),
        reason: ChangeReason::Changed,
        cell: None,
        seen: i64::MAX,
    };
    let app = office.app.clone();
    let changed = office
        .app
        .db
        .write::<_, Refusal, _>(move |tx| Box::pin(async move { change(&app, tx, clerk(), holder, &correction).await }))
        .await;
    changed.map_err(|_| None)?.map_err(|unchanged| match unchanged {
        Unchanged::Wrong(wrong) => wrong.into_iter().next(),
        Unchanged::Meanwhile(_) | Unchanged::NoCell => None,
    })
}

async fn read(office: &Office, holder: HolderId, field: Field) -> String {
    let app = office.app.clone();
    let read = office
        .app
        .db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(
                async move { reveal(&app, tx, app.now(), clerk(), holder, Purpose::HolderRequest, &[field]).await },
            )
        })
        .await
        .unwrap();
    read.get(field).to_owned()
}

#[tokio::test]
async fn a_record_is_corrected_and_what_was_there_before_is_kept_with_who_and_why() {
    let office = office().await;
    let clerk = office.member("clerk", StaffRole::Clerk).await.staff_id;
    let known = person("测试甲", "T1234567").with(Field::Phone, "13800138000");
    let holder = register(&office.app, clerk, Registration::of(known)).await.unwrap();
    corrected(&office, holder, Field::Name, "测试乙").await.unwrap();
    corrected(&office, holder, Field::Phone, "").await.unwrap();
    corrected(&office, holder, Field::Address, "测试路 2 号").await.unwrap();
    assert_eq!(read(&office, holder, Field::Name).await, "测试乙");
    assert_eq!(read(&office, holder, Field::Phone).await, "", "it is known no longer");
    assert_eq!(read(&office, holder, Field::Address).await, "测试路 2 号");
    // The same again is no change.
    corrected(&office, holder, Field::Name, " 测试乙 ").await.unwrap();
    let past: i64 = query("SELECT COUNT(*) FROM person_fact_past WHERE holder_id = $1")
        .bind(holder)
        .scalar_one(&mut office.app.db.read().await.unwrap())
        .await
        .unwrap();
    assert_eq!(past, 5, "name, telephone, address, since when and how");
    let wrong = corrected(&office, holder, Field::Phone, "12").await.unwrap_err().unwrap();
    assert_eq!((wrong.field, wrong.key), (Field::Phone, "person-phone-bad"));
    assert_eq!(read(&office, holder, Field::Phone).await, "");
}

#[tokio::test]
async fn a_holder_is_found_by_the_new_document_and_no_longer_by_the_old_one() {
    let office = office().await;
    let holder = register(&office.app, clerk(), Registration::of(person("测试甲", "T1234567"))).await.unwrap();
    let other = register(&office.app, clerk(), Registration::of(person("测试乙", "T1111111"))).await.unwrap();
    corrected(&office, holder, Field::DocumentNumber, "T7654321").await.unwrap();
    let found = async |number| registered_with(&office.app, &person("", number)).await.unwrap();
    assert_eq!(found("T7654321").await, Some(holder));
    assert_eq!(found("T1234567").await, None);
    assert!(
        corrected(&office, other, Field::DocumentNumber, "T7654321").await.unwrap_err().is_none(),
        "it is another's"
    );
    assert_eq!(found("T1111111").await, Some(other));
}

#[tokio::test]
async fn a_newcomer_is_registered_over_the_api() {
    let office = office().await;
    let token = office.staff("clerk", StaffRole::Clerk).await;
    let body = serde_json::json!({
        "document_kind": "passport",
        "document_number": "t12 34567",
        "name": "测试癸 Test Newcomer",
        "birth": "1990-01-01",
        "address": "测试路 1 号",
        "address_since": "2026-03-01",
        "home": "rented",
        "purpose": "registration",
    });
    let (status, reply) = office.public("POST", "/v1/holders", Some(&token), Some(body.clone())).await;
    assert_eq!(status, StatusCode::CREATED, "{reply}");
    let (status, reply) = office.public("POST", "/v1/holders", Some(&token), Some(body)).await;
    assert_eq!(status, StatusCode::CONFLICT, "{reply}");
    let wrong = serde_json::json!({
        "document_kind": "resident_identity_card",
        "document_number": "110000199001010014",
        "name": "测试",
        "address": "测试路",
        "address_since": "2026-03-01",
        "home": "rented",
        "purpose": "registration",
    });
    let (status, reply) = office.public("POST", "/v1/holders", Some(&token), Some(wrong)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{reply}");
    assert!(reply["detail"].as_str().unwrap().contains("last character"), "{reply}");
}

#[tokio::test]
async fn who_does_not_say_whether_it_is_the_same_person_is_asked_again_however_the_birth_was_typed() {
    let office = office().await;
    let staff = office.member("clerk", StaffRole::Clerk).await;
    let known = person("测小明", "T1234567").with(Field::Birth, "1990-01-01");
    let holder = register(&office.app, staff.staff_id, Registration::of(known)).await.unwrap();
    let draft = draft::begin(&office.app, staff.staff_id).await.unwrap();
    let typed = person("CE XIAOMING", "T7654321")
        .with(Field::Birth, "19900101")
        .with(Field::Address, "测试路")
        .with(Field::AddressSince, "2026-03-01")
        .with(Field::Home, "rented");
    let typed = draft::Draft { typed, ..draft::Draft::default() };
    draft::save(&office.app, staff.staff_id, draft, &typed).await.unwrap();
    let session = office.session(&staff).await;
    let path = format!("/registrations/{draft}/similar");
    let shown = office.browse(Some(&session), &path, Some(&format!("other={holder}"))).await;
    assert_eq!(shown.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn of_two_who_correct_the_same_the_second_is_told_and_may_do_it_all_the_same() {
    let office = office().await;
    let clerk = office.member("clerk", StaffRole::Clerk).await.staff_id;
    let holder = register(&office.app, clerk, Registration::of(person("测试甲", "T1234567"))).await.unwrap();
    let corrected = async |field: Field, text: &str, seen: i64| {
        let typed = Facts::default().with(field, text);
        let correction =
            Correction { fields: field.changed_with(), typed, reason: ChangeReason::Mistyped, cell: None, seen };
        let app = office.app.clone();
        let changed = office.app.db.write::<_, Refusal, _>(move |tx| {
            Box::pin(async move { change(&app, tx, clerk, holder, &correction).await })
        });
        changed.await.unwrap()
    };
    // Both had opened the page before anything was changed.
    corrected(Field::Phone, "13800138000", 0).await.unwrap();
    let Err(Unchanged::Meanwhile(newest)) = corrected(Field::Phone, "13800138001", 0).await else {
        panic!("the second is not told")
    };
    assert_eq!((newest.staff.as_str(), read(&office, holder, Field::Phone).await.as_str()), ("clerk", "13800138000"));
    corrected(Field::Name, "测试乙", 0).await.unwrap();
    corrected(Field::Phone, "13800138001", newest.leaf).await.unwrap();
    assert_eq!(read(&office, holder, Field::Phone).await, "13800138001");
}
