//! The API of issuing cards, for the office.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use card_schema::ids::{HolderId, TerminalId};
use card_schema::wire::ProblemType;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::journal::{STEPS_EXPECTED, Want};
use super::store;
use crate::app::App;
use crate::domains::residence;
use crate::i18n::Locale;
use crate::people::SignedIn;
use crate::people::model::Permission;
use crate::problem::{Body, ProblemSchema, Refusal};
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
    /// `running`, `finished`, `interrupted` (can be resumed) or `failed`.
    #[schema(example = "running")]
    state: &'static str,
    /// Steps answered so far.
    steps_done: u32,
    /// Steps there will be if nothing goes wrong.
    steps_total: u32,
    /// The step that the reader is at.
    #[schema(example = "set_pin")]
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
    let found = store::one(&mut *app.db.read().acquire().await?, id).await?;
    found.map(|issuance| Json(reply(&issuance))).ok_or(Refusal::new(ProblemType::NotFound))
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
                issuance.open = true;
                store::update(tx, now, &issuance).await?;
                Ok(issuance)
            })
        })
        .await?;
    app.jobs.ring(issuance.terminal_id);
    Ok(Json(reply(&issuance)))
}

fn reply(issuance: &store::Issuance) -> IssuanceReply {
    let asked = &issuance.journal.asked;
    let (state, reason) = match asked {
        Want::Finished => ("finished", None),
        Want::Failed { failure, .. } => {
            let key = failure.text_key();
            let reason = format!("{} / {}", Locale::ZhCn.text(key), Locale::En.text(key));
            (if failure.may_resume() { "interrupted" } else { "failed" }, Some(reason))
        }
        _ => ("running", None),
    };
    IssuanceReply {
        issuance_id: issuance.issuance_id,
        card_id: issuance.card_id,
        state,
        steps_done: issuance.number,
        steps_total: if asked.is_end() { issuance.number } else { STEPS_EXPECTED.max(issuance.number + 1) },
        waiting_for: (!asked.is_end()).then(|| asked.name()),
        reason,
    }
}
