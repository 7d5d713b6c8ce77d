//! Permits through the routes, on a real database: who may do what, what is refused and how, what is left behind.

use axum::http::StatusCode;
use card_schema::date::Date;
use card_schema::ids::HolderId;
use card_schema::wire::ProblemType;

use super::super::{Registration, register};
use super::model::{Act, Permit, Proof, Stage, Standing};
use super::rules::Clock;
use super::store::Pending;
use super::{Wish, act, store};
use crate::db::{DbError, Engine, Statement, query, recorder};
use crate::domains::residence::model::{Facts, Field};
use crate::domains::residence::store::reads;
use crate::http::Refusal;
use crate::people::{Staff, StaffRole};
use crate::testing::{Office, office};

/// A station with somebody of each role that serves holders.
struct Station {
    office: Office,
    clerk: Staff,
    supervisor: Staff,
}

impl Station {
    async fn new() -> Self {
        let office = office().await;
        let clerk = office.member("clerk", StaffRole::Clerk).await;
        let supervisor = office.member("supervisor", StaffRole::Supervisor).await;
        Self { office, clerk, supervisor }
    }

    /// Somebody who has lived in the city since a day; where that is nothing, nobody knows since when.
    async fn newcomer(&self, city_since: &str) -> HolderId {
        let facts = Facts::default()
            .with(Field::DocumentKind, "passport")
            .with(Field::DocumentNumber, format!("T{}", self.office.app.new_id().simple()))
            .with(Field::Name, "测试甲")
            .with(Field::Address, "测试证路 1 号")
            .with(Field::CitySince, city_since);
        register(&self.office.app, self.clerk.staff_id, Registration::of(facts)).await.unwrap()
    }

    async fn ask(&self, who: &Staff, method: &str, path: &str, body: &str) -> (StatusCode, String) {
        let token = self.office.session(who).await;
        let shown = self.office.browse(Some(&token), path, (method == "POST").then_some(body)).await;
        (shown.status, shown.page)
    }

    /// Sends the form of an act: the status, and what the page says is wrong.
    async fn act(&self, who: &Staff, holder: HolderId, form: &str) -> (StatusCode, String) {
        self.ask(who, "POST", &format!("/holders/{holder}/permit"), form).await
    }

    async fn permit(&self, holder: HolderId) -> Option<Permit> {
        store::current(&mut self.office.app.db.read().await.unwrap(), holder).await.unwrap()
    }

    /// What the holder sees of who read what.
    async fn reads(&self, holder: HolderId) -> Vec<String> {
        let rows = reads(&mut self.office.app.db.read().await.unwrap(), holder, 100).await.unwrap();
        rows.into_iter().map(|(_, staff, purpose, field)| format!("{staff} {purpose} {field}")).collect()
    }

    async fn written(&self, statement: Statement) {
        let db = &self.office.app.db;
        db.write::<_, DbError, _>(move |tx| Box::pin(async move { statement.execute(tx.conn()).await.map(drop) }))
            .await
            .unwrap();
    }

    /// Moves the term of a permit, as if time had passed.
    async fn ends(&self, holder: HolderId, until: Date) {
        let change = query("UPDATE permit SET valid_until = $1 WHERE holder_id = $2");
        self.written(change.bind(until.start_utc().0).bind(holder)).await;
    }
}

const DONE: StatusCode = StatusCode::SEE_OTHER;
const WRONG: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;

