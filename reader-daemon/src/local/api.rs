//! The requests of the local API. Each handler names an operation; the bytes that a card signs are made elsewhere.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{
        Path, Query, State,
        rejection::{JsonRejection, PathRejection},
    },
    http::StatusCode,
    routing::{get, post},
};
use card_schema::{
    envelope::receipt::Outcome,
    ids::TapId,
    money::Fen,
    operation::{Operation, OperationCode, gate, points::Undo, purse, sign_in},
    wire::terminal::{SignInLink, SignInProof},
};
use serde::Deserialize;
use tokio::sync::watch;
use uuid::Uuid;

use super::{
    Prompts,
    page::{self, Visits},
    problem::Failure,
    transactions, validator,
    wire::{
        OutboxEntry, OutboxReply, PinText, PointsReply, Prompt, PromptAnswer, ReaderStatus, SignInRequest, Status,
        TapReply, TapRequest, TapState,
    },
};
use crate::{
    cli::{messages::CliError, messages_card, messages_daemon as messages, messages_local, messages_outcome},
    clinic::Clinic,
    counter::Counter,
    outbox::Outbox,
    piv::Pin,
    station::{ReaderState, StationError, Stations, TapOrder, Told},
    submit::{
        SubmitterHandle,
        client::{ServiceClient, ServiceError},
    },
    tap::{Ask, Knowledge, Refused, Shared, points},
    validator::Validator,
};

/// The longest that a request may wait for a card, a question or a receipt.
const WAIT_MAX: Duration = Duration::from_mins(2);
/// How long somebody who signs in waits for the service's answer to the tap.
const SIGN_IN_WAIT: Duration = Duration::from_secs(20);
/// Taps in one list.
const LIST_MAX: u16 = 1_000;

/// What the handlers work with.
#[derive(Clone, Debug)]
pub struct App {
    /// The readers.
    pub stations: Arc<Stations>,
    /// The outbox.
    pub outbox: Arc<Outbox>,
    /// What the terminal knows.
    pub known: Shared,
    /// The service, for what is asked of it at once.
    pub service: Arc<ServiceClient>,
    /// The way up.
    pub submitter: SubmitterHandle,
    /// What jobs ask.
    pub prompts: Prompts,
    /// What is being paid.
    pub counter: Counter,
    /// The visits of a clinic's desk.
    pub clinic: Clinic,
    /// Readers that validate.
    pub validator: Validator,
    /// The browsers that were let in.
    pub visits: Visits,
    /// True when the daemon is asked to stop: nobody waits any longer.
    pub stopping: watch::Receiver<bool>,
}

pub(super) fn routes(app: App) -> Router {
    Router::new()
        .route("/v1/taps", post(tap))
        .route("/v1/sign-ins", post(sign_in_of_program))
        .route("/v1/pages", post(page::invite))
        .route("/v1/status", get(status))
        .route("/v1/outbox", get(outbox))
        .route("/v1/outbox/retry", post(retry))
        .route("/v1/prompts", get(prompts))
        .route("/v1/prompts/{id}", post(answer))
        .route("/v1/validator", get(validator::show).put(validator::set))
        .route("/v1/passes", post(validator::pass))
        .merge(Router::from(transactions::routes()))
        .fallback(|| async { Failure { status: StatusCode::NOT_FOUND, error: messages_local::no_such_request() } })
        .with_state(app)
}

pub(super) fn body<T>(json: Result<Json<T>, JsonRejection>) -> Result<T, Failure> {
    json.map(|Json(body)| body)
        .map_err(|error| Failure { status: error.status(), error: messages_local::bad_request(&error.body_text()) })
}

/// The body of a request that may hold a PIN: what is wrong with it is not repeated.
pub(super) fn secret_body<T>(json: Result<Json<T>, JsonRejection>) -> Result<T, Failure> {
    json.map(|Json(body)| body).map_err(|error| Failure {
        status: error.status(),
        error: messages_local::bad_request("not of the documented form (a PIN is a string)"),
    })
}

/// A number in a path.
pub(super) fn number(path: Result<Path<Uuid>, PathRejection>) -> Result<Uuid, Failure> {
    path.map(|Path(id)| id).map_err(|_| messages_local::bad_request("a number in the path is a UUID").into())
}

