//! More batches than the queue takes.

use axum::http::header::RETRY_AFTER;
use axum::response::IntoResponse as _;

use super::*;
use crate::intake::QUEUED_BATCHES;

#[tokio::test]
async fn a_batch_that_finds_no_place_is_refused_before_anybody_looks_at_it_and_taken_later() {
    let town = Town::new().await;
    let (mut terminal, card) = (town.terminal().await, town.card().await);
    let tap = terminal.tap(&card, Slot::Tap, GATE);
    let batch = terminal.batch(&[tap]);
    let mut places: Vec<_> = (0..QUEUED_BATCHES).map(|_| town.intake.writer.place().unwrap()).collect();
    for bytes in [&batch[..], b"no batch at all"] {
        let refused = town.intake.accept(terminal.id, bytes).await.unwrap_err();
        assert_eq!(refused.kind(), ProblemType::Busy);
        let response = refused.into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(response.headers().contains_key(RETRY_AFTER), "{response:?}");
    }
    assert_eq!(town.number(TAPS).await, 0);
    places.pop();
    let malformed = town.intake.accept(terminal.id, b"no batch at all").await.unwrap_err();
    assert_eq!(malformed.kind(), ProblemType::BadEnvelope);
    let outcomes = town.submit_bytes(&terminal, batch).await;
    assert_eq!(outcomes[0].outcome, Outcome::Accepted, "whoever was refused has given the place back");
}
