//! `POST /v1/batches` on the listener for terminals.
//!
//! Who calls is known before: the wiring of that listener puts a [`TerminalIdentity`] from the client certificate into
//! the request. Everything wrong with single taps is in the receipt; a problem document answers for the batch as such.

use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Json, Router};
use card_schema::clock::Micros;
use card_schema::envelope::batch::Batch;
use card_schema::envelope::receipt::Receipt;
use card_schema::envelope::tap::LogHead;
use card_schema::envelope::{EnvelopeError, Kid, Payload as _, PublicKey, Signature, ToBeSigned};
use card_schema::ids::TerminalId;
use card_schema::wire::terminal::{BatchReply, BatchRequest};
use card_schema::wire::{Problem, ProblemType};
use tokio::sync::watch;

use super::verify::OpenBatch;
use super::{Policy, Submission, SubmitError, Writer};
use crate::cards;
use crate::db::{Db, DbError};
use crate::keys::{KeyError, KeyStore, Role};
use crate::terminals;

/// Seconds after which a terminal that found the queue full should come back.
const RETRY_AFTER_SECONDS: u16 = 2;
/// Base64 of the largest batch, with the JSON around it.
const MAX_BODY_BYTES: usize = Batch::MAX_BYTES / 3 * 4 + 1024;
/// From this many taps on, signatures are checked off the threads that serve connections.
const TAPS_CHECKED_IN_PLACE: usize = 8;

/// The terminal at the other end of this connection, from its client certificate.
#[derive(Clone, Copy, Debug)]
pub struct TerminalIdentity(pub TerminalId);

/// The service's clock.
pub type Clock = Arc<dyn Fn() -> Micros + Send + Sync>;

/// Everything that a batch meets. Cheap to clone.
#[derive(Clone)]
pub struct Intake {
    db: Db,
    writer: Writer,
    keys: Arc<dyn KeyStore>,
    receipt_kid: Kid,
    log_head: watch::Receiver<Option<LogHead>>,
    clock: Clock,
}

impl std::fmt::Debug for Intake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Intake").field("writer", &self.writer).finish_non_exhaustive()
    }
}

impl Intake {
    /// Starts the writer.
    ///
    /// # Errors
    /// When the key store has no receipt key.
    pub fn start(
        db: Db,
        keys: Arc<dyn KeyStore>,
        log_head: watch::Receiver<Option<LogHead>>,
        policy: Policy,
        clock: Clock,
    ) -> Result<Self, KeyError> {
        let point = keys.public(Role::Receipt)?;
        let public =
            PublicKey::from_sec1(&point).map_err(|_| KeyError::Crypto(Role::Receipt, "give an uncompressed point"))?;
        let writer = Writer::start(db.clone(), policy);
        Ok(Self { db, writer, keys, receipt_kid: Kid::Key(public.key_id()), log_head, clock })
    }

    /// Takes a batch from a terminal and answers with the bytes of the signed receipt.
    ///
    /// # Errors
    /// What is wrong with the batch as such.
    pub async fn accept(&self, from: TerminalId, batch: &[u8]) -> Result<Vec<u8>, Refusal> {
        let received_at = (self.clock)();
        let batch = OpenBatch::decode(batch)?;
        if batch.terminal() != from {
            return Err(Refusal::AnotherTerminal);
        }
        let mut connection = self.db.read().acquire().await.map_err(DbError::from)?;
        let terminal_key = terminals::store::one(&mut connection, from)
            .await?
            .and_then(|terminal| terminal.public_key)
            .ok_or(Refusal::Submit(SubmitError::UnknownTerminal))?;
        batch.verify(&terminal_key)?;
        let cards = cards::load_for_intake(&mut connection, &batch.cards()).await?;
        drop(connection);

        let (id, count) = (batch.id, batch.len());
        let check = move || batch.check_taps(&terminal_key, &cards);
        let taps = if count > TAPS_CHECKED_IN_PLACE {
            tokio::task::spawn_blocking(check).await.map_err(|_| Refusal::Submit(SubmitError::Stopping))?
        } else {
            check()
        };
        let outcomes = self.writer.submit(Submission { terminal: from, taps, received_at }).await?;
        tracing::info!(terminal = %from, taps = count, "a batch is decided");

        let log_head = *self.log_head.borrow();
        let receipt = Receipt { batch: id, at: (self.clock)(), outcomes, log_head };
        let to_be_signed = ToBeSigned::new(&receipt, self.receipt_kid);
        let signature = self.keys.sign(Role::Receipt, to_be_signed.message())?;
        let signature = signature.try_into().map_err(|_| KeyError::Crypto(Role::Receipt, "make 64 bytes"))?;
        Ok(to_be_signed.sign(&Signature(signature)))
    }
}

