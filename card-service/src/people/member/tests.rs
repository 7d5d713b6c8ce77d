//! What an administrator does about staff, through the pages.

use axum::http::StatusCode;
use serde_json::json;

use super::model::{Member, State};
use super::store;
use crate::people::{StaffRole, store as sessions};
use crate::testing::{Office, office};

/// Sends a form to a page: the status, where it leads, and the page.
pub(crate) async fn send(office: &Office, token: &str, path: &str, form: Option<&str>) -> (StatusCode, String, String) {
    let shown = office.browse(Some(token), path, form).await;
    (shown.status, shown.leads_to, shown.page)
}

/// Does something on the page of a member of staff, which says what was known when it was opened.
pub(crate) async fn on_page(
    office: &Office,
    token: &str,
    page: &str,
    form: Option<&str>,
) -> (StatusCode, String, String) {
    let opened = send(office, token, page, None).await.2;
    let form = form.map(|form| format!("{form}&seen={}", seen(&opened)));
    send(office, token, page, form.as_deref()).await
}

/// The newest deed of which a page knows.
fn seen(page: &str) -> &str {
    let (_, after) = page.split_once("name=\"seen\" value=\"").expect("the page says what it knows of");
    after.split('"').next().unwrap()
}

pub(crate) async fn find(office: &Office, name: &str) -> Member {
    let all = store::all(&mut office.app.db.read().await.unwrap()).await.unwrap();
    all.into_iter().find(|member| member.staff.name == name).unwrap_or_else(|| panic!("no {name}"))
}

/// What stands on a page that is shown once.
pub(crate) fn secrets(page: &str) -> Vec<String> {
    let (_, list) = page.split_once("id=\"once\"").expect("something is shown once");
    let (list, _) = list.split_once("</ul>").unwrap();
    list.split("<code class=\"big\">").skip(1).map(|rest| rest.split_once('<').unwrap().0.to_owned()).collect()
}

async fn sign_in(office: &Office, name: &str, password: &str) -> (StatusCode, String) {
    let body = json!({"name": name, "password": password});
    let (status, reply) = office.public("POST", "/v1/sessions", None, Some(body)).await;
    (status, reply["token"].as_str().or(reply["detail"].as_str()).unwrap_or_default().to_owned())
}

const DONE: StatusCode = StatusCode::SEE_OTHER;
const WRONG: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;

