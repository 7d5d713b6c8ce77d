//! What a shop's own cash register asks of the daemon: one transaction at a time, under a number that the register has
//! chosen, and what happens to it, as events.
//!
//! The same transactions stand on the pages of merchant and holder. A register sees no balance and no card's number.

use std::convert::Infallible;

use axum::{
    Json,
    extract::{
        Path, Request, State,
        rejection::{JsonRejection, PathRejection},
    },
    http::{HeaderName, HeaderValue, StatusCode},
    middleware::{self, Next},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use card_schema::{ids::TapId, money::Fen, operation::OperationCode};
use futures_util::{Stream, stream};
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    api::{App, Asked, body, number, original, read_operation, read_pin, secret_body},
    problem::Failure,
    wire::{LocalProblem, PinText, Refusal, TransactionReply, TransactionRequest, TransactionResult, TransactionState},
};
use crate::{
    cli::{messages::CliError, messages_daemon, messages_local},
    counter::{Again, Bearer, CardSeen, End, NotStarted, Order, Points, Step, Transaction},
    outbox::Ordered,
};

/// In a request: the level for which the register was made. In every answer: the newest that the daemon speaks.
const API_LEVEL: HeaderName = HeaderName::from_static("api-level");
/// A level only ever gains fields and events; what would break a register is a new one.
const LEVELS: &[u16] = &[1];

/// The register's part of the local API.
#[derive(OpenApi)]
#[openapi(
    info(title = "Register API of the reader daemon", description = "On loopback, with the token of local.json."),
    tags((name = "transactions", description = "What is paid with a card"))
)]
struct Description;

/// The routes, and what describes them.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(order, show, give_up))
        .routes(routes!(events))
        .routes(routes!(pin))
        .layer(middleware::from_fn(level))
}

/// The description, as JSON.
pub fn description() -> String {
    routes().into_openapi().to_pretty_json().expect("plain data always serialises")
}

/// Answers only registers whose level is spoken; one that names none takes the newest.
async fn level(request: Request, next: Next) -> Response {
    let asked = request.headers().get(API_LEVEL).map(|value| value.to_str().ok().and_then(|level| level.parse().ok()));
    let mut reply = match asked {
        Some(level) if !level.is_some_and(|level: u16| LEVELS.contains(&level)) => {
            Failure::from(messages_local::api_level(LEVELS)).into_response()
        }
        _ => next.run(request).await,
    };
    let newest = LEVELS.last().copied().unwrap_or_default();
    reply.headers_mut().insert(API_LEVEL, HeaderValue::from(newest));
    reply
}

/// Begin a transaction
///
/// The same number with the same content again is the same transaction: it is answered where it stands. Once a card has
/// signed, the number is kept with the tap, so that holds for a daemon that was started anew, too; one for which no card
/// had signed begins again then.
#[utoipa::path(put, path = "/v1/transactions/{id}", tag = "transactions",
    params(("id" = Uuid, Path, description = "Chosen by the register, never used before"),
        ("api-level" = Option<u16>, Header, description = "The level that the register was made for")),
    request_body = TransactionRequest,
    responses((status = 200, description = "Where it stands", body = TransactionReply),
        (status = 401, description = "token", body = LocalProblem),
        (status = 404, description = "no-such-tap: the payment is not this terminal's", body = LocalProblem),
        (status = 409, description = "counter-busy, other-order, and every refusal of the terminal", body = LocalProblem),
        (status = 400, description = "bad-request: no JSON", body = LocalProblem),
        (status = 422, description = "bad-request, api-level", body = LocalProblem)))]
async fn order(
    State(app): State<App>,
    id: Result<Path<Uuid>, PathRejection>,
    request: Result<Json<TransactionRequest>, JsonRejection>,
) -> Result<Json<TransactionReply>, Failure> {
    let (id, request) = (number(id)?, body(request)?);
    if let Some(known) = known(&app, id).await? {
        return if known.is_of(&request) { Ok(Json(known.reply)) } else { Err(messages_local::other_order().into()) };
    }
    let paid = original(&app, request.payment).await?;
    let (code, amount, points) = (request.operation, request.amount_fen, request.points);
    let operation = read_operation(&app.known.now(), Asked { code, amount, points, original: paid })?;
    if operation.code() == OperationCode::GateCheck {
        return Err(messages_local::bad_request("a register moves money or points").into());
    }
    match app.counter.start(Order { reader: request.reader, ..Order::of_anybody(id, operation) }).await {
        Ok(transaction) => Ok(Json(reply(&transaction))),
        Err(NotStarted::Before(ordered)) => Ok(Json(Known::before(id, &ordered).reply)),
        Err(NotStarted::Busy(_)) => Err(messages_local::counter_busy().into()),
        Err(NotStarted::OtherOrder) => Err(messages_local::other_order().into()),
        Err(NotStarted::Refused(error)) => Err(error.into()),
    }
}

