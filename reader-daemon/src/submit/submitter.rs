//! The loop that empties the outbox. Read [`Submitter::run`] for its whole story.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use card_schema::{
    envelope::{
        batch::{Batch, MAX_TAPS},
        receipt::{Outcome, Receipt, TapOutcome},
    },
    ids::{BatchId, TapId},
    wire::{Bytes, terminal::BatchRequest},
};
use tokio::{
    sync::{Notify, oneshot, watch},
    time::Instant,
};

use super::{
    client::{ServiceClient, ServiceError},
    receipt::{self, ReceiptError},
    refresh, renewal,
};
use crate::{
    identity::Identity,
    outbox::{Outbox, OutboxError, PendingTap},
    tap::Shared,
};

/// Taps in one batch: as many as one may carry, since each batch is waited for.
const BATCH_TAPS: u16 = 256;
const _: () = assert!(BATCH_TAPS as usize == MAX_TAPS);
/// How often it is looked at whether the certificate has to be renewed.
const RENEW_EVERY: Duration = Duration::from_hours(1);
/// The first pause after a failure.
const PAUSE_MIN: Duration = Duration::from_millis(250);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_mins(1);

/// What others may ask of the submitter.
#[derive(Clone, Debug)]
pub struct SubmitterHandle {
    stored: Arc<Notify>,
    retry: Arc<Notify>,
    waiting: Arc<Mutex<HashMap<TapId, oneshot::Sender<TapOutcome>>>>,
    reached: watch::Receiver<Reached>,
}

/// Whether the service is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// Whether the last exchange succeeded; nothing before the first.
    online: Option<bool>,
    /// Exchanges that have failed.
    failed: u64,
}

impl SubmitterHandle {
    /// A tap was stored, or the service seems to be there again: try unless it asked for patience.
    pub fn stored(&self) {
        self.stored.notify_one();
    }

    /// A tap was stored: what the service says of it, within `wait` and as long as no exchange has failed since.
    pub async fn outcome(&self, tap: TapId, wait: Duration) -> Option<TapOutcome> {
        let mut reached = self.reached.clone();
        let failed = reached.borrow().failed;
        let (answer, answered) = oneshot::channel();
        {
            let mut waiting = self.waiting.lock().expect("nobody panics while holding this lock");
            // Callers that gave up leave closed channels behind.
            waiting.retain(|_, answer| !answer.is_closed());
            waiting.insert(tap, answer);
        }
        self.stored();
        tokio::select! {
            outcome = answered => outcome.ok(),
            // An error means that the submitter has stopped: nobody answers any more.
            _ = reached.wait_for(|reached| reached.failed > failed) => None,
            () = tokio::time::sleep(wait) => None,
        }
    }

    /// Try now, also in the middle of a pause.
    pub fn retry(&self) {
        self.retry.notify_one();
    }

    /// Whether the last exchange with the service succeeded; nothing before the first.
    pub fn online(&self) -> Option<bool> {
        self.reached.borrow().online
    }

    /// Sees whether that has changed.
    pub fn watch(&self) -> watch::Receiver<Reached> {
        self.reached.clone()
    }
}

/// Hands stored taps to the service.
#[derive(Debug)]
pub struct Submitter {
    outbox: Arc<Outbox>,
    client: Arc<ServiceClient>,
    identity: Arc<Identity>,
    known: Shared,
    refresh_every: Duration,
    handle: SubmitterHandle,
    reached: watch::Sender<Reached>,
    renew_at: Instant,
}

#[derive(Debug, thiserror::Error)]
enum SubmitError {
    #[error(transparent)]
    Service(#[from] ServiceError),
    #[error(transparent)]
    Receipt(#[from] ReceiptError),
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    #[error(transparent)]
    Refresh(#[from] refresh::RefreshError),
    #[error("{0}")]
    Sign(String),
}

impl SubmitError {
    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Service(ServiceError::Busy { retry_after })
            | Self::Refresh(refresh::RefreshError::Service(ServiceError::Busy { retry_after })) => *retry_after,
            _ => None,
        }
    }
}

impl Submitter {
    /// A submitter that has not started.
    pub fn new(
        outbox: Arc<Outbox>,
        client: Arc<ServiceClient>,
        identity: Arc<Identity>,
        known: Shared,
        refresh_every: Duration,
    ) -> Self {
        let (reached, seen) = watch::channel(Reached::default());
        let handle = SubmitterHandle {
            stored: Arc::new(Notify::new()),
            retry: Arc::new(Notify::new()),
            waiting: Arc::default(),
            reached: seen,
        };
        Self { outbox, client, identity, known, refresh_every, handle, reached, renew_at: Instant::now() }
    }

    /// For whoever stores taps or asks how it goes.
    pub fn handle(&self) -> SubmitterHandle {
        self.handle.clone()
    }

    /// Empties the outbox, refreshes what is known, waits for the next tap; after a failure pauses, each time longer but
    /// no longer than to the next tap, or as long as the service asks. Ends only with its task.
    pub async fn run(mut self) {
        let mut pauses = pauses();
        let mut refresh_at = Instant::now();
        loop {
            let done = self.drain_and_refresh(&mut refresh_at).await;
            self.say_online(done.is_ok());
            let Err(error) = done else {
                pauses = self::pauses();
                tokio::select! {
                    () = self.handle.stored.notified() => {}
                    () = self.handle.retry.notified() => refresh_at = Instant::now(),
                    () = tokio::time::sleep_until(refresh_at) => {}
                }
                continue;
            };
            let (asked, next) = (error.retry_after(), pauses.next().unwrap_or(PAUSE_MAX));
            let pause = asked.unwrap_or(next);
            tracing::warn!(%error, pause_ms = pause.as_millis(), "the service has not taken the taps yet");
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                // Whoever stands at the counter shall not hear what was true a minute ago.
                () = self.handle.stored.notified(), if asked.is_none() => {}
                () = self.handle.retry.notified() => refresh_at = Instant::now(),
            }
        }
    }

