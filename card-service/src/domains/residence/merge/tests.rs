//! Merging on a real database: who is found where, what is refused, and that undoing brings everything back.

use card_schema::ids::HolderId;
use card_schema::wire::ProblemType;

use super::{Reason, merge, primary, store, undo};
use crate::cards::{Bearer, issuance};
use crate::domains::residence::model::{Facts, Field};
use crate::domains::residence::{Registration, register, registered_with, similar};
use crate::http::Refusal;
use crate::i18n::Locale;
use crate::people::{StaffId, StaffRole};
use crate::testing::town::terminal_in;
use crate::testing::{Office, office};

struct Desk {
    office: Office,
    clerk: StaffId,
}

fn person(number: &str) -> Facts {
    Facts::default()
        .with(Field::DocumentKind, "passport")
        .with(Field::DocumentNumber, number)
        .with(Field::Name, "测小明")
        .with(Field::Birth, "1990-01-01")
}

impl Desk {
    async fn new() -> Self {
        let office = office().await;
        let clerk = office.member("clerk", StaffRole::Clerk).await.staff_id;
        Self { office, clerk }
    }

    async fn person(&self, number: &str) -> HolderId {
        register(&self.office.app, self.clerk, Registration::of(person(number))).await.unwrap()
    }

    async fn found(&self, number: &str) -> HolderId {
        registered_with(&self.office.app, &person(number)).await.unwrap().unwrap()
    }

    async fn merge(&self, other: HolderId, kept: HolderId) -> Result<(), ProblemType> {
        let (app, by) = (self.office.app.clone(), self.clerk);
        let merged = self.office.app.db.write::<_, Refusal, _>(move |tx| {
            Box::pin(async move { merge(&app, tx, by, other, kept, Reason::RegisteredTwice).await })
        });
        merged.await.map_err(|refusal| refusal.kind())
    }

    async fn undo(&self, holder: HolderId) -> Result<(), ProblemType> {
        let (app, by) = (self.office.app.clone(), self.clerk);
        let undone = self
            .office
            .app
            .db
            .write::<_, Refusal, _>(move |tx| Box::pin(async move { undo(&app, tx, by, holder).await }));
        undone.await.map_err(|refusal| refusal.kind())
    }
}

#[tokio::test]
async fn whoever_has_two_records_is_found_under_one_of_them_until_that_is_undone() {
    let desk = Desk::new().await;
    let [kept, other, third] =
        [desk.person("T1111111").await, desk.person("T2222222").await, desk.person("T3333333").await];
    desk.merge(other, kept).await.unwrap();
    assert_eq!((desk.found("T1111111").await, desk.found("T2222222").await), (kept, kept));
    let mut connection = desk.office.app.db.read().await.unwrap();
    assert_eq!(store::pointing_to(&mut connection, kept).await.unwrap(), [other]);
    // The kept one may turn out to be of a third.
    desk.merge(kept, third).await.unwrap();
    assert_eq!(primary(&mut connection, other).await.unwrap(), third);
    assert_eq!(
        similar::alike(&desk.office.app.db, &*desk.office.app.keys, &person("T9999999")).await.unwrap(),
        [third],
        "one person, once"
    );
    desk.undo(kept).await.unwrap();
    assert_eq!(desk.found("T2222222").await, kept);
    desk.undo(other).await.unwrap();
    assert_eq!(desk.found("T2222222").await, other);
    assert!(store::pointing_to(&mut connection, kept).await.unwrap().is_empty());
    assert_eq!(desk.undo(other).await, Err(ProblemType::Conflict));
    // And once more, after all.
    desk.merge(other, kept).await.unwrap();
    assert_eq!(desk.found("T2222222").await, kept);
}

#[tokio::test]
async fn no_two_records_point_to_each_other_and_none_to_itself() {
    let desk = Desk::new().await;
    let [one, other] = [desk.person("T1111111").await, desk.person("T2222222").await];
    assert_eq!(desk.merge(one, one).await, Err(ProblemType::Conflict));
    let nobody = HolderId::new(one.shard(), [9; 16]);
    assert_eq!(desk.merge(one, nobody).await, Err(ProblemType::NotFound));
    let both = tokio::join!(desk.merge(one, other), desk.merge(other, one));
    let outcomes = [both.0, both.1];
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
}

#[tokio::test]
async fn a_record_that_points_to_another_gets_no_card() {
    let desk = Desk::new().await;
    let [kept, other] = [desk.person("T1111111").await, desk.person("T2222222").await];
    let app = &desk.office.app;
    let terminal = terminal_in(&app.db, &card_schema::operation::OperationCode::ALL).await.id;
    desk.merge(other, kept).await.unwrap();
    let refused =
        issuance::start(app, desk.clerk, Bearer::Holder(other), Locale::En, terminal, None).await.unwrap_err();
    assert_eq!(refused.kind(), ProblemType::Conflict);
    issuance::start(app, desk.clerk, Bearer::Holder(kept), Locale::En, terminal, None).await.unwrap();
}
