//! What readers validate: told by whoever knows where the vehicle is, an on-board computer or a person at the command line; and
//! visitors' passes that a scanner at a gate reads.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
    http::StatusCode,
};

use super::{
    api::{App, body},
    problem::Failure,
    wire::{GateStatus, PassRequest, Refusal, ValidatorDuty, ValidatorReader, ValidatorReply, ValidatorRequest},
};
use crate::{
    cli::{messages_daemon as messages, messages_local},
    tap::gate,
    validator::Verdict,
};

/// What readers are there for, and what they show.
pub(super) async fn show(State(app): State<App>) -> Json<ValidatorReply> {
    let known = app.known.now();
    let version = known.fares.as_ref().and_then(|pack| pack.at(crate::clock::now()));
    let board = app.validator.board();
    let reader = |(name, at): (String, crate::validator::AtReader)| {
        let refusal = at.shown.as_ref().and_then(|shown| match &shown.verdict {
            Verdict::Yes => None,
            Verdict::No(said) => Some(Refusal::from(said)),
        });
        let timing = at.shown.as_ref().and_then(|shown| shown.timing);
        ValidatorReader { reader: name, duty: at.duty, cards: at.cards, shown: at.shown.is_some(), refusal, timing }
    };
    let duties = app.validator.duties().into_iter();
    let duties =
        duties.map(|(reader, duty)| ValidatorDuty { reader: Some(reader).filter(|name| !name.is_empty()), duty });
    Json(ValidatorReply {
        tariff: version.map(|version| version.number),
        gate: known.gate.as_deref().map(|pack| GateStatus {
            at: pack.at,
            stands: pack.site.is_some(),
            rights: pack.rights.len(),
        }),
        duties: duties.collect(),
        readers: board.into_iter().map(reader).collect(),
    })
}

/// Tells readers what they are there for, all of them at once: those that are not named do nothing more.
pub(super) async fn set(
    State(app): State<App>,
    request: Result<Json<ValidatorRequest>, JsonRejection>,
) -> Result<Json<ValidatorReply>, Failure> {
    let ValidatorRequest { duties } = body(request)?;
    let (known, now) = (app.known.now(), crate::clock::now());
    let mut wanted = BTreeMap::new();
    for ValidatorDuty { reader, duty } in duties {
        duty.check(&known, now).map_err(messages_local::duty)?;
        if reader.as_deref() == Some("") || wanted.insert(reader.unwrap_or_default(), duty).is_some() {
            return Err(messages_local::bad_request("each reader is named once, and not with an empty name").into());
        }
    }
    app.validator.set(wanted).await.map_err(|error| messages::outbox(&error))?;
    Ok(show(State(app)).await)
}

/// Whether whoever shows a visitor's pass may pass this gate. Nothing is kept of it.
pub(super) async fn pass(
    State(app): State<App>,
    request: Result<Json<PassRequest>, JsonRejection>,
) -> Result<StatusCode, Failure> {
    let PassRequest { text } = body(request)?;
    let admitted = gate::admit_bearer(&text, &app.known.now(), crate::clock::now());
    admitted.map_err(|refused| messages::tap(&refused.into()))?;
    Ok(StatusCode::NO_CONTENT)
}
