//! Two administrators at the pages.

use axum::http::StatusCode;

use crate::db::query;
use crate::people::StaffRole;
use crate::people::member::model::State;
use crate::people::member::tests::{find, on_page, secrets, send};
use crate::testing::{Office, PASSWORD, office};

const DONE: StatusCode = StatusCode::SEE_OTHER;
const WRONG: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;

async fn states(office: &Office) -> Vec<String> {
    let mut connection = office.app.db.read().await.unwrap();
    query("SELECT state FROM approval ORDER BY asked_at, approval_id").scalars(&mut connection).await.unwrap()
}

async fn page_of(office: &Office, name: &str) -> String {
    format!("/staff/{}", find(office, name).await.staff.staff_id.0)
}

#[tokio::test]
async fn a_role_that_one_administrator_gives_is_given_when_another_agrees() {
    let office = office().await;
    let one = office.staff("one", StaffRole::Administrator).await;
    let other = office.staff("other", StaffRole::Administrator).await;
    let clerk = office.member("clerk", StaffRole::Clerk).await;
    let (page, ask) = (page_of(&office, "clerk").await, Some("act=role&role=supervisor"));
    let (status, request, _) = on_page(&office, &one, &page, ask).await;
    assert_eq!(status, DONE);
    assert!(request.starts_with("/approvals/"), "{request}");
    assert_eq!(find(&office, "clerk").await.staff.role, StaffRole::Clerk);
    assert_eq!(on_page(&office, &one, &page, ask).await.0, WRONG, "it waits already");
    assert!(send(&office, &other, "/", None).await.2.contains("class=\"count\">1<"));
    assert!(!send(&office, &one, "/", None).await.2.contains("class=\"count\""));
    assert!(send(&office, &other, "/approvals", None).await.2.contains(&request));

    assert_eq!(send(&office, &one, &request, Some("act=approve")).await.0, WRONG);
    assert_eq!(send(&office, &other, &request, Some("act=refuse")).await.0, WRONG, "without a reason");
    let typed = send(&office, &other, &request, Some("act=refuse&reason=something+about+somebody")).await;
    assert!(typed.0 == WRONG && !typed.2.contains("something about somebody"), "it is none of the list: {}", typed.2);
    let session = office.session(&clerk).await;
    assert_eq!(send(&office, &other, &request, Some("act=approve")).await.0, DONE);
    assert_eq!(find(&office, "clerk").await.staff.role, StaffRole::Supervisor);
    let (status, _) = office.public("GET", "/v1/terminals", Some(&session), None).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "the old role's sessions end");
    assert_eq!(send(&office, &other, &request, Some("act=approve")).await.0, WRONG, "once");
    assert_eq!(states(&office).await, ["approved"]);

    // What takes power away waits for nobody.
    assert_eq!(on_page(&office, &one, &page, Some("act=role&role=clerk")).await.1, page);
    assert_eq!(find(&office, "clerk").await.staff.role, StaffRole::Clerk);
    for (by, act, then) in [(&other, "act=refuse&reason=unneeded", "refused"), (&one, "act=withdraw", "withdrawn")] {
        let (_, request, _) = on_page(&office, &one, &page, ask).await;
        assert_eq!(send(&office, by, &request, Some(act)).await.0, DONE);
        let shown = send(&office, &one, &request, None).await.2;
        assert_eq!(shown.contains("Nobody needs it"), then == "refused", "{shown}");
        assert_eq!(states(&office).await.last().unwrap(), then);
        assert_eq!(find(&office, "clerk").await.staff.role, StaffRole::Clerk);
    }
}

#[tokio::test]
async fn whoever_is_added_with_more_than_a_clerks_role_signs_in_when_another_has_agreed() {
    let office = office().await;
    let one = office.staff("one", StaffRole::Administrator).await;
    let other = office.staff("other", StaffRole::Administrator).await;
    let (_, _, page) = send(&office, &one, "/staff/new", Some("name=new&role=operator")).await;
    let first = secrets(&page).remove(0);
    assert_eq!(find(&office, "new").await.post.state, State::Waiting);
    let body = serde_json::json!({"name": "new", "password": first});
    let sign_in = async || office.public("POST", "/v1/sessions", None, Some(body.clone())).await.0;
    assert_eq!(sign_in().await, StatusCode::UNAUTHORIZED);
    let page = page_of(&office, "new").await;
    assert_eq!(on_page(&office, &one, &page, Some("act=admit")).await.0, WRONG, "it waits already");
    let list = send(&office, &other, "/approvals", None).await.2;
    let at = list.find("/approvals/").unwrap();
    let request = list[at..].split('"').next().unwrap().to_owned();
    assert_eq!(send(&office, &other, &request, Some("act=refuse&reason=unneeded")).await.0, DONE);
    let (_, request, _) = on_page(&office, &one, &page, Some("act=admit")).await;
    assert_eq!(send(&office, &other, &request, Some("act=approve")).await.0, DONE);
    assert_eq!(sign_in().await, StatusCode::CREATED);
}

#[tokio::test]
async fn an_administrator_who_is_alone_decides_alone_and_that_is_recorded() {
    let office = office().await;
    let one = office.staff("one", StaffRole::Administrator).await;
    assert_eq!(send(&office, &one, "/staff/new", Some("name=a&role=clerk")).await.0, StatusCode::OK);
    assert!(states(&office).await.is_empty(), "a clerk takes one");
    assert_eq!(send(&office, &one, "/staff/new", Some("name=b&role=administrator")).await.0, StatusCode::OK);
    assert_eq!(send(&office, &one, "/staff/new", Some("name=c&role=auditor")).await.0, StatusCode::OK);
    assert_eq!(states(&office).await, ["alone", "alone"]);
    assert_eq!(find(&office, "c").await.post.state, State::Working);
}

#[tokio::test]
async fn somebody_whose_password_was_given_by_whoever_asks_does_not_count_as_another() {
    let office = office().await;
    let one = office.staff("one", StaffRole::Administrator).await;
    office.staff("other", StaffRole::Administrator).await;
    office.member("clerk", StaffRole::Clerk).await;
    let (_, _, shown) =
        on_page(&office, &one, &format!("{}/sign-in", page_of(&office, "other").await), Some("act=password")).await;
    let given = secrets(&shown).remove(0);
    // The password alone does not let anybody in, but the second factor may have been reset as well.
    let body = serde_json::json!({"name": "other", "password": given, "code": office.code(1)});
    let (_, session) = office.public("POST", "/v1/sessions", None, Some(body)).await;
    let other = session["token"].as_str().unwrap().to_owned();
    let chosen = format!("new={PASSWORD} again&repeated={PASSWORD} again").replace(' ', "+");
    assert_eq!(send(&office, &other, "/account/password", Some(&chosen)).await.0, DONE);
    let ask = Some("act=role&role=supervisor");
    let page = page_of(&office, "clerk").await;
    let (_, request, _) = on_page(&office, &one, &page, ask).await;
    let (status, _, shown) = send(&office, &other, &request, Some("act=approve")).await;
    assert_eq!(status, WRONG);
    assert!(shown.contains("do not count as two"), "{shown}");
    // Nor the other way round.
    assert_eq!(send(&office, &one, &request, Some("act=withdraw")).await.0, DONE);
    let (_, request, _) = on_page(&office, &other, &page, ask).await;
    assert_eq!(send(&office, &one, &request, Some("act=approve")).await.0, WRONG);
    assert_eq!(find(&office, "clerk").await.staff.role, StaffRole::Clerk);
}
