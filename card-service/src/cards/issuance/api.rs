//! The API of issuing cards, for the office.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use card_schema::ids::{HolderId, TerminalId};
use card_schema::wire::ProblemType;
use card_schema::wire::issuance::KeySlot;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::journal::{STEPS_EXPECTED, Want};
use super::store;
use crate::app::App;
use crate::cards::{self, CardState};
use crate::domains::residence;
use crate::http::{Body, ProblemSchema, Refusal, SignedIn};
use crate::i18n::Locale;
use crate::people::model::Permission;
use crate::terminals::{self, TerminalState};

/// The routes of this file.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(issue)).routes(routes!(issuance)).routes(routes!(resume))
}

/// A card to be issued.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewCard {
    /// For whom.
    #[schema(value_type = Uuid)]
    holder_id: HolderId,
    /// At which terminal.
    #[schema(value_type = Uuid)]
    terminal_id: TerminalId,
    /// At which of its readers, where it has several.
    reader: Option<String>,
}

/// An issuance that has begun.
#[derive(Serialize, ToSchema)]
struct NewCardReply {
    #[schema(value_type = Uuid)]
    card_id: card_schema::ids::CardId,
    issuance_id: Uuid,
}

/// Issue a card: the terminal's reader asks for a blank card and the holder's new PIN
#[utoipa::path(post, path = "/v1/cards", tag = "cards", request_body = NewCard, responses(
    (status = 201, description = "The reader is told", body = NewCardReply),
    (status = 404, description = "No such holder or terminal", body = ProblemSchema),
    (status = 409, description = "The terminal is not enrolled or revoked", body = ProblemSchema)))]
async fn issue(
    State(app): State<App>,
    who: SignedIn,
    Body(request): Body<NewCard>,
) -> Result<(StatusCode, Json<NewCardReply>), Refusal> {
    who.require(Permission::ServeHolders)?;
    let mut connection = app.db.read().acquire().await?;
    if !residence::store::exists(&mut connection, request.holder_id).await? {
        return Err(Refusal::because(ProblemType::NotFound, "holder-unknown"));
    }
    let terminal = terminals::store::one(&mut connection, request.terminal_id)
        .await?
        .ok_or(Refusal::because(ProblemType::NotFound, "terminal-unknown"))?;
    drop(connection);
    if terminal.state != TerminalState::Active {
        return Err(Refusal::because(ProblemType::Conflict, "terminal-not-active"));
    }
    let (card_id, issuance_id) = super::start(&app, request.holder_id, request.terminal_id, request.reader).await?;
    Ok((StatusCode::CREATED, Json(NewCardReply { card_id, issuance_id })))
}

/// How far an issuance has come.
#[derive(Serialize, ToSchema)]
struct IssuanceReply {
    issuance_id: Uuid,
    #[schema(value_type = Uuid)]
    card_id: card_schema::ids::CardId,
    /// `running`, `waiting` (for a person, a card or the consent's tap), `finished` (the card is active) or `failed`.
    #[schema(example = "running")]
    state: &'static str,
    /// Steps answered so far.
    steps_done: u32,
    /// Steps there will be if nothing goes wrong.
    steps_total: u32,
    /// What it waits for: `card`, `new_pin`, `pin`, `consent`, `consent_tap` (signed, not yet here) or `resume`.
    #[schema(example = "new_pin")]
    waiting_for: Option<&'static str>,
    /// Why it stopped, for people; Chinese and English.
    reason: Option<String>,
}

/// Look at an issuance
#[utoipa::path(get, path = "/v1/issuances/{issuance_id}", tag = "cards",
    params(("issuance_id" = Uuid, Path)), responses(
    (status = 200, description = "How far it has come", body = IssuanceReply),
    (status = 404, description = "No such issuance", body = ProblemSchema)))]
async fn issuance(State(app): State<App>, who: SignedIn, Path(id): Path<Uuid>) -> Result<Json<IssuanceReply>, Refusal> {
    who.require(Permission::ServeHolders)?;
    let mut connection = app.db.read().acquire().await?;
    let issuance = store::one(&mut connection, id).await?.ok_or(Refusal::new(ProblemType::NotFound))?;
    let card = cards::store::one(&mut connection, issuance.card_id).await?;
    Ok(Json(reply(&issuance, card.map(|card| card.state))))
}

