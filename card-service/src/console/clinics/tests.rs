//! The pages of clinics, and who says at which level one is, pays one out, and reads a bill.

use std::collections::HashMap;

use askama::Template as _;
use axum::http::StatusCode;
use card_schema::clock::Micros;
use card_schema::coverage::{Benefit, Eligibility, Level};
use card_schema::ids::{ClaimId, HolderId, OrganisationId, Shard, TapId};
use card_schema::money::Fen;
use card_schema::month::Month;
use card_schema::wire::clinic::BilledLine;
use uuid::Uuid;

use super::claim::{ClaimPage, READ};
use super::levels::{self, thing};
use super::months::{self, Compared, Known, sheet_page};
use crate::console::frame::Frame;
use crate::console::register::Typed;
use crate::db::DbError;
use crate::domains::clinic::clearing::model::{Cleared, Difference, RowWrong, Stated, Sums};
use crate::domains::clinic::model::{Claim, Payers, Settled};
use crate::domains::clinic::sealed::Content;
use crate::domains::clinic::store;
use crate::domains::residence;
use crate::people::organisation::{self, Kind, Organisation};
use crate::people::{Purpose, StaffId, StaffRole, model::Permission};
use crate::sheet::Unusable;
use crate::testing::town::holder_in;
use crate::testing::{Office, office};

const DISEASE: &str = "虚构阑尾炎";

/// A bill that was settled at a moment.
fn bill(holder: HolderId, clinic: OrganisationId, at: Micros) -> Claim {
    Claim {
        id: ClaimId::new(holder.shard(), [7; 16]),
        visit: TapId([7; 32]),
        holder,
        clinic,
        benefit: Benefit::SpecialOutpatient,
        day: card_schema::date::Date::in_china(at),
        made_at: at,
        seen: 0,
        payers: Payers { eligible: Fen(1_000), fund: Fen(700), account: Fen(100), rest: Fen(200) },
        settled: Some(Settled { with: TapId([8; 32]), signed_at: at, at }),
        reversed_at: None,
        is_cleared: false,
    }
}

fn content() -> Content {
    let shares = card_schema::coverage::Shares { fund_fen: Fen(700), excluded_fen: Fen(300), ..<_>::default() };
    let line = BilledLine {
        item: "S2018".parse().unwrap(),
        name: "阑尾切除术".to_owned(),
        name_en: "Appendicectomy".to_owned(),
        class: card_schema::coverage::ItemClass::A,
        quantity: "1".parse().unwrap(),
        price_fen: Fen(1_000),
        amount_fen: Fen(1_000),
        eligible_fen: Fen(1_000),
        pieces: Vec::new(),
        shares,
    };
    Content { diagnosis: DISEASE.to_owned(), referred: false, standing: Eligibility::Never, lines: vec![line] }
}

/// Every state of every page, by names.
pub(in crate::console) fn pages(frame: &Frame) -> Vec<(String, String)> {
    let organisation_id = OrganisationId(Uuid::from_u128(7));
    let clinic = Organisation { organisation_id, name: "测试社区卫生服务中心".to_owned() };
    let levels = HashMap::from([(organisation_id, Level::Community)]);
    let this: Month = "2026-11".parse().unwrap();
    let list = |clinics, levels| levels::listed(frame.clone(), clinics, levels).render().unwrap();
    let one = |level, wrong| thing(frame.clone(), (&clinic, this), level, &Typed::new(), wrong).render().unwrap();
    let holder = HolderId::new(Shard(3), [7; 16]);
    let settled = bill(holder, organisation_id, Micros(1_763_000_000_000_000));
    let gone = Claim { reversed_at: Some(settled.made_at), ..settled };
    let sums = Sums { count: 3, total: Fen(3_000), fund: Fen(2_100), account: Fen(300) };
    let paid = Cleared { sums, at: settled.made_at, by: StaffId(Uuid::nil()) };
    let month = |month: &str, cleared, wrong| {
        let known = Known { clinic: clinic.clone(), month: month.parse().unwrap(), sums, reversed: 1, cleared };
        months::thing(frame.clone(), &known, this, wrong).render().unwrap()
    };
    let bills = |claims: &[Claim]| months::listed(frame.clone(), &clinic, this, claims).render().unwrap();
    let sheet = |compared| sheet_page(frame.clone(), &clinic, this, compared).render().unwrap();
    let stated = Stated { row: 2, id: settled.id, amounts: [Fen(1), Fen(2), Fen(3)] };
    let differences =
        vec![Difference::Unknown(stated), Difference::Missing(settled), Difference::Amounts(stated, settled)];
    let claim =
        |claim| ClaimPage::new(frame.clone(), &clinic.name, claim, content(), Purpose::Complaint).render().unwrap();
    vec![
        ("clinics-none".to_owned(), list(Vec::new(), &HashMap::new())),
        ("clinics-some".to_owned(), list(vec![clinic.clone()], &levels)),
        ("clinics-new".to_owned(), list(vec![clinic.clone()], &HashMap::new())),
        ("clinic-known".to_owned(), one(Some(Level::Tertiary), None)),
        ("clinic-new".to_owned(), one(None, Some(("level", "clinic-level-missing")))),
        ("clearing-running".to_owned(), month("2026-11", None, None)),
        ("clearing-open".to_owned(), month("2026-10", None, Some(("clear", "clearing-nothing")))),
        ("clearing-paid".to_owned(), month("2026-10", Some(paid), None)),
        ("clearing-bills".to_owned(), bills(&[settled, gone])),
        ("clearing-no-bills".to_owned(), bills(&[])),
        ("clearing-sheet".to_owned(), sheet(None)),
        ("clearing-agrees".to_owned(), sheet(Some(Compared::Differences(Vec::new())))),
        ("clearing-differs".to_owned(), sheet(Some(Compared::Differences(differences)))),
        ("clearing-rows".to_owned(), sheet(Some(Compared::Rows(vec![(3, RowWrong::Number), (4, RowWrong::Twice(2))])))),
        (
            "clearing-unusable".to_owned(),
            sheet(Some(Compared::Sheet(Unusable { key: "import-file-missing", at: String::new() }))),
        ),
        ("claim-settled".to_owned(), claim(&settled)),
        ("claim-taken-back".to_owned(), claim(&gone)),
        ("claim-waits".to_owned(), claim(&Claim { settled: None, ..settled })),
    ]
}

