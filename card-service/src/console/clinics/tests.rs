//! The pages of clinics, and who says at which level one is.

use std::collections::HashMap;

use askama::Template as _;
use axum::http::StatusCode;
use card_schema::coverage::Level;
use card_schema::ids::{OrganisationId, Shard};
use uuid::Uuid;

use super::levels::{listed, thing};
use crate::console::frame::Frame;
use crate::console::register::Typed;
use crate::db::DbError;
use crate::domains::clinic::store;
use crate::people::organisation::{self, Kind, Organisation};
use crate::people::{StaffRole, model::Permission};
use crate::testing::office;

/// Every state of every page, by names.
pub(in crate::console) fn pages(frame: &Frame) -> Vec<(String, String)> {
    let organisation_id = OrganisationId(Uuid::from_u128(7));
    let clinic = Organisation { organisation_id, name: "测试社区卫生服务中心".to_owned() };
    let levels = HashMap::from([(organisation_id, Level::Community)]);
    let list = |clinics, levels| listed(frame.clone(), clinics, levels).render().unwrap();
    let one = |level, wrong| thing(frame.clone(), &clinic, level, &Typed::new(), wrong).render().unwrap();
    vec![
        ("clinics-none".to_owned(), list(Vec::new(), &HashMap::new())),
        ("clinics-some".to_owned(), list(vec![clinic.clone()], &levels)),
        ("clinics-new".to_owned(), list(vec![clinic.clone()], &HashMap::new())),
        ("clinic-known".to_owned(), one(Some(Level::Tertiary), None)),
        ("clinic-new".to_owned(), one(None, Some(("level", "clinic-level-missing")))),
    ]
}

#[tokio::test]
async fn the_bureau_says_at_which_level_a_clinic_is_and_nobody_else_does() {
    let office = office().await;
    let (now, clinic) = (office.app.now(), OrganisationId(office.app.new_id()));
    let added = office.app.db.write::<_, DbError, _>(move |tx| {
        Box::pin(async move {
            tx.lock([Shard(0)]).await?;
            organisation::store::named(tx, now, clinic, "Invented Clinic 虚构医院").await?;
            organisation::store::describe(tx, now, clinic, Kind::Clinic, false).await
        })
    });
    added.await.unwrap();
    let page = format!("/clinics/{clinic}");
    for role in StaffRole::ALL {
        let token = office.staff(&format!("of-{}", role.name()), role).await;
        let may = role.may(Permission::ReconcileContributions);
        for path in ["/clinics", &page] {
            let shown = office.browse(Some(&token), path, None).await;
            assert_eq!(shown.status == StatusCode::OK, may, "{role:?} {path}");
            assert_eq!(shown.page.contains("虚构医院"), may, "{role:?} {path}");
        }
        let status = office.browse(Some(&token), &page, Some("level=secondary")).await.status;
        assert_eq!(status == StatusCode::SEE_OTHER, may, "{role:?}");
    }
    let token = office.staff("officer", StaffRole::BureauOfficer).await;
    let wrong = office.browse(Some(&token), &page, Some("level=best")).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let level = async || store::level(&mut office.app.db.read().await.unwrap(), clinic).await.unwrap();
    assert_eq!(level().await, Some(Level::Secondary));
    let station = format!("/clinics/{}", OrganisationId(office.app.new_id()));
    let status = office.browse(Some(&token), &station, Some("level=primary")).await.status;
    assert_eq!(status, StatusCode::NOT_FOUND, "no such clinic");
}