#[tokio::test]
async fn a_permit_is_applied_for_decided_handed_over_and_ended() {
    let station = Station::new().await;
    let (clerk, supervisor) = (&station.clerk, &station.supervisor);
    let holder = station.newcomer("2020-01-01").await;
    let (status, page) = station.act(clerk, holder, "act=apply").await;
    assert_eq!(status, WRONG);
    assert!(page.contains("Choose what the person shows"), "{page}");
    assert_eq!(station.act(clerk, holder, "act=apply&proof=lease").await.0, DONE);
    assert_eq!(station.reads(holder).await, ["clerk permit city_since"]);

    // The clerk who took the application does not decide about it.
    for decision in ["act=grant", "act=refuse&reason=lives_elsewhere", "act=cancel&reason=left_city"] {
        assert_eq!(station.act(clerk, holder, decision).await.0, StatusCode::FORBIDDEN, "{decision}");
    }
    let (_, before) = station.ask(supervisor, "GET", &format!("/holders/{holder}/permit"), "").await;
    assert!(!before.contains("测试证路") && !before.contains("Tenancy agreement</dd>"), "{before}");
    assert!(!before.contains("value=\"grant\""), "nobody decides without having looked");
    let (status, opened) = station.ask(supervisor, "POST", &format!("/holders/{holder}/permit/application"), "").await;
    assert_eq!(status, StatusCode::OK);
    for shown in ["测试证路 1 号", "Tenancy agreement", "2020-01-01", "value=\"grant\""] {
        assert!(opened.contains(shown), "{shown}: {opened}");
    }
    let reads = station.reads(holder).await;
    assert_eq!(
        reads[..3],
        ["supervisor permit permit_proof", "supervisor permit city_since", "supervisor permit address"]
    );

    assert_eq!(station.act(supervisor, holder, "act=refuse").await.0, WRONG);
    assert_eq!(station.act(supervisor, holder, "act=grant").await.0, DONE);
    assert_eq!(station.act(clerk, holder, "act=issue").await.0, DONE);
    let permit = station.permit(holder).await.unwrap();
    assert_eq!((permit.stage, permit.counts_from), (Stage::Issued, Some(station.office.app.today())));
    let (status, page) = station.act(clerk, holder, "act=endorse&proof=lease").await;
    assert_eq!(status, WRONG);
    assert!(page.contains("can be endorsed from"), "{page}");
    assert_eq!(station.act(supervisor, holder, "act=cancel&reason=left_city").await.0, DONE);
    assert_eq!(station.permit(holder).await.unwrap().stage, Stage::Cancelled);
    assert_eq!(station.act(clerk, holder, "act=apply&proof=lease").await.0, DONE, "and may come back");
}

#[tokio::test]
async fn a_missed_endorsement_is_made_up_for() {
    let station = Station::new().await;
    let holder = station.newcomer("2020-01-01").await;
    for (who, form) in [
        (&station.clerk, "act=apply&proof=labour_contract"),
        (&station.supervisor, "act=grant"),
        (&station.clerk, "act=issue"),
    ] {
        assert_eq!(station.act(who, holder, form).await.0, DONE, "{form}");
    }
    let long_ago = Date::new(2026, 1, 1).unwrap();
    station.ends(holder, long_ago).await;
    let (_, desk) = station.ask(&station.clerk, "GET", "/permits", "").await;
    assert!(desk.contains(&format!("/holders/{holder}/permit")) && desk.contains("2026-01-01"), "{desk}");
    assert!(!desk.contains("测试"), "the list names nobody: {desk}");
    let (_, page) = station.ask(&station.clerk, "GET", &format!("/holders/{holder}/permit"), "").await;
    assert!(page.contains("Suspended: endorsement missed"), "{page}");
    assert_eq!(station.act(&station.clerk, holder, "act=endorse&proof=employer_letter").await.0, DONE);
    let (permit, today) = (station.permit(holder).await.unwrap(), station.office.app.today());
    assert_eq!(Clock::on(today).standing(&permit), Standing::InForce);
    assert_eq!(permit.counts_from, Some(today), "the years count anew");
}

