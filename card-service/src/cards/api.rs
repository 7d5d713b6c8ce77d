//! The API of cards: looking at one, and changing its state.

use axum::Json;
use axum::extract::State;
use card_schema::ids::{CardId, HolderId};
use card_schema::wire::ProblemType;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::expiry::rules::Clock;
use super::model::{Bearer, Card, CardState};
use super::store::{self, Because};
use crate::app::App;
use crate::http::{Body, Path, Refusal, SignedIn};
use crate::people::api::rfc3339;
use crate::people::model::Permission;
use crate::people::{self, StaffId};

/// The routes of this file.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(card))
        .routes(routes!(change))
        .merge(super::activity::api::router())
        .merge(super::issuance::api::router())
}

/// A card.
#[derive(Serialize, ToSchema)]
struct CardReply {
    card_id: CardId,
    /// Null for a card of staff.
    holder_id: Option<HolderId>,
    state: CardState,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    expires_at: String,
    #[schema(format = DateTime)]
    changed_at: String,
}

impl CardReply {
    fn new(card: &Card, clock: &Clock<'_>) -> Self {
        Self {
            card_id: card.card_id,
            holder_id: card.bearer.holder(),
            state: clock.state(card),
            created_at: rfc3339(card.created_at),
            expires_at: rfc3339(card.expires_at),
            changed_at: rfc3339(card.changed_at),
        }
    }
}

/// Look at a card
#[utoipa::path(get, path = "/v1/cards/{card_id}", tag = "cards", params(("card_id" = Uuid, Path)), responses(
    (status = 200, description = "The card", body = CardReply)),
    extensions(("x-problems" = json!([(ProblemType::NotFound, "No such card")]))))]
async fn card(State(app): State<App>, who: SignedIn, Path(id): Path<CardId>) -> Result<Json<CardReply>, Refusal> {
    who.require(Permission::SeeActivity)?;
    let found = store::one(&mut app.db.read().await?, id).await?;
    let clock = Clock::at(app.now());
    found.map(|card| Json(CardReply::new(&card, &clock))).ok_or(Refusal::because(ProblemType::NotFound, "card-unknown"))
}

/// What a card's state is to be, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StateRequest {
    /// `active`, `suspended`, `blocked`, `lost`, `expired`, `returned`.
    #[schema(example = "suspended")]
    state: String,
    /// For the record; no personal data.
    #[schema(example = "reported lost at the desk")]
    reason: String,
}

/// Change a card's state; terminals learn it with the next status list, which is signed at once
#[utoipa::path(put, path = "/v1/cards/{card_id}/state", tag = "cards", request_body = StateRequest,
    params(("card_id" = Uuid, Path)), responses(
    (status = 200, description = "The card as it is now", body = CardReply)),
    extensions(("x-problems" = json!([
        (ProblemType::NotFound, "No such card"),
        (ProblemType::Conflict, "A card in this state cannot become that"),
    ]))))]
async fn change(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<CardId>,
    Body(request): Body<StateRequest>,
) -> Result<Json<CardReply>, Refusal> {
    who.require(Permission::ServeHolders)?;
    let next = CardState::from_name(&request.state)
        .filter(|state| state.is_for_staff())
        .ok_or(Refusal::because(ProblemType::MalformedRequest, "card-state-unknown"))?;
    if request.reason.trim().is_empty() || request.reason.chars().count() > 200 {
        return Err(Refusal::because(ProblemType::MalformedRequest, "reason-missing"));
    }
    let found = store::one(&mut app.db.read().await?, id).await?;
    let found = found.ok_or(Refusal::because(ProblemType::NotFound, "card-unknown"))?;
    who.require(found.bearer.permission())?;
    let card = set_state(&app, who.0.staff_id, id, next, request.reason).await?;
    Ok(Json(CardReply::new(&card, &Clock::at(app.now()))))
}

/// Puts a card into another state. The same state again changes nothing. Whoever may have come
/// to the console with a staff card that is out of use is signed out.
pub async fn set_state(app: &App, by: StaffId, id: CardId, next: CardState, reason: String) -> Result<Card, Refusal> {
    let now = app.now();
    app.db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                store::lock(tx, id).await?;
                let mut card =
                    store::one(tx.conn(), id).await?.ok_or(Refusal::because(ProblemType::NotFound, "card-unknown"))?;
                if card.state == next {
                    return Ok(card);
                }
                if !Clock::at(now).state(&card).may_be_made(next) {
                    return Err(Refusal::because(ProblemType::Conflict, "card-state-conflict"));
                }
                store::set_state(tx, now, &card, next, Because { reason: &reason, by: Some(by) }).await?;
                if let (Bearer::Staff(staff), true) = (card.bearer, next != CardState::Active) {
                    people::store::end_sessions_of(tx, staff).await?;
                }
                card.state = next;
                card.changed_at = now;
                Ok(card)
            })
        })
        .await
}
