//! What enrolment promises: one code, one certificate, nothing once revoked.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use card_schema::ids::TerminalId;
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::{model::Place, store};
use crate::db::{DbError, query};
use crate::people::StaffRole;
use crate::people::member::tests::secrets;
use crate::testing::town::identity_of;
use crate::testing::{Office, office};

async fn add(office: &Office, token: &str) -> (TerminalId, String) {
    let body = json!({"name": "Gate 3", "organisation": "Test Village", "operations": ["gate.check"]});
    let (status, reply) = office.public("POST", "/v1/terminals", Some(token), Some(body)).await;
    assert_eq!(status, StatusCode::CREATED, "{reply}");
    let code = reply["enrolment_code"].as_str().unwrap().to_owned();
    (reply["terminal_id"].as_str().unwrap().parse().unwrap(), code)
}

fn request(code: &str) -> Value {
    let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let csr = CertificateParams::default().serialize_request(&pair).unwrap();
    json!({"code": code, "csr": BASE64_URL_SAFE_NO_PAD.encode(csr.der())})
}

#[tokio::test]
async fn a_code_enrols_one_terminal_once() {
    let office = office().await;
    let token = office.staff("admin", StaffRole::Administrator).await;
    let (terminal, code) = add(&office, &token).await;
    let (status, before) = office.terminal(Some(terminal), "GET", "/v1/profile", None).await;
    assert_eq!((status, &before["type"]), (StatusCode::FORBIDDEN, &json!("urn:nrc:problem:unknown-terminal")));

    let typed = code.to_lowercase().replace('-', " ");
    let (status, reply) = office.public("POST", "/v1/enrolments", None, Some(request(&typed))).await;
    assert_eq!(status, StatusCode::CREATED, "{reply}");
    assert_eq!(reply["profile"]["terminal_id"], json!(terminal));
    let (status, profile) = office.terminal(Some(terminal), "GET", "/v1/profile", None).await;
    assert_eq!((status, &profile["operations"]), (StatusCode::OK, &json!(["gate.check"])));

    let (status, again) = office.public("POST", "/v1/enrolments", None, Some(request(&code))).await;
    assert_eq!((status, &again["type"]), (StatusCode::FORBIDDEN, &json!("urn:nrc:problem:enrolment-code")));
}