    async fn drain_and_refresh(&mut self, refresh_at: &mut Instant) -> Result<(), SubmitError> {
        let mut sent = false;
        loop {
            let taps = self.outbox.pending(BATCH_TAPS).await?;
            if taps.is_empty() {
                break;
            }
            let receipt = self.submit(taps).await?;
            if receipt.outcomes.iter().any(|outcome| outcome.outcome == Outcome::Quarantined) {
                // This terminal may have been revoked: it asks at once, and not after many more taps.
                *refresh_at = Instant::now();
            }
            // Told at once: at a busy counter the outbox may not be found empty for long, and whoever pays would
            // meanwhile be treated as if the service were away.
            self.say_online(true);
            sent = true;
        }
        if sent {
            self.outbox.checkpoint().await?;
        }
        if *refresh_at <= Instant::now() {
            self.renew().await;
            refresh::refresh(&self.client, &self.outbox, &self.known, &self.identity).await?;
            self.ask_about_held().await?;
            *refresh_at = Instant::now() + self.refresh_every;
        }
        Ok(())
    }

    /// As long as the certificate is valid, that it could not be renewed is nobody's concern but the operator's.
    async fn renew(&mut self) {
        if Instant::now() < self.renew_at {
            return;
        }
        // Taps wait meanwhile, so it is tried now and then.
        self.renew_at = Instant::now() + RENEW_EVERY;
        match renewal::renew(&self.client, &self.identity, crate::clock::now()).await {
            Ok(None) => {}
            Ok(Some(renewed)) => self.identity = Arc::new(renewed),
            Err(error) => tracing::warn!(%error, "the terminal's certificate is not renewed yet"),
        }
    }

    /// First to whoever decides about taps, then to whoever looks.
    fn say_online(&self, online: bool) {
        if self.known.now().online != Some(online) {
            self.known.update(|known| known.online = Some(online));
        }
        self.reached.send_modify(|reached| {
            reached.online = Some(online);
            reached.failed += u64::from(!online);
        });
    }

    /// Brings taps in one batch, and what the service answers: not verified yet.
    async fn bring(&self, taps: Vec<Vec<u8>>) -> Result<(BatchId, Vec<u8>), SubmitError> {
        let batch = Batch { terminal: self.identity.file.terminal_id, at: crate::clock::now(), taps };
        let (id, envelope) = self.identity.key.seal(&batch).map_err(|error| SubmitError::Sign(error.to_string()))?;
        let reply = self.client.batch(&BatchRequest { batch: Bytes(envelope) }).await?;
        Ok((BatchId(id), reply.receipt.0))
    }

    /// Brings once more what a person has to decide about. Nobody waits for it, so it is done as often as everything else is
    /// looked after.
    async fn ask_about_held(&self) -> Result<(), SubmitError> {
        let mut after = 0;
        loop {
            let held = self.outbox.held(after, BATCH_TAPS).await?;
            let Some(last) = held.last() else { return Ok(()) };
            after = last.id;
            let (id, answer) = self.bring(held.into_iter().map(|held| held.cose).collect()).await?;
            let mut answers = receipt::open(&answer, id, &self.known.now().profile.trust.receipt_keys)?.outcomes;
            answers.retain(|answer| answer.outcome != Outcome::Quarantined);
            if !answers.is_empty() {
                tracing::info!(taps = answers.len(), "somebody has decided about taps that were held");
                self.outbox.decided(&answers).await?;
            }
        }
    }

    async fn submit(&self, taps: Vec<PendingTap>) -> Result<Receipt, SubmitError> {
        let (id, answer) = self.bring(taps.iter().map(|tap| tap.cose.clone()).collect()).await?;
        let trusted = self.known.now();
        let verified = receipt::verify(&answer, id, taps, &trusted.profile.trust.receipt_keys)?;

        let seen = trusted.log_head.map_or(0, |seen| seen.size);
        let head = verified.receipt.log_head.filter(|head| head.size > seen);
        tracing::info!(taps = verified.settled.len(), "the service has receipted taps");
        let outcomes: Vec<_> = verified.settled.iter().map(|(tap, outcome)| (tap.tap_id, *outcome)).collect();
        let kept = self.outbox.settle(verified.settled, head).await;
        // Whoever waits hears it also where it could not be kept: the service has said so.
        self.tell(outcomes);
        kept?;
        if head.is_some() {
            self.known.update(|known| known.log_head = head);
        }
        Ok(verified.receipt)
    }

    fn tell(&self, outcomes: Vec<(TapId, TapOutcome)>) {
        let mut waiting = self.handle.waiting.lock().expect("nobody panics while holding this lock");
        for (tap, outcome) in outcomes {
            if outcome.outcome != Outcome::Accepted {
                tracing::warn!(%tap, outcome = ?outcome.outcome, "the service has refused a tap");
            }
            if let Some(answer) = waiting.remove(&tap) {
                // An error means that nobody waits any more.
                let _ = answer.send(outcome);
            }
        }
    }
}

fn pauses() -> impl Iterator<Item = Duration> {
    ExponentialBuilder::default()
        .with_min_delay(PAUSE_MIN)
        .with_max_delay(PAUSE_MAX)
        .without_max_times()
        .with_jitter()
        .build()
}
