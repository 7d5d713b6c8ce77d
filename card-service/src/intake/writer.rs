//! The one task that writes taps: it takes what has queued up, has it decided in order, and has all of it written together.

use std::sync::Arc;
use std::time::Duration;

use card_schema::envelope::receipt::TapOutcome;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::answer::answer;
use super::submission::{Command, Means, Submission, SubmitError};
use crate::db::Db;

/// Batches that may wait. A full queue answers "busy" at once instead of letting everyone wait longer.
pub const QUEUED_BATCHES: usize = 512;
/// Taps that one group takes at most.
const TAPS_A_GROUP: usize = 6_000;

/// How long a batch may wait for others while many come: what one transaction costs is shared by more of them.
const LINGER: Duration = Duration::from_millis(10);

/// The way to the writer. Cheap to clone; the writer ends when the last one is gone and the queue is empty.
#[derive(Clone, Debug)]
pub struct Writer {
    queue: mpsc::Sender<Command>,
}

impl Writer {
    /// Starts the writer.
    pub(super) fn start(db: Db, means: Arc<Means>) -> Self {
        let (queue, commands) = mpsc::channel(QUEUED_BATCHES);
        tokio::spawn(run(commands, db, means));
        Self { queue }
    }

    /// Takes a place in the queue: before anything is verified, because refusing a batch must not cost what deciding it
    /// would.
    ///
    /// # Errors
    /// [`SubmitError::Full`] at once when there is no room.
    pub fn place(&self) -> Result<Place, SubmitError> {
        self.queue.clone().try_reserve_owned().map(Place).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => {
                metrics::counter!("intake_queue_full_total").increment(1);
                SubmitError::Full
            }
            mpsc::error::TrySendError::Closed(_) => SubmitError::Stopping,
        })
    }
}

/// A place in the queue. It is free again when it is dropped or the writer has taken what was put there.
#[derive(Debug)]
pub struct Place(mpsc::OwnedPermit<Command>);

impl Place {
    /// Puts a batch there and waits until it is durable.
    ///
    /// # Errors
    /// What became of the batch as such.
    pub async fn submit(self, submission: Submission) -> Result<Vec<TapOutcome>, SubmitError> {
        let (reply, answer) = oneshot::channel();
        self.0.send(Command { submission: Arc::new(submission), reply, queued_at: Instant::now() });
        answer.await.map_err(|_| SubmitError::Stopping)?
    }
}

async fn run(mut commands: mpsc::Receiver<Command>, db: Db, means: Arc<Means>) {
    // Whether the last group was of several batches. A lone tap on an idle system is not made to wait for company.
    let mut busy = false;
    while let Some(first) = commands.recv().await {
        if busy {
            tokio::time::sleep_until(first.queued_at + LINGER).await;
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
        answer(&db, &means, group).await;
        metrics::histogram!("intake_group_seconds").record(began.elapsed().as_secs_f64());
        metrics::counter!("intake_taps_written_total").increment(taps as u64);
    }
}
