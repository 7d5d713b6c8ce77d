//! What the second factor promises, through the pages and the API.

use axum::http::StatusCode;
use serde_json::json;

use super::{store, totp};
use crate::people::StaffRole;
use crate::people::member::tests::{find, secrets, send};
use crate::testing::{Office, PASSWORD, office};

const DONE: StatusCode = StatusCode::SEE_OTHER;
const WRONG: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
const SETUP: &str = "/account/second-factor";

async fn sign_in(office: &Office, name: &str, code: Option<&str>) -> (StatusCode, serde_json::Value) {
    let mut body = json!({"name": name, "password": PASSWORD});
    if let Some(code) = code {
        body["code"] = code.into();
    }
    office.public("POST", "/v1/sessions", None, Some(body)).await
}

/// The secret on the page that sets a second factor up.
fn secret(page: &str) -> Vec<u8> {
    let (_, text) = page.split_once("id=\"secret\">").expect("a secret is shown");
    let text: String = text.split('<').next().unwrap().split_whitespace().collect();
    totp_rs::Secret::try_from_base32(text).unwrap().as_ref().to_vec()
}

fn code_of(office: &Office, secret: &[u8], steps: i64) -> String {
    totp(secret).generate((office.app.now().seconds() + 30 * steps).try_into().unwrap()).to_string()
}

/// Signs a clerk in and sets up a second factor: the session, the secret, the recovery codes.
async fn enrolled(office: &Office, name: &str) -> (String, Vec<u8>, Vec<String>) {
    office.member(name, StaffRole::Clerk).await;
    let (_, session) = sign_in(office, name, None).await;
    let session = session["token"].as_str().unwrap().to_owned();
    let (_, _, page) = send(office, &session, SETUP, Some("act=begin")).await;
    let secret = secret(&page);
    let form = format!("act=confirm&code={}", code_of(office, &secret, 0));
    let (status, _, page) = send(office, &session, SETUP, Some(&form)).await;
    assert_eq!(status, StatusCode::OK);
    (session, secret, secrets(&page))
}

#[tokio::test]
async fn a_second_factor_is_on_after_one_right_code_and_each_code_is_taken_once() {
    let office = office().await;
    office.member("anna", StaffRole::Clerk).await;
    let (_, session) = sign_in(&office, "anna", None).await;
    let session = session["token"].as_str().unwrap().to_owned();
    let (_, elsewhere) = sign_in(&office, "anna", None).await;
    let (status, _, page) = send(&office, &session, SETUP, Some("act=begin")).await;
    assert_eq!(status, StatusCode::OK);
    let first = secret(&page);
    let (status, _, page) = send(&office, &session, SETUP, Some("act=confirm&code=000000x")).await;
    assert_eq!((status, secret(&page)), (WRONG, first.clone()), "the same secret is shown again");
    assert_eq!(sign_in(&office, "anna", None).await.0, StatusCode::CREATED, "not on yet");
    let code = code_of(&office, &first, 0);
    let (status, _, page) = send(&office, &session, SETUP, Some(&format!("act=confirm&code={code}"))).await;
    assert_eq!((status, secrets(&page).len()), (StatusCode::OK, 10));
    assert_eq!(send(&office, &session, "/find", None).await.0, StatusCode::OK, "this session goes on");
    let elsewhere = elsewhere["token"].as_str().unwrap();
    assert_eq!(office.public("GET", "/v1/terminals", Some(elsewhere), None).await.0, StatusCode::UNAUTHORIZED);
    assert!(!send(&office, &session, SETUP, None).await.2.contains("id=\"secret\""), "shown once");

    let (status, problem) = sign_in(&office, "anna", None).await;
    assert_eq!(
        (status, &problem["detail"]),
        (StatusCode::UNAUTHORIZED, &json!("Show the code of your second factor first"))
    );
    assert_eq!(sign_in(&office, "anna", Some(&code)).await.0, StatusCode::UNAUTHORIZED, "used while it was set up");
    let next = code_of(&office, &first, 1);
    assert_eq!(sign_in(&office, "anna", Some(&next)).await.0, StatusCode::CREATED);
    assert_eq!(sign_in(&office, "anna", Some(&next)).await.0, StatusCode::UNAUTHORIZED, "once");
}

#[tokio::test]
async fn whoever_knows_only_the_password_gets_no_further_than_the_question_for_a_code() {
    let office = office().await;
    let (_, secret, _) = enrolled(&office, "anna").await;
    let body = format!("name=anna&password={PASSWORD}&to=/find").replace(' ', "+");
    let response = signed_in_by_form(&office, &body).await;
    let (cookie, location) = response;
    assert_eq!(location, "/sign-in/code?to=/find");
    for (path, form) in [
        ("/find", None),
        ("/", None),
        ("/account/password", Some("new=somebody+elses+word&repeated=somebody+elses+word")),
        (SETUP, Some("act=begin")),
        (SETUP, Some("act=renew&code=000000")),
        ("/sign-out/everywhere", Some("")),
    ] {
        let (status, location, _) = send(&office, &cookie, path, form).await;
        assert_eq!((status, location.as_str()), (DONE, "/sign-in/code"), "{path} {form:?}");
    }
    let (status, problem) = office.public("GET", "/v1/terminals", Some(&cookie), None).await;
    assert_eq!((status, &problem["type"]), (StatusCode::FORBIDDEN, &json!("urn:nrc:problem:forbidden")));
    let show = async |code: &str| send(&office, &cookie, &location, Some(&format!("code={code}"))).await;
    assert_eq!(show("123").await.0, WRONG);
    let (status, to, _) = show(&code_of(&office, &secret, 1)).await;
    assert_eq!((status, to.as_str()), (DONE, "/find"));
    assert_eq!(send(&office, &cookie, "/find", None).await.0, StatusCode::OK);
}