async fn tap(
    State(app): State<App>,
    request: Result<Json<TapRequest>, JsonRejection>,
) -> Result<Json<TapReply>, Failure> {
    let request = secret_body(request)?;
    let receipt_wait = Duration::from_millis(request.receipt_wait_ms).min(WAIT_MAX);
    let order = read_order(&app.known.now(), &request, original(&app, request.payment).await?)?;
    drop(request);
    match ordered(&app, order).await? {
        Ok(told) => Ok(Json(wait_for_receipt(&app, told, receipt_wait).await)),
        Err(StationError::Tap(error)) if messages::is_refusal(&error) => {
            tracing::info!(%error, "a tap was refused");
            Ok(Json(refused(&messages::tap(&error))))
        }
        Err(error) => {
            tracing::warn!(%error, "no tap");
            Err(messages::station(&error).into())
        }
    }
}

/// Takes a tap, on its own: a caller who goes away does not stop a card in the middle of a signature.
async fn ordered(app: &App, order: TapOrder) -> Result<Result<Told, StationError>, CliError> {
    let stations = Arc::clone(&app.stations);
    tokio::spawn(async move { stations.tap(order).await }).await.map_err(|error| messages::internal(&error))
}

/// A staff card signs what the service asks for, and the service answers the page that signs its bearer in.
pub(super) async fn sign_in(app: &App, request: SignInRequest) -> Result<SignInLink, Failure> {
    let pin = read_pin(&request.pin)?;
    let given = app.service.sign_in_challenge().await.map_err(|error| messages::sign_in(&error))?;
    let challenge =
        given.challenge.0.try_into().map_err(|_| messages_local::bad_request("a challenge has 32 bytes"))?;
    let operation = Operation::SignIn(sign_in::SignIn { audience: given.audience, challenge });
    let wait = Duration::from_millis(request.wait_ms).min(WAIT_MAX);
    let ask = Ask { operation, pin: Some(pin), card: None, order: None, after: None };
    let order = TapOrder { reader: request.reader, ask, wait };
    let told = ordered(app, order).await?.map_err(|error| messages::station(&error))?;
    let reply = wait_for_receipt(app, told, SIGN_IN_WAIT).await;
    match (reply.outcome, reply.card_id.zip(reply.tap_id)) {
        (Some(Outcome::Accepted), Some((card_id, tap_id))) => {
            let link = app.service.sign_in_link(&SignInProof { card_id, tap_id }).await;
            Ok(link.map_err(|error| messages::sign_in(&error))?)
        }
        (Some(Outcome::OperationNotAllowed), _) => Err(messages::sign_in_no_card().into()),
        (Some(outcome), _) => Err(messages_outcome::outcome(outcome).into()),
        (None, _) => Err(messages::sign_in(&ServiceError::Unreachable("no receipt".to_owned())).into()),
    }
}

async fn sign_in_of_program(
    State(app): State<App>,
    request: Result<Json<SignInRequest>, JsonRejection>,
) -> Result<Json<SignInLink>, Failure> {
    sign_in(&app, secret_body(request)?).await.map(Json)
}

pub(super) fn read_pin(pin: &PinText) -> Result<Pin, CliError> {
    Pin::parse(&pin.0).map_err(|error| messages_card::secret_format("PIN", error))
}

/// The payment that a program wants to give back, as this terminal has taken it.
pub(super) async fn original(app: &App, payment: Option<TapId>) -> Result<Option<purse::Original>, CliError> {
    let Some(tap) = payment else { return Ok(None) };
    let known = app.outbox.fate(tap).await.map_err(|error| messages::outbox(&error))?;
    Ok(Some(purse::Original { tap, at: known.ok_or_else(messages_local::no_such_tap)?.at }))
}

/// What a program asks for: it chooses the operation, an amount, points and what is given back, and nothing else of the bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) code: OperationCode,
    /// For a payment, the price.
    pub(super) amount: Option<Fen>,
    /// The points that the holder gives.
    pub(super) points: Option<u32>,
    pub(super) original: Option<purse::Original>,
}