#[tokio::test]
async fn a_refused_request_does_not_use_up_the_code() {
    let office = office().await;
    let token = office.staff("admin", StaffRole::Administrator).await;
    let (_, code) = add(&office, &token).await;
    let garbage = json!({"code": code, "csr": "AAAA"});
    let (status, _) = office.public("POST", "/v1/enrolments", None, Some(garbage)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let (status, _) = office.public("POST", "/v1/enrolments", None, Some(request(&code))).await;
    assert_eq!(status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_revoked_terminal_gets_nothing_any_more() {
    let office = office().await;
    let token = office.staff("admin", StaffRole::Administrator).await;
    let (terminal, code) = add(&office, &token).await;
    office.public("POST", "/v1/enrolments", None, Some(request(&code))).await;
    let revoke = format!("/v1/terminals/{terminal}/revoke");
    let (status, _) = office.public("POST", &revoke, Some(&token), Some(json!({"reason": "lost"}))).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    for path in
        ["/v1/profile", "/v1/status-lists/cards", "/v1/status-lists/cards/changes?since=1", "/v1/jobs/next?wait_s=0"]
    {
        let (status, reply) = office.terminal(Some(terminal), "GET", path, None).await;
        let expected = json!("urn:nrc:problem:terminal-revoked");
        assert_eq!((status, &reply["type"]), (StatusCode::FORBIDDEN, &expected), "{path}");
        let (status, _) = office.terminal(None, "GET", path, None).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{path} without a certificate");
    }
}

#[tokio::test]
async fn only_administrators_and_operators_add_terminals_and_nobody_without_signing_in() {
    let office = office().await;
    let body = json!({"name": "Gate 3", "organisation": "Test Village", "operations": []});
    let (status, _) = office.public("POST", "/v1/terminals", None, Some(body.clone())).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    for role in StaffRole::ALL {
        let token = office.staff(role.name(), role).await;
        let (status, _) = office.public("POST", "/v1/terminals", Some(&token), Some(body.clone())).await;
        let may = matches!(role, StaffRole::Administrator | StaffRole::Operator);
        assert_eq!(status, if may { StatusCode::CREATED } else { StatusCode::FORBIDDEN }, "{role:?}");
    }
}

async fn code(office: &Office, token: &str, terminal: TerminalId) -> (StatusCode, Value) {
    office.public("POST", &format!("/v1/terminals/{terminal}/codes"), Some(token), None).await
}

#[tokio::test]
async fn another_code_takes_the_place_of_those_before_and_a_new_enrolment_of_the_old_certificate() {
    let office = office().await;
    let token = office.staff("operator", StaffRole::Operator).await;
    let (terminal, lost) = add(&office, &token).await;
    let (status, reply) = code(&office, &token, terminal).await;
    assert_eq!(status, StatusCode::CREATED);
    let enrol = async |code: &str| office.public("POST", "/v1/enrolments", None, Some(request(code))).await.0;
    assert_eq!(enrol(&lost).await, StatusCode::FORBIDDEN, "whoever finds it can do nothing with it");
    assert_eq!(enrol(reply["enrolment_code"].as_str().unwrap()).await, StatusCode::CREATED);
    let before = identity_of(&office.app.db, terminal).await;
    let asks = async |identity| {
        let router = office.terminals_router().layer(axum::Extension(identity));
        let profile = Request::get("/v1/profile").body(Body::empty()).unwrap();
        router.oneshot(profile).await.unwrap().status()
    };
    assert_eq!(asks(before).await, StatusCode::OK);

    let (_, reply) = code(&office, &token, terminal).await;
    assert_eq!(asks(before).await, StatusCode::OK, "a code that nobody has used changes nothing");
    assert_eq!(enrol(reply["enrolment_code"].as_str().unwrap()).await, StatusCode::CREATED);
    assert_eq!(asks(before).await, StatusCode::FORBIDDEN, "the computer that was replaced");
    assert_eq!(asks(identity_of(&office.app.db, terminal).await).await, StatusCode::OK);

    let (_, unused) = code(&office, &token, terminal).await;
    let revoke = format!("/v1/terminals/{terminal}/revoke");
    assert_eq!(office.public("POST", &revoke, Some(&token), Some(json!({}))).await.0, StatusCode::BAD_REQUEST, "why?");
    office.public("POST", &revoke, Some(&token), Some(json!({"reason": "stolen"}))).await;
    assert_eq!(enrol(unused["enrolment_code"].as_str().unwrap()).await, StatusCode::FORBIDDEN);
    assert_eq!(code(&office, &token, terminal).await.0, StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_terminal_renews_the_certificate_of_its_key_and_of_no_other() {
    let office = office().await;
    let token = office.staff("operator", StaffRole::Operator).await;
    let (terminal, code) = add(&office, &token).await;
    let mut asked = request(&code);
    let (_, enrolled) = office.public("POST", "/v1/enrolments", None, Some(asked.clone())).await;
    let renewal = json!({"csr": asked["csr"].take()});
    let renew = async |renewal| office.terminal(Some(terminal), "POST", "/v1/certificates", Some(renewal)).await;
    let (status, newest) = renew(renewal.clone()).await;
    assert_eq!(
        (status, &newest["certificate"]),
        (StatusCode::CREATED, &enrolled["certificate"]),
        "it is valid for long"
    );
    let ends = query("UPDATE terminal SET certificate_until = $1").bind(office.app.now().plus_seconds(30 * 86_400).0);
    let older = office.app.db.write::<_, DbError, _>(|tx| Box::pin(async move { ends.execute(tx.conn()).await }));
    older.await.unwrap();
    let other = json!({"csr": request("")["csr"]});
    assert_eq!(renew(other).await.0, StatusCode::CONFLICT, "another key is another enrolment");
    assert_eq!(renew(json!({"csr": "AAAA"})).await.0, StatusCode::BAD_REQUEST);
    let (status, renewed) = renew(renewal.clone()).await;
    assert_eq!(status, StatusCode::CREATED);
    assert_ne!(renewed["certificate"], enrolled["certificate"]);
    assert_eq!(renewed["chain"], enrolled["chain"]);
    assert_eq!(renew(renewal.clone()).await.1["certificate"], renewed["certificate"], "an answer may not have arrived");
    let kept = store::one(&mut office.app.db.read().await.unwrap(), terminal).await.unwrap().unwrap();
    assert!(kept.certificate_until.unwrap() > office.app.now().plus_seconds(89 * 86_400));

    let revoke = format!("/v1/terminals/{terminal}/revoke");
    office.public("POST", &revoke, Some(&token), Some(json!({"reason": "stolen"}))).await;
    assert_eq!(renew(renewal).await.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_terminal_is_added_watched_and_revoked_at_the_pages() {
    const WRONG: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
    let office = office().await;
    let operator = office.staff("operator", StaffRole::Operator).await;
    let clerk = office.staff("clerk", StaffRole::Clerk).await;
    let send = async |path: &str, form: &str| office.browse(Some(&operator), path, Some(form)).await;
    let see = async |path: &str| office.browse(Some(&clerk), path, None).await.page;
    let (other, _) = add(&office, &operator).await;
    for (form, field) in [
        ("organisation=&name=Till&place=till", "organisation"),
        ("organisation=Test+Vilage&name=Till&place=till", "organisation"),
        ("organisation=Test+Village&name=&place=till", "name"),
        ("organisation=Test+Village&name=Till&place=", "place"),
    ] {
        let shown = send("/terminals/new", form).await;
        assert_eq!(shown.status, WRONG, "{form}");
        assert!(shown.page.contains(&format!("href=\"#{field}")), "{form}: {}", shown.page);
        assert!(form.contains("name=&") || shown.page.contains("value=\"Till\""), "what was typed stays: {form}");
    }
    let shown = send("/terminals/new", "organisation=+Test+Village+&name=Till&place=till").await;
    assert_eq!(shown.status, StatusCode::OK);
    let code = secrets(&shown.page).remove(0);
    let (_, enrolled) = office.public("POST", "/v1/enrolments", None, Some(request(&code))).await;
    let till: TerminalId = enrolled["profile"]["terminal_id"].as_str().unwrap().parse().unwrap();
    assert_eq!(enrolled["profile"]["operations"], json!(Place::Till.operations()));
    let page = format!("/terminals/{till}");

    assert_eq!(see("/terminals").await.matches("Not since the service was started").count(), 2);
    office.terminal(Some(till), "GET", "/v1/status-lists/cards", None).await;
    assert_eq!(see("/terminals").await.matches("Not since the service was started").count(), 1, "{other} is silent");
    let seen = see(&page).await;
    assert!(
        seen.contains("In use")
            && seen.contains("operator")
            && !seen.contains("<form method=\"post\" action=\"/terminals")
    );
    assert_eq!(office.browse(Some(&clerk), &page, Some("act=code")).await.status, StatusCode::FORBIDDEN);

    let again = secrets(&send(&page, "act=code").await.page).remove(0);
    assert_ne!(again, code);
    for form in ["act=revoke", "act=revoke&reason=invented"] {
        let shown = send(&page, form).await;
        assert!(shown.status == WRONG && shown.page.contains("href=\"#reason-lost\""), "{}", shown.page);
    }
    assert_eq!(send(&page, "act=revoke&reason=broken").await.status, StatusCode::SEE_OTHER);
    let seen = see(&page).await;
    for said in ["Revoked", "Broken", "Code given out", "Added"] {
        assert!(seen.contains(said), "{said}: {seen}");
    }
    assert_eq!(office.terminal(Some(till), "GET", "/v1/profile", None).await.0, StatusCode::FORBIDDEN);
    assert_eq!(send(&page, "act=code").await.status, StatusCode::CONFLICT);
}
