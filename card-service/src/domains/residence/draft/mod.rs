//! What was typed of a registration that is not finished yet. It is sealed, belongs to the member of staff who types it,
//! and goes when the person is registered, when it is given up, or when nobody has gone on with it.
//!
//! A draft is no record: nobody else can read it, so reading it states no purpose.

pub mod store;

use std::collections::BTreeMap;

use card_schema::ids::HolderId;
use card_schema::wire::ProblemType;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::agreement::model::Form;
use super::house::model::CellAnswer;
use super::household::model::HouseholdAnswer;
use super::model::Facts;
use super::protect::{self, SealingKey};
use super::similar::Distinction;
use crate::app::App;
use crate::db::DbError;
use crate::http::Refusal;
use crate::keys::KeyError;
use crate::people::StaffId;
pub use store::Pending;

/// How long nobody need go on with a draft.
const KEPT_SECONDS: i64 = 7 * 86_400;

/// What a draft holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// As it was typed.
    pub typed: Facts,
    /// Who was found to be alike and is somebody else.
    #[serde(default)]
    pub told_apart: BTreeMap<HolderId, Distinction>,
    /// In which grid cell the house lies, once somebody was asked.
    #[serde(default)]
    pub cell: Option<CellAnswer>,
    /// Whether the person belongs to a household in the house, once somebody was asked.
    #[serde(default)]
    pub household: Option<HouseholdAnswer>,
    /// The form on which the person agrees, once it was printed.
    #[serde(default)]
    pub form: Option<Form>,
}

/// Begins an empty draft.
pub async fn begin(app: &App, by: StaffId) -> Result<Uuid, Refusal> {
    let id = app.new_id();
    let (now, sealed) = (app.now(), sealed(app, id, &Draft::default())?);
    app.db
        .write::<_, Refusal, _>(move |tx| Box::pin(async move { Ok(store::insert(tx, now, id, by, &sealed).await?) }))
        .await?;
    Ok(id)
}

/// Removes drafts that nobody has gone on with for too long.
pub async fn forget_old(app: &App) -> Result<(), DbError> {
    let since = app.now().plus_seconds(-KEPT_SECONDS);
    app.db.write_concurrently(move |tx| Box::pin(store::remove_older(tx, since))).await
}

/// What was typed so far.
///
/// # Errors
/// `NotFound` where the draft is another's, finished or old.
pub async fn load(app: &App, by: StaffId, id: Uuid) -> Result<Draft, Refusal> {
    let sealed = store::one(&mut app.db.read().await?, id, by).await?.ok_or_else(unknown)?;
    protect::open_typed(&key(app, id)?, &place(id), &sealed)
}

/// Keeps what was typed.
///
/// # Errors
/// `NotFound` where the draft is another's, finished or old.
pub async fn save(app: &App, by: StaffId, id: Uuid, draft: &Draft) -> Result<(), Refusal> {
    let (now, sealed) = (app.now(), sealed(app, id, draft)?);
    let kept = app
        .db
        .write::<_, Refusal, _>(move |tx| Box::pin(async move { Ok(store::update(tx, now, id, by, &sealed).await?) }))
        .await?;
    if kept { Ok(()) } else { Err(unknown()) }
}

/// Gives a draft up. One that is gone already stays gone.
pub async fn discard(app: &App, by: StaffId, id: Uuid) -> Result<(), Refusal> {
    app.db.write::<_, Refusal, _>(move |tx| Box::pin(async move { Ok(store::remove(tx, id, by).await?) })).await
}

/// The drafts of a member of staff, newest first.
pub async fn of_staff(app: &App, by: StaffId) -> Result<Vec<Pending>, Refusal> {
    Ok(store::of_staff(&mut app.db.read().await?, by).await?)
}

const fn unknown() -> Refusal {
    Refusal::because(ProblemType::NotFound, "draft-unknown")
}

fn key(app: &App, id: Uuid) -> Result<SealingKey, KeyError> {
    protect::derived(&*app.keys, b"nrc/registration-draft/v1", id.as_bytes())
}

fn place(id: Uuid) -> Vec<u8> {
    protect::place(id.as_bytes(), "registration_draft", "sealed")
}

fn sealed(app: &App, id: Uuid, draft: &Draft) -> Result<Vec<u8>, Refusal> {
    protect::seal_typed(&key(app, id)?, &place(id), draft, *app.random_bytes()?)
}

#[cfg(test)]
mod tests {
    use super::super::model::Field;
    use super::*;
    use crate::people::StaffRole;
    use crate::testing::office;

    #[tokio::test]
    async fn a_draft_is_its_writers_alone_and_nothing_of_it_is_stored_in_clear() {
        let office = office().await;
        let [own, other] = [
            office.member("one", StaffRole::Clerk).await.staff_id,
            office.member("other", StaffRole::Clerk).await.staff_id,
        ];
        let id = begin(&office.app, own).await.unwrap();
        let typed = Facts::default().with(Field::Name, "测试隐稿").with(Field::Phone, "not a number yet");
        let typed = Draft { typed, ..Draft::default() };
        save(&office.app, own, id, &typed).await.unwrap();
        assert_eq!(load(&office.app, own, id).await.unwrap(), typed);
        assert_eq!(load(&office.app, other, id).await.unwrap_err().kind(), ProblemType::NotFound);
        assert_eq!(save(&office.app, other, id, &Draft::default()).await.unwrap_err().kind(), ProblemType::NotFound);
        discard(&office.app, other, id).await.unwrap();
        let contents = office.scratch.contents().await;
        for clear in ["测试隐稿".as_bytes(), b"not a number yet"] {
            assert!(!contents.windows(clear.len()).any(|window| window == clear));
        }
        assert_eq!(of_staff(&office.app, own).await.unwrap().len(), 1);
        assert!(of_staff(&office.app, other).await.unwrap().is_empty());
        discard(&office.app, own, id).await.unwrap();
        assert_eq!(load(&office.app, own, id).await.unwrap_err().kind(), ProblemType::NotFound);
    }

    #[tokio::test]
    async fn a_draft_that_nobody_goes_on_with_goes() {
        let office = office().await;
        let own = office.member("one", StaffRole::Clerk).await.staff_id;
        let old = begin(&office.app, own).await.unwrap();
        let then = office.app.now().plus_seconds(-KEPT_SECONDS - 1);
        office
            .app
            .db
            .write::<_, Refusal, _>(move |tx| {
                Box::pin(async move { Ok(store::update(tx, then, old, own, b"sealed").await.map(drop)?) })
            })
            .await
            .unwrap();
        let fresh = begin(&office.app, own).await.unwrap();
        forget_old(&office.app).await.unwrap();
        let left: Vec<_> = of_staff(&office.app, own).await.unwrap().iter().map(|draft| draft.draft_id).collect();
        assert_eq!(left, [fresh]);
    }
}
