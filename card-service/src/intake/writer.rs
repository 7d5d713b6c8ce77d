//! The one task that writes taps: it takes what has queued up, decides in order, and commits once for all of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use card_schema::clock::Micros;
use card_schema::envelope::receipt::TapOutcome;
use card_schema::ids::TerminalId;
use card_schema::wire::terminal::Limits;
use tokio::sync::{mpsc, oneshot};

use super::answer::answer;
use super::verify::Candidate;
use crate::db::{Db, DbError};

/// Batches that may wait. A full queue answers "busy" at once instead of letting everyone wait longer.
const QUEUED_BATCHES: usize = 512;
/// Taps that one transaction takes at most.
const TAPS_A_GROUP: usize = 6_000;

/// How long the writer lets batches gather while many come: what one transaction costs is shared by more of them.
const LINGER: Duration = Duration::from_millis(20);

/// The service's rules for taps.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// The limits that terminals keep as well.
    pub limits: Limits,
    /// How far a terminal's clock may be off, in seconds.
    pub clock_tolerance_seconds: i64,
    /// How long ago a tap may have been made when it comes in, in seconds.
    pub offline_limit_seconds: i64,
}

/// A verified batch, waiting to be decided.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The terminal that signed it.
    pub terminal: TerminalId,
    /// Its taps in order.
    pub taps: Vec<Candidate>,
    /// When it came in.
    pub received_at: Micros,
}

/// Why a batch was not decided.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// No room in the queue.
    #[error("the queue is full")]
    Full,
    /// The terminal is not known (any more).
    #[error("the terminal is not known")]
    UnknownTerminal,
    /// Nothing was written.
    #[error("the batch could not be written")]
    Db(#[source] Arc<DbError>),
    /// The service is stopping.
    #[error("the service is stopping")]
    Stopping,
}

/// One answer a tap, in the order of the batch.
pub(super) type Answer = Result<Vec<TapOutcome>, SubmitError>;

/// A batch in the queue, and who waits for its answer.
pub(super) struct Command {
    pub(super) submission: Arc<Submission>,
    pub(super) reply: oneshot::Sender<Answer>,
}

/// The way to the writer. Cheap to clone; the writer ends when the last one is gone and the queue is empty.
#[derive(Clone, Debug)]
pub struct Writer {
    queue: mpsc::Sender<Command>,
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Command").field("taps", &self.submission.taps.len()).finish_non_exhaustive()
    }
}

impl Writer {
    /// Starts the writer.
    pub fn start(db: Db, policy: Policy) -> Self {
        let (queue, commands) = mpsc::channel(QUEUED_BATCHES);
        tokio::spawn(run(commands, db, policy));
        Self { queue }
    }

    /// Puts a batch in the queue and waits until it is durable.
    ///
    /// # Errors
    /// [`SubmitError::Full`] at once when there is no room.
    pub async fn submit(&self, submission: Submission) -> Result<Vec<TapOutcome>, SubmitError> {
        let (reply, answer) = oneshot::channel();
        let command = Command { submission: Arc::new(submission), reply };
        self.queue.try_send(command).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => {
                metrics::counter!("intake_queue_full_total").increment(1);
                SubmitError::Full
            }
            mpsc::error::TrySendError::Closed(_) => SubmitError::Stopping,
        })?;
        answer.await.map_err(|_| SubmitError::Stopping)?
    }
}

async fn run(mut commands: mpsc::Receiver<Command>, db: Db, policy: Policy) {
    // Whether the last group was of several batches. A lone tap on an idle system is not made to wait for company.
    let mut busy = false;
    while let Some(first) = commands.recv().await {
        if busy {
            tokio::time::sleep(LINGER).await;
        }
        let mut taps = first.submission.taps.len();
        let mut group = vec![first];
        while taps < TAPS_A_GROUP
            && let Ok(next) = commands.try_recv()
        {
            taps += next.submission.taps.len();
            group.push(next);
        }
        busy = group.len() > 1;
        let began = Instant::now();
        answer(&db, policy, group).await;
        metrics::histogram!("intake_group_seconds").record(began.elapsed().as_secs_f64());
        metrics::counter!("intake_taps_written_total").increment(taps as u64);
    }
}