/// Take an interrupted issuance up again
#[utoipa::path(post, path = "/v1/issuances/{issuance_id}/resume", tag = "cards",
    params(("issuance_id" = Uuid, Path)), responses(
    (status = 200, description = "The reader is told", body = IssuanceReply),
    (status = 404, description = "No such issuance", body = ProblemSchema),
    (status = 409, description = "It is over for good", body = ProblemSchema)))]
async fn resume(State(app): State<App>, who: SignedIn, Path(id): Path<Uuid>) -> Result<Json<IssuanceReply>, Refusal> {
    who.require(Permission::ServeHolders)?;
    let now = app.now();
    let issuance = app
        .db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                let mut issuance = store::one(tx.conn(), id).await?.ok_or(Refusal::new(ProblemType::NotFound))?;
                match &issuance.journal.asked {
                    Want::Failed { failure, .. } if failure.may_resume() => {}
                    _ => return Err(Refusal::because(ProblemType::Conflict, "issue-not-interrupted")),
                }
                issuance.journal = issuance.journal.clone().resumed();
                // A late repetition of what ended the job is not taken for the answer to its first step.
                issuance.number += 1;
                issuance.open = true;
                store::update(tx, now, &issuance, None).await?;
                Ok(issuance)
            })
        })
        .await?;
    app.jobs.ring(issuance.terminal_id);
    Ok(Json(reply(&issuance, None)))
}

fn reply(issuance: &store::Issuance, card: Option<CardState>) -> IssuanceReply {
    let asked = &issuance.journal.asked;
    let (state, waiting_for) = progress(asked, card);
    let reason = match asked {
        Want::Failed { failure, .. } => {
            let key = failure.text_key();
            Some(format!("{} / {}", Locale::ZhCn.text(key), Locale::En.text(key)))
        }
        _ => None,
    };
    IssuanceReply {
        issuance_id: issuance.issuance_id,
        card_id: issuance.card_id,
        state,
        steps_done: issuance.number,
        steps_total: if asked.is_end() { issuance.number } else { STEPS_EXPECTED.max(issuance.number + 1) },
        waiting_for,
        reason,
    }
}

/// The state of an issuance in one word, and whom or what it waits for.
const fn progress(asked: &Want, card: Option<CardState>) -> (&'static str, Option<&'static str>) {
    match asked {
        // In use once the consent's tap has come in; whatever became of the card later, its issuance is over.
        Want::Finished if matches!(card, Some(CardState::Personalised)) => ("waiting", Some("consent_tap")),
        Want::Finished => ("finished", None),
        Want::Failed { failure, .. } if failure.may_resume() => ("waiting", Some("resume")),
        Want::Failed { .. } => ("failed", None),
        Want::ReadCard => ("waiting", Some("card")),
        Want::SetPin => ("waiting", Some("new_pin")),
        Want::Prove { slot: KeySlot::SignIn | KeySlot::Approve, .. } => ("waiting", Some("pin")),
        Want::Consent => ("waiting", Some("consent")),
        _ => ("running", None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cards::issuance::journal::Failure;

    #[test]
    fn an_issuance_is_finished_only_when_the_card_is_in_use() {
        assert_eq!(progress(&Want::Finished, Some(CardState::Personalised)), ("waiting", Some("consent_tap")));
        assert_eq!(progress(&Want::Finished, Some(CardState::Active)), ("finished", None));
        assert_eq!(progress(&Want::Finished, Some(CardState::Lost)), ("finished", None));
    }

    #[test]
    fn an_issuance_says_whom_it_waits_for() {
        let failed = |failure| Want::Failed { failure, reset: false };
        assert_eq!(progress(&Want::SetPin, None), ("waiting", Some("new_pin")));
        assert_eq!(progress(&Want::ReadCard, None), ("waiting", Some("card")));
        assert_eq!(progress(&Want::SetManagementKey, None), ("running", None));
        assert_eq!(progress(&failed(Failure::Declined), None), ("waiting", Some("resume")));
        assert_eq!(progress(&failed(Failure::CardErrors), None), ("failed", None));
    }
}
