//! What signing in promises.

use axum::http::StatusCode;
use serde_json::json;

use super::StaffRole;
use crate::testing::office;

#[tokio::test]
async fn a_session_ends_when_its_owner_signs_out() {
    let office = office().await;
    let token = office.staff("clerk", StaffRole::Clerk).await;
    let (status, _) = office.public("GET", "/v1/terminals", Some(&token), None).await;
    assert_eq!(status, StatusCode::OK);
    let (status, _) = office.public("DELETE", "/v1/sessions", Some(&token), None).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let (status, problem) = office.public("GET", "/v1/terminals", Some(&token), None).await;
    assert_eq!((status, &problem["type"]), (StatusCode::UNAUTHORIZED, &json!("urn:nrc:problem:not-signed-in")));
}

#[tokio::test]
async fn whoever_signs_out_everywhere_is_signed_in_nowhere_and_others_still_are() {
    let office = office().await;
    let here = office.staff("clerk", StaffRole::Clerk).await;
    let other = office.staff("auditor", StaffRole::Auditor).await;
    let body = json!({"name": "clerk", "password": crate::testing::PASSWORD});
    let (_, session) = office.public("POST", "/v1/sessions", None, Some(body)).await;
    let elsewhere = session["token"].as_str().unwrap().to_owned();
    let shown = office.browse(Some(&here), "/sign-out/everywhere", Some("")).await;
    assert_eq!(shown.status, StatusCode::SEE_OTHER);
    for (token, status) in
        [(here, StatusCode::UNAUTHORIZED), (elsewhere, StatusCode::UNAUTHORIZED), (other, StatusCode::OK)]
    {
        assert_eq!(office.public("GET", "/v1/terminals", Some(&token), None).await.0, status);
    }
}

#[tokio::test]
async fn guessing_a_password_is_stopped_even_when_the_last_guess_is_right() {
    let office = office().await;
    office.staff("clerk", StaffRole::Clerk).await;
    let guess = json!({"name": "Clerk", "password": "wrong"});
    let mut statuses = Vec::new();
    for _ in 0..12 {
        statuses.push(office.public("POST", "/v1/sessions", None, Some(guess.clone())).await.0);
    }
    assert!(statuses.contains(&StatusCode::UNAUTHORIZED));
    let right = json!({"name": "clerk", "password": "invented for a test"});
    let (status, problem) = office.public("POST", "/v1/sessions", None, Some(right)).await;
    assert_eq!(
        (status, &problem["title"]),
        (StatusCode::TOO_MANY_REQUESTS, &json!("Too many attempts, try again later"))
    );
}

#[tokio::test]
async fn a_password_is_nowhere_in_the_database_and_a_token_neither() {
    let office = office().await;
    let token = office.staff("clerk", StaffRole::Clerk).await;
    for file in std::fs::read_dir(office.folder()).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            for clear in ["invented for a test".as_bytes(), token.as_bytes()] {
                assert!(!bytes.windows(clear.len()).any(|window| window == clear), "{}", path.display());
            }
        }
    }
}
