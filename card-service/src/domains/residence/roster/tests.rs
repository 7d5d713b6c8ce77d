//! Lists on a real database: who stands on one, what each read leaves behind, and that a list can be read back.

use axum::http::StatusCode;
use card_schema::date::Date;
use card_schema::ids::{HolderId, OrganisationId};
use proptest::prelude::*;

use super::model::{PEOPLE_MAX, Tie, Whom};
use super::{count, list, store};
use crate::db::DbError;
use crate::domains::residence::import::{sheet, workbook};
use crate::domains::residence::merge::{self, Reason};
use crate::domains::residence::model::{ChangeReason, Document, Facts, Field, Home};
use crate::domains::residence::{Correction, Registration, change, register, rules, store as persons, unregister};
use crate::http::Refusal;
use crate::people::{Purpose, Staff, StaffRole, organisation};
use crate::testing::{Office, office};

const FACTORY: &str = "测试电子（南）厂";
const WORKS: Whom = Whom { tie: Tie::Works, part: 0 };
const LIVES: Whom = Whom { tie: Tie::Lives, part: 0 };

fn person(number: u32) -> Facts {
    Facts::default()
        .with(Field::DocumentKind, "passport")
        .with(Field::DocumentNumber, format!("T{number:07}"))
        .with(Field::Name, format!("测试{number}"))
        .with(Field::Birth, "1990-03-07")
        .with(Field::Address, "测试路 1 号")
        .with(Field::AddressSince, "2026-03-01")
        .with(Field::Home, "employer")
}

struct Desk {
    office: Office,
    who: Staff,
}

impl Desk {
    async fn new() -> Self {
        let office = office().await;
        let who = office.member("supervisor", StaffRole::Supervisor).await;
        Self { office, who }
    }

    async fn register(&self, facts: Facts) -> HolderId {
        let checked = rules::check(&facts, self.office.app.today()).unwrap();
        register(&self.office.app, self.who.staff_id, Registration::of(checked)).await.unwrap()
    }

    async fn counts(&self) -> [u32; 2] {
        let of = async |tie| count(&self.office.app, FACTORY, tie).await.unwrap();
        [of(Tie::Works).await, of(Tie::Lives).await]
    }

    async fn listed(&self, whom: Whom) -> Vec<String> {
        let listed =
            list(&self.office.app, self.who.staff_id, Purpose::OrganisationCheck, FACTORY, whom).await.unwrap();
        listed.iter().map(|facts| facts.get(Field::Name).to_owned()).collect()
    }