/// The routes of intake.
pub fn router(intake: Intake) -> Router {
    Router::new().route("/v1/batches", post(post_batch)).layer(DefaultBodyLimit::max(MAX_BODY_BYTES)).with_state(intake)
}

async fn post_batch(
    State(intake): State<Intake>,
    identity: Option<Extension<TerminalIdentity>>,
    request: Result<Json<BatchRequest>, JsonRejection>,
) -> Result<Json<BatchReply>, Refusal> {
    let Extension(TerminalIdentity(from)) = identity.ok_or(Refusal::Nobody)?;
    let Json(request) = request?;
    let receipt = intake.accept(from, &request.batch.0).await?;
    Ok(Json(BatchReply { receipt: receipt.into() }))
}

/// Why a batch as such is refused.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The connection bears no terminal's certificate.
    #[error("no client certificate of a terminal")]
    Nobody,
    /// Not the JSON that is expected.
    #[error("the request is not of the expected form")]
    Json(#[from] JsonRejection),
    /// The bytes of the batch, or its signature.
    #[error("the batch is refused")]
    Envelope(#[from] EnvelopeError),
    /// The batch names another terminal than the certificate.
    #[error("the batch is another terminal's")]
    AnotherTerminal,
    /// The writer did not take or write it.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// The database could not be read.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The receipt could not be signed.
    #[error(transparent)]
    Keys(#[from] KeyError),
}

impl Refusal {
    fn status(&self) -> (StatusCode, ProblemType) {
        use ProblemType as P;
        match self {
            Self::Nobody => (StatusCode::UNAUTHORIZED, P::UnknownTerminal),
            Self::Json(rejected) if rejected.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                (StatusCode::PAYLOAD_TOO_LARGE, P::TooLarge)
            }
            Self::Json(_) => (StatusCode::BAD_REQUEST, P::MalformedRequest),
            Self::Envelope(EnvelopeError::TooLarge { .. }) => (StatusCode::PAYLOAD_TOO_LARGE, P::TooLarge),
            Self::Envelope(EnvelopeError::SignatureMismatch) => (StatusCode::FORBIDDEN, P::BadSignature),
            Self::Envelope(_) => (StatusCode::BAD_REQUEST, P::BadEnvelope),
            Self::AnotherTerminal => (StatusCode::FORBIDDEN, P::Forbidden),
            Self::Submit(SubmitError::UnknownTerminal) => (StatusCode::FORBIDDEN, P::UnknownTerminal),
            Self::Submit(SubmitError::Full | SubmitError::Stopping) => (StatusCode::SERVICE_UNAVAILABLE, P::Busy),
            Self::Submit(SubmitError::Db(error)) if error.is_transient() => {
                (StatusCode::SERVICE_UNAVAILABLE, P::Storage)
            }
            Self::Db(error) if error.is_transient() => (StatusCode::SERVICE_UNAVAILABLE, P::Storage),
            Self::Submit(SubmitError::Db(_)) | Self::Db(_) | Self::Keys(_) => {
                (StatusCode::INTERNAL_SERVER_ERROR, P::Internal)
            }
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, kind) = self.status();
        if status.is_server_error() {
            let cause = std::error::Error::source(&self).map(ToString::to_string);
            tracing::error!(error = %self, cause, "a batch was not taken");
        }
        // Only what concerns the caller's own bytes is explained; what failed inside is in the log.
        let detail = match &self {
            Self::Envelope(error) => Some(error.to_string()),
            Self::Json(error) => Some(error.body_text()),
            _ => None,
        };
        let title = if status == StatusCode::INTERNAL_SERVER_ERROR {
            "something failed inside".to_owned()
        } else {
            self.to_string()
        };
        let mut response = (status, Json(Problem { kind, title, status: status.as_u16(), detail })).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(Problem::MEDIA_TYPE));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
        }
        response
    }
}
