//! The API of card activity.

use axum::Json;
use axum::extract::State;
use card_schema::ids::CardId;
use card_schema::money::Fen;
use card_schema::operation::OperationCode;
use card_schema::wire::ProblemType;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{ActivityPurpose, Place};
use super::store;
use crate::app::App;
use crate::cards;
use crate::http::{Path, Query, Refusal, SignedIn};
use crate::people::api::rfc3339;
use crate::people::model::Permission;

/// The routes of this file.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(of_card))
}

/// Why, and from where on.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Look {
    /// The look and its purpose go into the log.
    #[param(value_type = ActivityPurpose, inline)]
    purpose: String,
    /// The `older` of the answer before.
    before: Option<String>,
}

/// One tap of a card.
#[derive(Serialize, ToSchema)]
struct Tap {
    /// When the service got it.
    #[schema(format = DateTime)]
    received_at: String,
    /// The terminal's clock.
    #[schema(format = DateTime)]
    at: String,
    #[schema(example = "purse.payment")]
    operation: &'static str,
    /// The outcome's code in receipts; 0 is accepted.
    outcome: u16,
    /// Of purse operations.
    amount_fen: Option<Fen>,
    /// How much of that was moved back since; where nothing was booked there is nothing.
    reversed_fen: Option<Fen>,
    terminal: Option<String>,
}

/// Taps, newest first. A gate's questions are counted, not listed.
#[derive(Serialize, ToSchema)]
struct Activity {
    taps: Vec<Tap>,
    /// Where there are older ones: for `before`.
    older: Option<String>,
}

/// The newest taps of a card
#[utoipa::path(get, path = "/v1/cards/{card_id}/activity", tag = "cards", params(("card_id" = Uuid, Path), Look), responses(
    (status = 200, description = "Newest first", body = Activity)),
    extensions(("x-problems" = json!([
        (ProblemType::MalformedRequest, "No purpose, or no such purpose or place"),
        (ProblemType::NotFound, "No such card"),
    ]))))]
async fn of_card(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<CardId>,
    Query(look): Query<Look>,
) -> Result<Json<Activity>, Refusal> {
    who.require(Permission::SeeActivity)?;
    let unknown = Refusal::because(ProblemType::MalformedRequest, "activity-look");
    let Some(purpose) = ActivityPurpose::from_name(&look.purpose) else { return Err(unknown) };
    let before = match look.before.as_deref().map(Place::decode) {
        None => None,
        Some(Some(place)) => Some(place),
        Some(None) => return Err(unknown),
    };
    let (now, reader) = (app.now(), who.0.staff_id);
    let found = app
        .db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                let unknown = Refusal::because(ProblemType::NotFound, "card-unknown");
                cards::store::one(tx.conn(), id).await?.ok_or(unknown)?;
                Ok(store::of_card(tx, now, reader, purpose, id, before).await?)
            })
        })
        .await?;
    let tap = |row: &store::Activity| Tap {
        received_at: rfc3339(row.place.received_at),
        at: rfc3339(row.place.at),
        operation: row.operation.map_or("unknown", OperationCode::name),
        outcome: row.outcome,
        amount_fen: row.amount,
        reversed_fen: row.is_reversible().then_some(row.reversed),
        terminal: row.terminal.as_ref().map(|(terminal, _)| terminal.clone()),
    };
    Ok(Json(Activity { taps: found.rows.iter().map(tap).collect(), older: found.older.map(|place| place.encode()) }))
}