/// See where a transaction stands
#[utoipa::path(get, path = "/v1/transactions/{id}", tag = "transactions",
    params(("id" = Uuid, Path, description = "The register's number")),
    responses((status = 200, description = "Where it stands", body = TransactionReply),
        (status = 401, description = "token", body = LocalProblem),
        (status = 404, description = "no-such-transaction", body = LocalProblem)))]
async fn show(
    State(app): State<App>,
    id: Result<Path<Uuid>, PathRejection>,
) -> Result<Json<TransactionReply>, Failure> {
    Ok(Json(standing(&app, number(id)?).await?))
}

/// Give a transaction up
///
/// As long as no card is at work: then it is too late, and how it ends is told.
#[utoipa::path(delete, path = "/v1/transactions/{id}", tag = "transactions",
    params(("id" = Uuid, Path, description = "The register's number")),
    responses((status = 204, description = "It ends, and nothing is charged"),
        (status = 401, description = "token", body = LocalProblem),
        (status = 404, description = "no-such-transaction", body = LocalProblem),
        (status = 409, description = "not-now", body = LocalProblem)))]
async fn give_up(State(app): State<App>, id: Result<Path<Uuid>, PathRejection>) -> Result<StatusCode, Failure> {
    let id = standing(&app, number(id)?).await?.id;
    if app.counter.give_up(id) { Ok(StatusCode::NO_CONTENT) } else { Err(messages_local::not_now().into()) }
}

/// Hand over the PIN that the holder has typed on the register's own PIN pad
///
/// Where there is none, the holder types it on the page at the reader.
#[utoipa::path(post, path = "/v1/transactions/{id}/pin", tag = "transactions",
    params(("id" = Uuid, Path, description = "The register's number")), request_body = PinRequest,
    responses((status = 204, description = "The card is asked"),
        (status = 401, description = "token", body = LocalProblem),
        (status = 404, description = "no-such-transaction", body = LocalProblem),
        (status = 409, description = "not-now", body = LocalProblem),
        (status = 400, description = "bad-request: no JSON", body = LocalProblem),
        (status = 422, description = "bad-request, or no PIN", body = LocalProblem)))]
async fn pin(
    State(app): State<App>,
    id: Result<Path<Uuid>, PathRejection>,
    request: Result<Json<PinRequest>, JsonRejection>,
) -> Result<StatusCode, Failure> {
    let pin = read_pin(&secret_body(request)?.pin)?;
    let id = standing(&app, number(id)?).await?.id;
    if app.counter.pin(id, pin) { Ok(StatusCode::NO_CONTENT) } else { Err(messages_local::not_now().into()) }
}

/// A PIN for a transaction that waits for one.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct PinRequest {
    /// Six to eight digits.
    #[schema(value_type = String)]
    pin: PinText,
}

/// Follow a transaction
///
/// Server-sent events, to the transaction's end: each is named after the state and holds the whole of it, the first at
/// once. Steps that follow each other quickly may be told as one. A register passes over events that it does not know.
#[utoipa::path(get, path = "/v1/transactions/{id}/events", tag = "transactions",
    params(("id" = Uuid, Path, description = "The register's number")),
    responses((status = 200, description = "Events `pin`, `insert_card`, `progress` and `result`",
            content_type = "text/event-stream", body = TransactionReply),
        (status = 401, description = "token", body = LocalProblem),
        (status = 404, description = "no-such-transaction", body = LocalProblem)))]