/// What the sign-in page answers: the session's token, and where it leads.
async fn signed_in_by_form(office: &Office, form: &str) -> (String, String) {
    let shown = office.browse(None, "/sign-in", Some(form)).await;
    let token = shown.cookie.split(['=', ';']).nth(1).unwrap().to_owned();
    (token, shown.leads_to)
}

#[tokio::test]
async fn codes_that_are_guessed_are_looked_at_no_more_and_a_recovery_code_still_lets_in_once() {
    let office = office().await;
    let (session, secret, recovery) = enrolled(&office, "anna").await;
    for _ in 0..5 {
        assert_eq!(sign_in(&office, "anna", Some("000000")).await.0, StatusCode::UNAUTHORIZED);
    }
    let right = code_of(&office, &secret, 1);
    let (status, problem) = sign_in(&office, "anna", Some(&right)).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS, "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("recovery code"), "{problem}");
    assert_eq!(send(&office, &session, "/find", None).await.0, StatusCode::OK, "whoever works is not disturbed");
    assert_eq!(sign_in(&office, "anna", Some("wrong-code-of-letters")).await.0, StatusCode::UNAUTHORIZED);
    let used = recovery[0].to_uppercase();
    assert_eq!(sign_in(&office, "anna", Some(&used)).await.0, StatusCode::CREATED);
    let mut connection = office.app.db.read().await.unwrap();
    let who = find(&office, "anna").await.staff.staff_id;
    assert_eq!(store::recovery_codes(&mut connection, who).await.unwrap(), 9);
    drop(connection);
    assert_eq!(sign_in(&office, "anna", Some(&right)).await.0, StatusCode::CREATED, "all is forgiven");
}

#[tokio::test]
async fn a_recovery_code_is_its_owners_alone_and_is_used_up() {
    let office = office().await;
    let (_, _, annas) = enrolled(&office, "anna").await;
    enrolled(&office, "berta").await;
    assert_eq!(sign_in(&office, "berta", Some(&annas[0])).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(sign_in(&office, "anna", Some(&annas[0])).await.0, StatusCode::CREATED);
    assert_eq!(sign_in(&office, "anna", Some(&annas[0])).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn neither_secret_nor_recovery_code_is_stored_in_clear() {
    let office = office().await;
    let (_, secret, recovery) = enrolled(&office, "anna").await;
    let base32 = totp(&secret).secret().to_base32();
    for file in std::fs::read_dir(office.folder()).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            for clear in [&secret[..], base32.as_bytes(), recovery[0].as_bytes()] {
                assert!(!bytes.windows(clear.len()).any(|window| window == clear), "{}", path.display());
            }
        }
    }
    let who = find(&office, "anna").await.staff.staff_id;
    let stored = store::one(&mut office.app.db.read().await.unwrap(), who).await.unwrap().unwrap();
    assert!(!stored.sealed.windows(secret.len()).any(|window| window == secret));
}

#[tokio::test]
async fn whoever_gets_a_role_that_needs_it_sets_it_up_before_anything_else() {
    let office = office().await;
    let admin = office.staff("admin", StaffRole::Administrator).await;
    office.member("anna", StaffRole::Clerk).await;
    let page = format!("/staff/{}", find(&office, "anna").await.staff.staff_id.0);
    assert_eq!(send(&office, &admin, &page, Some("act=role&role=supervisor")).await.0, DONE);
    let (status, session) = sign_in(&office, "anna", None).await;
    assert_eq!((status, &session["owes"]), (StatusCode::CREATED, &json!("second_factor")));
    let anna = session["token"].as_str().unwrap();
    let (status, location, _) = send(&office, anna, "/find", None).await;
    assert_eq!((status, location.as_str()), (DONE, SETUP));
    let (_, _, shown) = send(&office, anna, SETUP, Some("act=begin")).await;
    let secret = secret(&shown);
    let form = format!("act=confirm&code={}", code_of(&office, &secret, 0));
    assert_eq!(send(&office, anna, SETUP, Some(&form)).await.0, StatusCode::OK);
    assert_eq!(send(&office, anna, "/find", None).await.0, StatusCode::OK);

    // Another phone: against a code of the present one.
    assert_eq!(send(&office, anna, SETUP, Some("act=begin")).await.0, StatusCode::CONFLICT);
    assert_eq!(send(&office, anna, SETUP, Some("act=renew&code=000000")).await.0, WRONG);
    let form = format!("act=renew&code={}", code_of(&office, &secret, 1));
    assert_eq!(send(&office, anna, SETUP, Some(&form)).await.0, DONE);
    assert_eq!(send(&office, anna, "/find", None).await.1, SETUP, "the role still needs one");
}

#[tokio::test]
async fn taking_a_second_factor_away_takes_two_administrators() {
    let office = office().await;
    let one = office.staff("one", StaffRole::Administrator).await;
    let other = office.staff("other", StaffRole::Administrator).await;
    enrolled(&office, "anna").await;
    let page = format!("/staff/{}/sign-in", find(&office, "anna").await.staff.staff_id.0);
    let (_, request, _) = send(&office, &one, &page, Some("act=second_factor")).await;
    assert!(request.starts_with("/approvals/"), "{request}");
    assert!(find(&office, "anna").await.second_factor);
    assert_eq!(send(&office, &other, &request, Some("act=approve")).await.0, DONE);
    let anna = find(&office, "anna").await;
    assert!(!anna.second_factor);
    assert_eq!(anna.post.reset.map(|(by, _)| by), Some(find(&office, "one").await.staff.staff_id));
    assert_eq!(sign_in(&office, "anna", None).await.0, StatusCode::CREATED);
}