/// The operation that a program asks for, by the terms that this terminal knows.
pub(super) fn read_operation(known: &Knowledge, asked: Asked) -> Result<Operation, CliError> {
    let Asked { code, amount, points: given, original } = asked;
    let names_original =
        matches!(code, OperationCode::PurseRefund | OperationCode::PurseVoid | OperationCode::PointsUndo);
    if original.is_some() != names_original {
        let said = "payment belongs to purse.refund, purse.void and points.undo, and to nothing else";
        return Err(messages_local::bad_request(said));
    }
    if given.is_some() && !matches!(code, OperationCode::PursePayment | OperationCode::PointsRedemption) {
        let said = "points belong to purse.payment and points.redemption, and to nothing else";
        return Err(messages_local::bad_request(said));
    }
    if amount.is_some() && matches!(code, OperationCode::PointsRedemption | OperationCode::PointsUndo) {
        return Err(messages_local::bad_request("amount_fen does not belong to this operation"));
    }
    let amount = || amount.ok_or_else(|| messages_local::bad_request("amount_fen is missing"));
    let refused = |refused: Refused| messages::tap(&refused.into());
    match code {
        OperationCode::PursePayment => {
            let payment = points::payment(amount()?, given.unwrap_or_default(), known);
            payment.map(Operation::PursePayment).map_err(refused)
        }
        OperationCode::PointsAward => points::award(amount()?, known).map(Operation::PointsAward).map_err(refused),
        OperationCode::PointsRedemption => {
            let given = given.ok_or_else(|| messages_local::bad_request("points are missing"))?;
            points::redemption(given, known).map(Operation::PointsRedemption).map_err(refused)
        }
        OperationCode::PointsUndo => Ok(Operation::PointsUndo(Undo { original: original.expect("looked for above") })),
        OperationCode::PurseTopUp => Ok(Operation::PurseTopUp(purse::TopUp::cash(amount()?))),
        OperationCode::PurseRefund | OperationCode::PurseVoid => {
            let original = original.expect("looked for above");
            let back = purse::Return { original, amount: amount()? };
            let is_void = code == OperationCode::PurseVoid;
            Ok(if is_void { Operation::PurseVoid(back) } else { Operation::PurseRefund(back) })
        }
        OperationCode::GateCheck => Ok(Operation::GateCheck(gate::Check)),
        // A balance, a statement and a dispute are for the holder's page, bills for the clinic's, an approval belongs to its top-up, what a
        // staff card signs is asked of the service, a consent is part of a job, an abandoned number the terminal's own.
        OperationCode::PurseInquiry
        | OperationCode::PurseStatement
        | OperationCode::PurseTopUpApproval
        | OperationCode::TransitValidation
        | OperationCode::TransitInspection
        | OperationCode::TransitPass
        | OperationCode::SocialSecurityDispute
        | OperationCode::ClinicCheckIn
        | OperationCode::ClinicSettlement
        | OperationCode::ClinicReversal
        | OperationCode::SignIn
        | OperationCode::RegistrationConsent
        | OperationCode::Abandoned => Err(messages_local::bad_request("this operation cannot be asked for here")),
    }
}

fn read_order(
    known: &Knowledge,
    request: &TapRequest,
    original: Option<purse::Original>,
) -> Result<TapOrder, CliError> {
    let (code, amount, points) = (request.operation, request.amount_fen, request.points);
    let operation = read_operation(known, Asked { code, amount, points, original })?;
    let pin = request.pin.as_ref().map(read_pin).transpose()?;
    let wait = Duration::from_millis(request.wait_ms).min(WAIT_MAX);
    Ok(TapOrder {
        reader: request.reader.clone(),
        ask: Ask { operation, pin, card: None, order: None, after: None },
        wait,
    })
}

/// Hands the tap to the submitter, and waits for the service's answer while there is hope.
async fn wait_for_receipt(app: &App, told: Told, wait: Duration) -> TapReply {
    let mut reply = TapReply {
        state: TapState::Signed,
        tap_id: Some(told.taken.id),
        card_id: Some(told.taken.card),
        outcome: None,
        balance_fen: None,
        points: None,
        refusal: None,
        timing: told.timing,
        apdus: told.usage.apdus,
        wire_bytes: u32::try_from(told.usage.wire_bytes()).unwrap_or(u32::MAX),
    };
    // What the terminal has decided by itself waits for nobody.
    let wait = if told.taken.accepted_offline { Duration::ZERO } else { wait };
    if let Some(outcome) = app.submitter.outcome(told.taken.id, wait).await {
        let accepted = outcome.outcome == Outcome::Accepted;
        reply.state = if accepted { TapState::Accepted } else { TapState::Refused };
        reply.outcome = Some(outcome.outcome);
        reply.balance_fen = outcome.balance;
        reply.points = outcome.points.map(|points| PointsReply { moved: points.moved, balance: points.balance });
    }
    reply
}

fn refused(error: &CliError) -> TapReply {
    TapReply {
        state: TapState::Refused,
        tap_id: None,
        card_id: None,
        outcome: None,
        balance_fen: None,
        points: None,
        refusal: Some(error.into()),
        timing: super::wire::Timing::default(),
        apdus: 0,
        wire_bytes: 0,
    }
}