#[tokio::test]
async fn whoever_came_half_a_year_ago_at_most_is_told_the_day() {
    let station = Station::new().await;
    let today = station.office.app.today();
    let holder = station.newcomer(&today.to_string()).await;
    let (status, page) = station.act(&station.clerk, holder, "act=apply&proof=lease").await;
    assert_eq!(status, WRONG);
    assert!(page.contains("has not lived in the city for half a year"), "{page}");
    assert_eq!(station.permit(holder).await, None);
    assert_eq!(station.reads(holder).await, ["clerk permit city_since"], "what the answer rests on was read");
    let unknown = station.newcomer("").await;
    let (status, page) = station.act(&station.clerk, unknown, "act=apply&proof=lease").await;
    assert_eq!(status, WRONG);
    assert!(page.contains("is not on record"), "{page}");
    let nobody = HolderId::new(card_schema::ids::Shard(0), [9; 16]);
    assert_eq!(station.act(&station.clerk, nobody, "act=apply&proof=lease").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn whoever_comes_second_is_told_that_it_is_done() {
    let station = Station::new().await;
    let holder = station.newcomer("2020-01-01").await;
    let (app, by) = (station.office.app.clone(), station.clerk.staff_id);
    let apply = async || {
        let app = app.clone();
        let wish = Wish { act: Act::Apply, proof: Some(Proof::Lease), reason: None };
        let written = app.clone();
        let done =
            app.db.write::<_, Refusal, _>(move |tx| Box::pin(async move { act(&written, tx, by, holder, wish).await }));
        done.await.unwrap()
    };
    let both = tokio::join!(apply(), apply());
    let mut outcomes = [both.0, both.1].map(|outcome| outcome.map_err(|not_now| not_now.key));
    outcomes.sort();
    assert_eq!(outcomes, [Ok(()), Err("permit-not-now")]);
}

#[tokio::test]
async fn what_was_shown_is_not_stored_in_clear_and_a_row_moved_elsewhere_does_not_open() {
    let station = Station::new().await;
    let [one, other] = [station.newcomer("2020-01-01").await, station.newcomer("2020-01-01").await];
    for holder in [one, other] {
        assert_eq!(station.act(&station.clerk, holder, "act=apply&proof=business_licence").await.0, DONE);
    }
    let contents = station.office.scratch.contents().await;
    assert!(!contents.windows(16).any(|window| window == b"business_licence"));
    let open = async |holder: HolderId| {
        let (app, by) = (station.office.app.clone(), station.supervisor.staff_id);
        let permit = station.permit(holder).await.unwrap();
        let opened = station.office.app.db.write::<_, Refusal, _>(move |tx| {
            Box::pin(async move { super::open(&app, tx, by, holder, &permit).await })
        });
        opened.await.map(|application| application.proof)
    };
    assert_eq!(open(one).await.unwrap(), Some(Proof::BusinessLicence), "the positive control");
    let moved =
        query("UPDATE permit_act SET proof = (SELECT proof FROM permit_act WHERE holder_id = $1) WHERE holder_id = $2");
    station.written(moved.bind(one).bind(other)).await;
    assert_eq!(open(other).await.unwrap_err().kind(), ProblemType::Internal);
}

#[tokio::test]
async fn no_list_of_permits_sorts_all_that_stand_in_one_stage() {
    let office = office().await;
    let db = &office.scratch.db;
    if db.engine() != Engine::Sqlite {
        return;
    }
    let mut connection = db.read().await.unwrap();
    let day = Date::new(2026, 11, 28).unwrap();
    let lists = [Pending::Decisions, Pending::Handovers, Pending::Ending(day, day), Pending::Ended(day)];
    recorder::begin();
    for list in lists {
        store::pending(&mut connection, list, 41).await.unwrap();
    }
    let sorts = |steps: &[String]| steps.iter().any(|step| step.ends_with("TEMP B-TREE FOR ORDER BY"));
    let statements: Vec<_> = recorder::end().into_iter().filter(|one| one.text.contains("FROM permit WHERE")).collect();
    assert_eq!(statements.len(), lists.len());
    for recorded in statements {
        // Of one day they are sorted: the last term alone.
        let steps = recorded.statement.unwrap().plan(&mut connection).await.unwrap();
        assert!(!sorts(&steps), "{}: {steps:?}", recorded.text);
    }
    let planted = query("SELECT permit_id FROM permit WHERE stage = $1 ORDER BY applied").bind("applied");
    assert!(sorts(&planted.plan(&mut connection).await.unwrap()));
}