async fn events(
    State(app): State<App>,
    id: Result<Path<Uuid>, PathRejection>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Failure> {
    let id = standing(&app, number(id)?).await?.id;
    let told = stream::unfold((app, None), move |(app, told)| async move {
        let said = news(&app, id, told).await?;
        let event = Event::default().event(said.state.name()).json_data(&said).expect("plain data always serialises");
        Some((Ok(event), (app, Some(said))))
    });
    Ok(Sse::new(told).keep_alive(KeepAlive::default()))
}

/// What is told next; nothing after the result, and when the daemon stops.
async fn news(app: &App, id: Uuid, told: Option<TransactionReply>) -> Option<TransactionReply> {
    if told.as_ref().is_some_and(|told| told.state == TransactionState::Result) {
        return None;
    }
    let (mut changes, mut stopping) = (app.counter.watch(), app.stopping.clone());
    loop {
        let now = standing(app, id).await.ok()?;
        if told.as_ref() != Some(&now) {
            return Some(now);
        }
        tokio::select! {
            changed = changes.changed() => changed.ok()?,
            _ = stopping.wait_for(|stopping| *stopping) => return None,
        }
    }
}

/// A transaction that was ordered before.
struct Known {
    reply: TransactionReply,
    /// What it gives back or undoes.
    original: Option<TapId>,
    /// The points that the holder gives.
    given: Option<u32>,
}

impl Known {
    /// One that is known by its tap alone.
    fn before(id: Uuid, Ordered { fate, is_guaranteed }: &Ordered) -> Self {
        let kept = End::Kept { is_guaranteed: *is_guaranteed };
        let end = fate.outcome.map_or(kept, |outcome| End::of(outcome, None, fate.points.map(Points::moved)));
        let (state, reason, result, points) = told(&Step::Ended(end));
        let reply = TransactionReply {
            id,
            operation: fate.operation,
            amount_fen: fate.amount,
            discount_fen: fate.discount,
            points,
            asked: Bearer::Holder,
            state,
            card: CardSeen::Ours,
            reason,
            result,
            tap_id: Some(fate.tap_id),
        };
        Self { reply, original: fate.original, given: fate.given }
    }

    /// Whether it is what is ordered now, at whichever reader.
    fn is_of(&self, request: &TransactionRequest) -> bool {
        let Self { reply: TransactionReply { operation, amount_fen, discount_fen, .. }, original, given } = self;
        let price = amount_fen.map(|paid| Fen(paid.0 + discount_fen.unwrap_or_default().0));
        let asked =
            (request.operation, request.amount_fen, request.payment, request.points.filter(|points| *points > 0));
        (*operation, price, *original, *given) == asked
    }
}

/// What was ordered under a number, also where the counter does not remember it any more.
async fn known(app: &App, id: Uuid) -> Result<Option<Known>, CliError> {
    if let Some(transaction) = app.counter.find(id) {
        let original = transaction.order.operation.original().map(|original| original.tap);
        let given = transaction.order.operation.given();
        return Ok(Some(Known { reply: reply(&transaction), original, given }));
    }
    let before = app.counter.before(id).await.map_err(|error| messages_daemon::outbox(&error))?;
    Ok(before.map(|ordered| Known::before(id, &ordered)))
}

/// Where a transaction stands.
async fn standing(app: &App, id: Uuid) -> Result<TransactionReply, CliError> {
    Ok(known(app, id).await?.ok_or_else(messages_local::no_such_transaction)?.reply)
}

/// A transaction as a register is told of it.
fn reply(transaction: &Transaction) -> TransactionReply {
    let (state, reason, result, points) = told(&transaction.step);
    TransactionReply {
        id: transaction.order.id,
        operation: transaction.order.operation.code(),
        amount_fen: transaction.order.operation.amount(),
        discount_fen: transaction.order.operation.discount(),
        points,
        asked: transaction.asked,
        state,
        card: transaction.card(),
        reason,
        result,
        tap_id: transaction.tap,
    }
}

fn told(step: &Step) -> (TransactionState, Option<Refusal>, Option<TransactionResult>, Option<i64>) {
    let (state, reason, result) = match step {
        Step::Pin { wrong } => (TransactionState::Pin, wrong.as_ref(), None),
        Step::Card { again } => (TransactionState::InsertCard, again.as_ref().map(|Again { said, .. }| said), None),
        Step::Reading | Step::Asking => (TransactionState::Progress, None, None),
        Step::Ended(end) => {
            let (result, reason) = match end {
                End::Accepted { .. } => (TransactionResult::Accepted, None),
                End::Kept { is_guaranteed: true } => (TransactionResult::AcceptedOffline, None),
                End::Kept { is_guaranteed: false } => (TransactionResult::Unconfirmed, None),
                End::Refused(said) => (TransactionResult::Refused, Some(said)),
                End::GivenUp => (TransactionResult::GivenUp, None),
            };
            (TransactionState::Result, reason, Some(result))
        }
    };
    let points = match step {
        Step::Ended(End::Accepted { points, .. }) => points.map(|points| points.moved),
        _ => None,
    };
    (state, reason.map(Refusal::from), result, points)
}