async fn clinic_in(office: &Office) -> OrganisationId {
    let (now, clinic) = (office.app.now(), OrganisationId(office.app.new_id()));
    let added = office.app.db.write::<_, DbError, _>(move |tx| {
        Box::pin(async move {
            tx.lock([Shard(0)]).await?;
            organisation::store::named(tx, now, clinic, "Invented Clinic 虚构医院").await?;
            organisation::store::describe(tx, now, clinic, Kind::Clinic, false).await
        })
    });
    added.await.unwrap();
    clinic
}

#[tokio::test]
async fn the_bureau_says_at_which_level_a_clinic_is_and_nobody_else_does() {
    let office = office().await;
    let clinic = clinic_in(&office).await;
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

#[tokio::test]
async fn a_bill_is_shown_to_an_officer_who_says_why_and_its_holder_sees_that() {
    let office = office().await;
    let (clinic, holder) = (clinic_in(&office).await, holder_in(&office.app.db).await);
    let claim = bill(holder, clinic, office.app.now());
    let sealed = content().seal(&*office.app.keys, claim.id, [7; 12]).unwrap();
    let put = office.app.db.write::<_, DbError, _>(move |tx| {
        Box::pin(async move {
            store::claim::put(tx, &claim, &sealed, &[]).await?;
            store::claim::settle(tx, claim.id, claim.settled.unwrap()).await
        })
    });
    put.await.unwrap();
    let token = office.staff("officer", StaffRole::BureauOfficer).await;
    let month = Month::of(office.app.today());
    let bills = format!("/clinics/{clinic}/months/{month}/bills");
    let listed = office.browse(Some(&token), &bills, None).await.page;
    let page = format!("/claims/{}", claim.id);
    assert!(listed.contains(&page) && !listed.contains(DISEASE) && !listed.contains(&holder.to_string()), "{listed}");
    let asked = office.browse(Some(&token), &page, None).await;
    assert!(asked.status == StatusCode::OK && !asked.page.contains(DISEASE), "{}", asked.page);
    let unsaid = office.browse(Some(&token), &page, Some("reason=")).await;
    assert!(unsaid.status == StatusCode::UNPROCESSABLE_ENTITY && !unsaid.page.contains(DISEASE));
    let looks = async || {
        let mut connection = office.app.db.read().await.unwrap();
        let reads = residence::store::reads(&mut connection, holder, 100).await.unwrap();
        reads.iter().filter(|read| read.3 == READ).count()
    };
    assert_eq!(looks().await, 0);
    let shown = office.browse(Some(&token), &page, Some("reason=complaint")).await.page;
    assert!(shown.contains(DISEASE) && shown.contains("S2018") && !shown.contains(&holder.to_string()), "{shown}");
    assert_eq!(looks().await, 1);
    for role in StaffRole::ALL.into_iter().filter(|role| !role.may(Permission::ReconcileContributions)) {
        let token = office.staff(&format!("of-{}", role.name()), role).await;
        for (path, form) in [(&page, None), (&page, Some("reason=complaint")), (&bills, None)] {
            let refused = office.browse(Some(&token), path, form).await;
            assert!(refused.status == StatusCode::FORBIDDEN && !refused.page.contains(DISEASE), "{role:?} {path}");
        }
    }
    assert_eq!(looks().await, 1, "who was refused has read nothing");
    let nowhere = format!("/claims/{}", ClaimId::new(Shard(0), [9; 16]));
    assert_eq!(office.browse(Some(&token), &nowhere, None).await.status, StatusCode::NOT_FOUND);
    let month = format!("/clinics/{clinic}/months/{month}");
    let running = office.browse(Some(&token), &month, Some("act=clear")).await;
    assert_eq!(running.status, StatusCode::UNPROCESSABLE_ENTITY, "a month that runs is not paid out");
}