#[tokio::test]
async fn a_clerk_is_added_and_does_nothing_before_choosing_a_password() {
    let office = office().await;
    let admin = office.staff("admin", StaffRole::Administrator).await;
    assert_eq!(send(&office, &admin, "/staff/new", Some("name=anna")).await.0, WRONG, "a role is missing");
    let (status, _, page) = send(&office, &admin, "/staff/new", Some("name=anna&role=clerk")).await;
    assert_eq!(status, StatusCode::OK);
    let first = secrets(&page).remove(0);
    let taken = send(&office, &admin, "/staff/new", Some("name=anna&role=clerk")).await;
    assert_eq!(taken.0, WRONG);
    let page = format!("/staff/{}/sign-in", find(&office, "anna").await.staff.staff_id.0);
    assert!(send(&office, &admin, &page, None).await.2.contains("Never yet"));

    let (status, anna) = sign_in(&office, "anna", &first).await;
    assert_eq!(status, StatusCode::CREATED);
    let (status, problem) = office.public("GET", "/v1/terminals", Some(&anna), None).await;
    assert_eq!((status, &problem["detail"]), (StatusCode::FORBIDDEN, &json!("Choose a password of your own first")));
    let (status, location, _) = send(&office, &anna, "/find", None).await;
    assert_eq!((status, location.as_str()), (DONE, "/account/password"));

    let choose = async |form: &str| send(&office, &anna, "/account/password", Some(form)).await.0;
    assert_eq!(choose("new=short&repeated=short").await, WRONG);
    assert_eq!(choose("new=correct horse battery&repeated=correct horse batterz").await, WRONG);
    assert_eq!(choose(&format!("new={first}&repeated={first}")).await, WRONG, "somebody else has seen it");
    let (_, elsewhere) = sign_in(&office, "anna", &first).await;
    assert_eq!(choose("new=correct horse battery&repeated=correct horse battery").await, DONE);
    assert_eq!(send(&office, &anna, "/find", None).await.0, StatusCode::OK, "this session goes on");
    assert_eq!(office.public("GET", "/v1/terminals", Some(&elsewhere), None).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(sign_in(&office, "anna", &first).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(sign_in(&office, "anna", "correct horse battery").await.0, StatusCode::CREATED);
    assert!(!send(&office, &admin, &page, None).await.2.contains("Never yet"));

    // From now on the present one is asked for.
    let again = "new=another correct horse&repeated=another correct horse";
    assert_eq!(choose(again).await, WRONG);
    assert_eq!(choose(&format!("present=correct horse battery&{again}")).await, DONE);
}

#[tokio::test]
async fn whoever_is_suspended_changed_or_signed_out_by_an_administrator_is_so_at_once() {
    let office = office().await;
    let admin = office.staff("admin", StaffRole::Administrator).await;
    let clerk = office.member("clerk", StaffRole::Clerk).await;
    let page = format!("/staff/{}", clerk.staff_id.0);
    let sign_in_page = format!("{page}/sign-in");
    for (page, form, then) in [
        (&sign_in_page, "act=sign_out", State::Working),
        (&page, "act=role&role=auditor", State::Working),
        (&page, "act=suspend", State::Suspended),
        (&page, "act=resume", State::Working),
        (&page, "act=role&role=clerk", State::Working),
    ] {
        let session = office.session(&clerk).await;
        assert_eq!(on_page(&office, &admin, page, Some(form)).await.0, DONE, "{form}");
        let (status, _) = office.public("GET", "/v1/terminals", Some(&session), None).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{form}");
        assert_eq!(find(&office, "clerk").await.post.state, then, "{form}");
        let signed_in = sign_in(&office, "clerk", crate::testing::PASSWORD).await;
        match then {
            State::Working => assert_eq!(signed_in.0, StatusCode::CREATED, "{form}"),
            State::Waiting | State::Suspended => assert!(signed_in.1.contains("suspended"), "{signed_in:?}"),
        }
    }
    let (status, _, shown) = on_page(&office, &admin, &sign_in_page, Some("act=password")).await;
    assert_eq!(status, StatusCode::OK);
    let given = secrets(&shown).remove(0);
    assert_eq!(sign_in(&office, "clerk", crate::testing::PASSWORD).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(sign_in(&office, "clerk", &given).await.0, StatusCode::CREATED);
    assert_eq!(
        find(&office, "clerk").await.post.reset.map(|(by, _)| by),
        Some(find(&office, "admin").await.staff.staff_id)
    );
}

#[tokio::test]
async fn nobody_puts_themselves_out_of_the_office() {
    let office = office().await;
    let admin = office.staff("admin", StaffRole::Administrator).await;
    let own = format!("/staff/{}", find(&office, "admin").await.staff.staff_id.0);
    for form in ["act=suspend", "act=role&role=clerk"] {
        assert_eq!(on_page(&office, &admin, &own, Some(form)).await.0, WRONG, "{form}");
    }
    let sign_in_page = format!("{own}/sign-in");
    assert_eq!(on_page(&office, &admin, &sign_in_page, Some("act=password")).await.0, WRONG);
    assert_eq!(find(&office, "admin").await.post.state, State::Working);
}

#[tokio::test]
async fn everybody_works_where_their_role_is_at_work_and_nowhere_else() {
    let office = office().await;
    let admin = office.staff("admin", StaffRole::Administrator).await;
    for form in ["name=Station&kind=station", "name=Shop&kind=merchant", "name=Factory&kind=employer"] {
        assert_eq!(send(&office, &admin, "/organisations/new", Some(form)).await.0, DONE);
    }
    let mut connection = office.app.db.read().await.unwrap();
    let all = crate::people::organisation::store::all(&mut connection).await.unwrap();
    drop(connection);
    let id = |name: &str| all.iter().find(|one| one.organisation.name == name).unwrap().organisation.organisation_id;
    let at = |name: &str| format!("name=clerk&role=clerk&station={}", id(name));
    assert_eq!(send(&office, &admin, "/staff/new", Some(&at("Shop"))).await.0, WRONG);
    assert_eq!(send(&office, &admin, "/staff/new", Some(&at("Station"))).await.0, StatusCode::OK);
    let clerk = find(&office, "clerk").await;
    assert_eq!(clerk.station.as_deref(), Some("Station"));
    let page = format!("/staff/{}", clerk.staff.staff_id.0);
    let moved = format!("act=move&station={}", id("Shop"));
    assert_eq!(on_page(&office, &admin, &page, Some(&moved)).await.0, WRONG);
    assert_eq!(on_page(&office, &admin, &page, Some("act=move&station=none")).await.0, DONE);
    assert_eq!(find(&office, "clerk").await.station, None);

    // Whoever files works for an employer, and for none when they become a clerk.
    let filer = |name: &str| format!("name=filer&role=filer&station={}", id(name));
    assert_eq!(send(&office, &admin, "/staff/new", Some(&filer("Station"))).await.0, WRONG);
    assert_eq!(send(&office, &admin, "/staff/new", Some(&filer("Factory"))).await.0, StatusCode::OK);
    let filer = find(&office, "filer").await;
    assert_eq!(filer.station.as_deref(), Some("Factory"));
    let page = format!("/staff/{}", filer.staff.staff_id.0);
    assert_eq!(on_page(&office, &admin, &page, Some("act=role&role=clerk")).await.0, DONE);
    assert_eq!(find(&office, "filer").await.station, None);
}

#[tokio::test]
async fn a_session_that_is_begun_while_its_owner_is_suspended_lets_nobody_in() {
    let office = office().await;
    let admin = office.staff("admin", StaffRole::Administrator).await;
    let clerk = office.member("clerk", StaffRole::Clerk).await;
    let page = format!("/staff/{}", clerk.staff_id.0);
    assert_eq!(on_page(&office, &admin, &page, Some("act=suspend")).await.0, DONE);
    // As if the password had been checked just before.
    let session = office.session(&clerk).await;
    let (status, _) = office.public("GET", "/v1/terminals", Some(&session), None).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let mut connection = office.app.db.read().await.unwrap();
    assert!(sessions::by_name(&mut connection, "clerk").await.unwrap().is_some_and(|(_, _, works)| !works));
}

#[tokio::test]
async fn of_two_who_change_a_member_at_once_the_second_is_told_what_the_first_did_and_loses_nothing() {
    let office = office().await;
    let one = office.staff("one", StaffRole::Administrator).await;
    let other = office.staff("other", StaffRole::Administrator).await;
    let clerk = office.member("clerk", StaffRole::Supervisor).await;
    let page = format!("/staff/{}", clerk.staff_id.0);
    let opened = send(&office, &other, &page, None).await.2;
    assert_eq!(on_page(&office, &one, &page, Some("act=role&role=clerk")).await.0, DONE);
    let late = format!("act=role&role=operator&seen={}", seen(&opened));
    let (status, _, told) = send(&office, &other, &page, Some(&late)).await;
    assert_eq!(status, StatusCode::CONFLICT);
    for said in ["one did something with this member on ", "Another role, Clerk", "href=\"#role\""] {
        assert!(told.contains(said), "{said}: {told}");
    }
    assert_eq!(find(&office, "clerk").await.staff.role, StaffRole::Clerk, "what the first did stands");
    let chosen = told.split("<input").find(|input| input.contains("value=\"operator\"")).unwrap();
    assert!(chosen.contains(" checked"), "what the second chose stays chosen: {told}");

    // Whoever sends it once more means it, having read what was done.
    let suspends = format!("act=suspend&seen={}", seen(&told));
    assert_eq!(send(&office, &other, &page, Some(&suspends)).await.0, DONE);
    assert_eq!(find(&office, "clerk").await.post.state, State::Suspended);
    // What a program or an old page does not say, it did not know.
    let sign_in_page = format!("{page}/sign-in");
    assert_eq!(send(&office, &one, &sign_in_page, Some("act=sign_out")).await.0, StatusCode::CONFLICT);
    // A page does what it is about.
    assert_eq!(send(&office, &one, &page, Some("act=sign_out")).await.0, StatusCode::BAD_REQUEST);
    let shown = send(&office, &one, &page, None).await.2;
    for said in ["<dt>Suspended</dt>", "<dt>Another role</dt>", ", one, Clerk"] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
}

#[tokio::test]
async fn whoever_works_at_a_station_is_offered_its_readers_and_whoever_works_at_none_all_of_them() {
    let office = office().await;
    let admin = office.staff("admin", StaffRole::Administrator).await;
    let clerk = office.member("clerk", StaffRole::Clerk).await;
    for station in ["East", "West", "North"] {
        let form = format!("name={station}&kind=station");
        assert_eq!(send(&office, &admin, "/organisations/new", Some(&form)).await.0, DONE);
    }
    for (reader, station) in [("Reader One", "East"), ("Reader Two", "East"), ("Reader Three", "West")] {
        let body = json!({"name": reader, "organisation": station, "operations": ["registration.consent"]});
        let (status, added) = office.public("POST", "/v1/terminals", Some(&admin), Some(body)).await;
        assert_eq!(status, StatusCode::CREATED, "{added}");
        let id = added["terminal_id"].as_str().unwrap().parse().unwrap();
        let (key, now) = (crate::testing::town::Signer::new().public(), office.app.now());
        let enrolled = office.app.db.write::<_, crate::db::DbError, _>(move |tx| {
            Box::pin(async move {
                let until = now.plus_seconds(86_400);
                crate::terminals::store::enrol(tx, now, id, &key, b"certificate", until).await
            })
        });
        enrolled.await.unwrap();
    }
    let mut connection = office.app.db.read().await.unwrap();
    let all = crate::people::organisation::store::all(&mut connection).await.unwrap();
    drop(connection);
    let page = format!("/staff/{}", clerk.staff_id.0);
    let every = ["Reader One", "Reader Two", "Reader Three"];
    // North has no reader: a clerk there is not kept from working.
    for (station, offered) in [("none", &every[..]), ("East", &every[..2]), ("West", &every[2..]), ("North", &every)] {
        let id = all.iter().find(|one| one.organisation.name == station).map(|one| one.organisation.organisation_id);
        let moved = format!("act=move&station={}", id.map_or("none".to_owned(), |id| id.to_string()));
        assert_eq!(on_page(&office, &admin, &page, Some(&moved)).await.0, DONE);
        let session = office.session(&clerk).await;
        let (_, _, find) = send(&office, &session, "/find/tap", None).await;
        let shown: Vec<_> = every.into_iter().filter(|reader| find.contains(reader)).collect();
        assert_eq!(shown, offered, "{station}: {find}");
    }
}
