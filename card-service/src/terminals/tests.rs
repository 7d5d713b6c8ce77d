//! What enrolment promises: one code, one certificate, nothing once revoked.

use axum::http::StatusCode;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use card_schema::ids::TerminalId;
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use serde_json::{Value, json};

use crate::people::StaffRole;
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
    let (status, _) = office.public("POST", &revoke, Some(&token), None).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    for path in ["/v1/profile", "/v1/status-list", "/v1/jobs/next?wait_s=0"] {
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