async fn status(State(app): State<App>) -> Json<Status> {
    let known = app.known.now();
    let readers = app.stations.presence().readers().into_iter();
    Json(Status {
        terminal_id: known.profile.terminal_id,
        name: known.profile.name.clone(),
        readers: readers
            .map(|(name, state)| ReaderStatus { name, card_present: matches!(state, ReaderState::Card(_)) })
            .collect(),
        pending: app.outbox.waiting().taps,
        status_version: known.status_version(),
        online: app.submitter.online(),
    })
}

async fn outbox(State(app): State<App>) -> Result<Json<OutboxReply>, Failure> {
    let pending = app.outbox.waiting().taps;
    let taps = app.outbox.pending(LIST_MAX).await.map_err(|error| messages::outbox(&error))?.into_iter();
    let taps = taps.map(|tap| OutboxEntry {
        tap_id: tap.tap_id,
        operation: tap.operation,
        card_id: tap.card,
        lane: tap.lane,
        counter: tap.counter,
        at: tap.at,
        amount_fen: tap.amount,
    });
    Ok(Json(OutboxReply { pending, taps: taps.collect() }))
}

/// Whatever comes along is read: otherwise the connection may be closed before the next request on it.
async fn retry(state: State<App>, _read: Bytes) -> Result<Json<OutboxReply>, Failure> {
    state.submitter.retry();
    outbox(state).await
}

#[derive(Deserialize)]
struct Wait {
    #[serde(default)]
    wait_s: u64,
}

async fn prompts(State(app): State<App>, Query(wait): Query<Wait>) -> Json<Vec<Prompt>> {
    Json(app.prompts.open(Duration::from_secs(wait.wait_s).min(WAIT_MAX)).await)
}

async fn answer(
    State(app): State<App>,
    id: Result<Path<Uuid>, PathRejection>,
    given: Result<Json<PromptAnswer>, JsonRejection>,
) -> Result<StatusCode, Failure> {
    let (id, given) = (number(id)?, secret_body(given)?);
    if let Some(pin) = &given.pin {
        read_pin(pin)?;
    }
    if app.prompts.answer(id, given) { Ok(StatusCode::NO_CONTENT) } else { Err(messages_local::question_over().into()) }
}

#[cfg(test)]
mod tests {
    use card_schema::{
        clock::Micros,
        points::{ProgrammeId, Terms, Worth},
    };

    use super::*;
    use crate::tap::tests::knowledge;

    #[test]
    fn no_caller_chooses_what_a_card_signs_beyond_amount_points_and_what_goes_back() {
        use OperationCode::{
            GateCheck, PointsAward, PointsRedemption, PointsUndo, PursePayment, PurseRefund, PurseTopUp, PurseVoid,
        };
        let mut known = knowledge();
        let (programme, name) = (ProgrammeId(7), "测试街".to_owned());
        let worth = Some(Worth { points: 100, fen: Fen(50) });
        Arc::make_mut(&mut known.profile).points = Some(Terms { programme, name, earn: vec![], worth });
        let (amount, paid) = (Some(Fen(1_000)), Some(purse::Original { tap: TapId([7; 32]), at: Micros(5) }));
        for operation in OperationCode::ALL {
            let ordered = |amount_fen, points, original| {
                let (reader, pin, wait_ms, receipt_wait_ms) = (None, None, 0, 0);
                let request =
                    TapRequest { operation, amount_fen, points, payment: None, reader, pin, wait_ms, receipt_wait_ms };
                read_order(&known, &request, original).map(|order| order.ask.operation.code()).ok()
            };
            let table: [(&[OperationCode], _); 8] = [
                (&[GateCheck], (None, None, None)),
                (&[PursePayment, PurseTopUp, PointsAward, GateCheck], (amount, None, None)),
                (&[PointsRedemption], (None, Some(100), None)),
                (&[PursePayment], (amount, Some(100), None)),
                (&[PointsUndo], (None, None, paid)),
                (&[PurseRefund, PurseVoid], (amount, None, paid)),
                (&[], (None, Some(100), paid)),
                (&[], (amount, Some(100), paid)),
            ];
            for (may, asked) in table {
                let said = ordered(asked.0, asked.1, asked.2);
                assert_eq!(said, may.contains(&operation).then_some(operation), "{operation:?} with {asked:?}");
            }
        }
        for name in ["audience", "challenge", "digest"] {
            let text = format!(r#"{{"operation": "gate.check", "{name}": "00"}}"#);
            assert!(serde_json::from_str::<TapRequest>(&text).is_err(), "{name}");
        }
    }
}
