//! `POST /v1/batches` on the listener for terminals.
//!
//! Who calls is known before: the wiring of that listener puts a [`TerminalIdentity`] from the client certificate into
//! the request. Everything wrong with single taps is in the receipt; a problem document answers for the batch as such.

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::{Extension, Json};
use card_schema::clock::Micros;
use card_schema::envelope::batch::Batch;
use card_schema::envelope::receipt::Receipt;
use card_schema::envelope::tap::LogHead;
use card_schema::envelope::{Kid, Payload as _, PublicKey, Signature, ToBeSigned};
use card_schema::ids::TerminalId;
use card_schema::wire::ProblemType;
use card_schema::wire::terminal::{BatchReply, BatchRequest};
use tokio::sync::watch;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::memory::Memory;
use super::submission::{Means, Policy, Submission, SubmitError};
use super::verify::OpenBatch;
use super::writer::Writer;
use crate::db::Db;
use crate::evidence::Recent;
use crate::http::{Body, Refusal};
use crate::keys::{KeyError, KeyStore, Role};

/// Base64 of the largest batch, with the JSON around it.
const MAX_BODY_BYTES: usize = Batch::MAX_BYTES / 3 * 4 + 1024;
/// From this many taps on, signatures are checked off the threads that serve connections.
const TAPS_CHECKED_IN_PLACE: usize = 8;

/// The terminal at the other end of this connection, from its client certificate.
#[derive(Clone, Copy, Debug)]
pub struct TerminalIdentity {
    /// Whom the certificate names.
    pub terminal: TerminalId,
    /// The key that it is for.
    pub key: PublicKey,
}

/// The service's clock.
pub type Clock = Arc<dyn Fn() -> Micros + Send + Sync>;

/// Everything that a batch meets. Cheap to clone.
#[derive(Clone)]
pub struct Intake {
    db: Db,
    means: Arc<Means>,
    pub(super) writer: Writer,
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
        recent: Recent,
        policy: Policy,
        clock: Clock,
    ) -> Result<Self, KeyError> {
        let point = keys.public(Role::Receipt)?;
        let public =
            PublicKey::from_sec1(&point).map_err(|_| KeyError::Crypto(Role::Receipt, "give an uncompressed point"))?;
        let means = Arc::new(Means { policy, memory: Memory::new(recent) });
        let writer = Writer::start(db.clone(), Arc::clone(&means));
        Ok(Self { db, means, writer, keys, receipt_kid: Kid::Key(public.key_id()), log_head, clock })
    }

    /// Takes a batch from a terminal and answers with the bytes of the signed receipt.
    ///
    /// # Errors
    /// What is wrong with the batch as such.
    pub async fn accept(&self, from: TerminalId, batch: &[u8]) -> Result<Vec<u8>, Refusal> {
        let place = self.writer.place()?;
        let received_at = (self.clock)();
        let batch = OpenBatch::decode(batch)?;
        if batch.terminal() != from {
            return Err(Refusal::because(ProblemType::Forbidden, "batch-of-another-terminal"));
        }
        let terminal = self.means.memory.terminal(&self.db, from).await?.ok_or(SubmitError::UnknownTerminal)?;
        let key = terminal.public_key.ok_or(SubmitError::UnknownTerminal)?;
        batch.verify(&key)?;
        let cards = self.means.memory.cards(&self.db, &batch.cards()).await?;

        let (id, count) = (batch.id, batch.len());
        let check = move || batch.check_taps(&key, &cards);
        let taps = if count > TAPS_CHECKED_IN_PLACE {
            tokio::task::spawn_blocking(check).await.map_err(|_| SubmitError::Stopping)?
        } else {
            check()
        };
        let outcomes = place.submit(Submission { terminal: from, key, taps, received_at }).await?;
        tracing::debug!(terminal = %from, taps = count, "a batch is decided");

        let log_head = *self.log_head.borrow();
        let receipt = Receipt { batch: id, at: (self.clock)(), outcomes, log_head };
        let to_be_signed = ToBeSigned::new(&receipt, self.receipt_kid);
        let signature = self.keys.sign(Role::Receipt, to_be_signed.message())?;
        let signature = signature.try_into().map_err(|_| KeyError::Crypto(Role::Receipt, "make 64 bytes"))?;
        Ok(to_be_signed.sign(&Signature(signature)))
    }
}

/// The routes of intake, for the terminals' listener. They take an [`Intake`] from the request.
pub fn router<S: Clone + Send + Sync + 'static>() -> OpenApiRouter<S> {
    OpenApiRouter::new().routes(routes!(post_batch)).layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
}

/// Bring taps: all of them are decided, once; the receipt says what became of each
#[utoipa::path(post, path = "/v1/batches", tag = "terminal listener", request_body = BatchRequest, responses(
    (status = 200, description = "Everything is durable; the receipt is signed", body = BatchReply)),
    extensions(("x-problems" = json!([
        (ProblemType::BadEnvelope, "The batch cannot be read"),
        (ProblemType::BadSignature, "The batch is not signed by the terminal's key"),
        (ProblemType::Forbidden, "The batch is another terminal's"),
        (ProblemType::Busy, "No room in the queue, or the service is stopping"),
    ]))))]
async fn post_batch(
    Extension(intake): Extension<Intake>,
    identity: Option<Extension<TerminalIdentity>>,
    Body(request): Body<BatchRequest>,
) -> Result<Json<BatchReply>, Refusal> {
    let Extension(from) = identity.ok_or_else(|| Refusal::new(ProblemType::UnknownTerminal))?;
    let receipt = intake.accept(from.terminal, &request.batch.0).await?;
    Ok(Json(BatchReply { receipt: receipt.into() }))
}

impl From<SubmitError> for Refusal {
    fn from(error: SubmitError) -> Self {
        let kind = match &error {
            SubmitError::UnknownTerminal => return Self::new(ProblemType::UnknownTerminal),
            // Counted, not logged: it is said thousands of times a second when it is said at all.
            SubmitError::Full => return Self::new(ProblemType::Busy),
            SubmitError::Stopping => ProblemType::Busy,
            SubmitError::Db(cause) if cause.is_transient() => ProblemType::Storage,
            SubmitError::Db(_) => ProblemType::Internal,
        };
        Self::caused(kind, error)
    }
}