    async fn change(&self, holder: HolderId, fields: &'static [Field], typed: Facts) {
        let (app, by) = (self.office.app.clone(), self.who.staff_id);
        let correction = Correction { fields, typed, reason: ChangeReason::Changed, cell: None, seen: 0 };
        let changed =
            self.office.app.db.write::<_, Refusal, _>(move |tx| {
                Box::pin(async move { change(&app, tx, by, holder, &correction).await })
            });
        changed.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn on_a_list_stands_whose_record_says_so_today_and_nobody_else() {
    let desk = Desk::new().await;
    let app = &desk.office.app;
    let works = person(1).with(Field::Occupation, "测试电子(南) 厂");
    let one = desk.register(works.clone()).await;
    let both = desk.register(person(2).with(Field::Occupation, FACTORY).with(Field::Host, FACTORY)).await;
    desk.register(person(3).with(Field::Occupation, "测试电器厂")).await;
    desk.register(person(4).with(Field::Host, FACTORY).with(Field::StayUntil, app.today().to_string())).await;
    assert_eq!(desk.counts().await, [2, 2]);
    // Whose stay is over is on no list, by the index alone.
    let name = super::rules::normal(FACTORY).unwrap();
    let mark = super::mark(&*app.keys, Tie::Lives, &name).unwrap();
    let later = Date::of_utc(app.today().start_utc().plus_seconds(86_400));
    let mut connection = app.db.read().await.unwrap();
    assert_eq!(store::count(&mut connection, mark, later).await.unwrap(), 1);
    drop(connection);
    let mut listed = desk.listed(WORKS).await;
    listed.sort_unstable();
    assert_eq!(listed, ["测试1", "测试2"]);
    let reads = persons::reads(&mut app.db.read().await.unwrap(), one, 100).await.unwrap();
    let known = rules::check(&works, app.today()).unwrap().iter().count();
    assert_eq!(reads.len(), known, "a line that its holder can see for each field");
    assert!(reads.iter().all(|(_, who, why, _)| who == "supervisor" && why == "organisation_check"));

    desk.change(one, &[Field::Occupation], Facts::default().with(Field::Occupation, "测试电器厂")).await;
    assert_eq!(desk.counts().await, [1, 2]);
    let (shared, by) = (app.clone(), desk.who.staff_id);
    let merged = app.db.write::<_, Refusal, _>(move |tx| {
        Box::pin(async move { merge::merge(&shared, tx, by, both, one, Reason::RegisteredTwice).await })
    });
    merged.await.unwrap();
    assert_eq!(desk.counts().await, [0, 1], "of two records of one person the kept one decides");
    let (shared, untouched) = (app.clone(), desk.register(person(5).with(Field::Occupation, FACTORY)).await);
    assert_eq!(desk.counts().await, [1, 1]);
    let gone =
        app.db.write::<_, Refusal, _>(move |tx| Box::pin(async move { unregister(&shared, tx, untouched).await }));
    assert!(gone.await.unwrap());
    assert_eq!((desk.counts().await, desk.listed(LIVES).await), ([0, 1], vec!["测试4".to_owned()]));
}

#[tokio::test]
async fn the_page_says_how_many_asks_why_and_gives_the_file() {
    let desk = Desk::new().await;
    let (office, now) = (&desk.office, desk.office.app.now());
    let [factory, other] = [0; 2].map(|_| OrganisationId(office.app.new_id()));
    let added = office.app.db.write::<_, DbError, _>(move |tx| {
        Box::pin(async move {
            for (id, name) in [(factory, FACTORY), (other, "测试空厂")] {
                organisation::store::named(tx, now, id, name).await?;
                organisation::store::describe(tx, now, id, organisation::Kind::Employer, false).await?;
            }
            Ok(())
        })
    });
    added.await.unwrap();
    let facts = person(1).with(Field::Occupation, FACTORY).with(Field::Phone, "+442079460000");
    desk.register(facts).await;
    let (session, page) = (office.session(&desk.who).await, format!("/rosters/{factory}"));
    let browse = async |path: &str, form: Option<&str>| office.browse(Some(&session), path, form).await;
    assert!(browse("/rosters", None).await.page.contains(&page));
    assert!(browse(&page, None).await.page.contains("Who works or studies there: 1<"));
    assert!(browse(&format!("/rosters/{other}"), None).await.page.contains("There is nobody to list"));
    for (form, wrong) in [
        ("given=organisation_check&format=csv", "href=\"#whom-works-1\""),
        ("whom=lives-1&given=organisation_check&format=csv", "href=\"#whom-works-1\""),
        ("whom=works-2&given=organisation_check&format=csv", "href=\"#whom-works-1\""),
        ("whom=works-1&given=registration&format=csv", "href=\"#given-organisation_check\""),
        ("whom=works-1&given=organisation_check&format=pdf", "href=\"#format-xlsx\""),
    ] {
        let shown = browse(&page, Some(form)).await;
        assert_eq!(shown.status, StatusCode::UNPROCESSABLE_ENTITY, "{form}");
        assert!(shown.page.contains(wrong) && !shown.page.contains("测试1"), "{form}: {}", shown.page);
    }
    let form = "whom=works-1&given=organisation_permits&format=csv";
    let given = browse(&page, Some(form)).await;
    assert_eq!(given.status, StatusCode::OK);
    assert!(given.page.contains("测试1,,1990-03-07,'+442079460000"), "{}", given.page);
    // A clerk gives nobody a list.
    let clerk = office.session(&office.member("clerk", StaffRole::Clerk).await).await;
    assert_eq!(office.browse(Some(&clerk), &page, Some(form)).await.status, StatusCode::FORBIDDEN);
    let closed = office.app.db.write::<_, DbError, _>(move |tx| {
        let kind = organisation::Kind::Employer;
        Box::pin(async move { organisation::store::describe(tx, now, factory, kind, true).await })
    });
    closed.await.unwrap();
    let refused = browse(&page, Some(form)).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.page.contains("The organisation is closed") && !refused.page.contains("测试1"));
}

/// Anything that a person may be registered with.
fn facts() -> impl Strategy<Value = Facts> {
    let line = || "[=+@'＝－\"a-zé测试,;\\-\u{3000} ]{0,12}";
    let name = "[=+@'＝\"a-zé测试䶮,;\\-]{1,12}";
    let home = prop::sample::select(Home::ALL.map(Home::name).to_vec());
    let document = prop_oneof![
        "[A-Z0-9]{5,20}".prop_map(|number| (Document::Passport, number)),
        "[0-9]{8}".prop_map(|number| (Document::TaiwanTravelPermit, number)),
        "[HM][0-9]{8}".prop_map(|number| (Document::HongKongMacaoTravelPermit, number)),
        Just((Document::ResidentIdentityCard, "110000199001010013".to_owned())),
    ];
    let phone = prop_oneof![Just(String::new()), "1[0-9]{10}", "0[1-9][0-9]{9}", "\\+44[0-9]{9}"];
    let region = prop::sample::select(vec!["", "110103", "340104"]);
    (document, name, phone, region, [line(), line(), line()], name, home).prop_map(
        |((kind, number), name, phone, region, [occupation, room, host], address, home)| {
            let birth = if kind == Document::ResidentIdentityCard { "1990-01-01" } else { "1985-02-28" };
            Facts::default()
                .with(Field::DocumentKind, kind.name())
                .with(Field::DocumentNumber, number)
                .with(Field::Name, name)
                .with(Field::Birth, birth)
                .with(Field::Phone, phone)
                .with(Field::HouseholdRegion, region)
                .with(Field::Occupation, occupation)
                .with(Field::Address, address)
                .with(Field::Room, room)
                .with(Field::AddressSince, "2026-03-01")
                .with(Field::Home, home)
                .with(Field::Host, host)
                .with(Field::CitySince, "2025-12-31")
                .with(Field::StayUntil, "2027-01-01")
        },
    )
}

proptest! {
    #[test]
    fn what_is_given_away_is_read_back_without_a_row_that_is_wrong(people in prop::collection::vec(facts(), 1..6)) {
        let today = Date::new(2026, 11, 28).unwrap();
        let people: Vec<_> = people.iter().map(|facts| rules::check(facts, today)).collect::<Result<_, _>>().unwrap();
        for file in [workbook::people(&people).unwrap(), workbook::separated(&people)] {
            let lines = sheet::read(&file).unwrap();
            let read: Vec<_> = lines.iter().map(|(_, typed)| rules::check(typed, today).unwrap()).collect();
            prop_assert!(read == people, "{:?}", String::from_utf8_lossy(&file));
        }
    }
}

#[test]
fn as_many_as_stand_on_a_list_are_read_back() {
    let today = Date::new(2026, 11, 28).unwrap();
    let people: Vec<_> = (0..PEOPLE_MAX).map(|number| rules::check(&person(number), today).unwrap()).collect();
    for file in [workbook::people(&people).unwrap(), workbook::separated(&people)] {
        assert_eq!(sheet::read(&file).unwrap().len(), people.len());
    }
}
