//! A thread for each reader, so that a hung card stops nobody but its own reader. Knows threads and time, no PIV.
//!
//! PC/SC cannot cancel a command that a card does not answer. So the caller waits on a channel with a time of its
//! own; the reader's thread stays with the hung card until the card or the reader is taken away, and work that comes
//! too late is never begun.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::link::{Deadline, Link, LinkError};
use super::pcsc::Connection;

/// How long a reader's thread keeps its connection when nothing is asked: the next tap of the card that lies there
/// needs no connecting, and other programs are not kept from the card for long.
const HOLD: Duration = Duration::from_secs(3);

type Work = Box<dyn FnOnce(Result<&mut dyn Link, LinkError>) + Send>;

/// One piece of work within a transaction.
struct Run {
    work: Work,
    deadline: Deadline,
}

/// A transaction: everything that comes through the channel until it is closed.
struct Job {
    runs: mpsc::Receiver<Run>,
}

/// All readers' threads.
#[derive(Debug, Default)]
pub struct Readers {
    workers: Mutex<HashMap<String, Worker>>,
}

/// One reader's thread.
#[derive(Debug)]
struct Worker {
    jobs: mpsc::Sender<Job>,
    /// Is disconnected when the thread has let go of its card.
    ended: mpsc::Receiver<()>,
}

impl Readers {
    /// No threads yet; each begins when its reader is first used.
    pub fn new() -> Self {
        Self::default()
    }

    /// An exclusive transaction with the card in a reader. It begins with the first [`Session::run`] and ends when
    /// the session is dropped; if the card accepted a secret in it, the card is reset at its end.
    pub fn session(&self, reader: &str) -> Session {
        let (sender, runs) = mpsc::channel();
        let mut job = Job { runs };
        let mut workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(worker) = workers.get(reader) {
            match worker.jobs.send(job) {
                Ok(()) => return Session { runs: sender },
                // The thread has ended by a panic; the next one begins anew.
                Err(mpsc::SendError(returned)) => job = returned,
            }
        }
        let (worker, jobs) = mpsc::channel();
        let (alive, ended) = mpsc::channel();
        worker.send(job).expect("the receiver is here");
        let name = reader.to_owned();
        thread::Builder::new()
            .name(format!("reader {reader}"))
            .spawn(move || {
                let _alive: mpsc::Sender<()> = alive;
                serve(&name, &jobs);
            })
            .expect("the system starts a thread");
        workers.insert(reader.to_owned(), Worker { jobs: worker, ended });
        Session { runs: sender }
    }

    /// Lets a reader's thread end when it has done what it was given: the reader was unplugged.
    pub fn forget(&self, reader: &str) {
        self.workers.lock().unwrap_or_else(PoisonError::into_inner).remove(reader);
    }
}

impl Readers {
    /// Lets all threads end and waits until they have let go of their cards, at most `patience`.
    ///
    /// A program that ends without this leaves it to the service to reset the card, some time later, perhaps in the
    /// middle of what the next program does with it.
    pub fn close(self, patience: Duration) {
        let deadline = Deadline::within(patience);
        let workers = self.workers.into_inner().unwrap_or_else(PoisonError::into_inner);
        let ended: Vec<_> = workers.into_values().map(|worker| worker.ended).collect();
        for thread in ended {
            // Nothing is ever sent: this ends by disconnection, or because a hung card holds the thread.
            let _ = thread.recv_timeout(deadline.at.saturating_duration_since(Instant::now()));
        }
    }
}

/// An exclusive transaction with a card, over as many pieces of work as its owner likes.
#[derive(Debug)]
pub struct Session {
    runs: mpsc::Sender<Run>,
}

impl Session {
    /// Does `work` with the card on the reader's thread and waits for it, at most `timeout`.
    ///
    /// # Errors
    /// [`LinkError::Timeout`] when it is not done in time: no APDU goes out after that, the one on its way may still
    /// be executed. What kept the transaction from beginning is given to `work`.
    pub fn run<T: Send + 'static>(
        &self,
        timeout: Duration,
        work: impl FnOnce(Result<&mut dyn Link, LinkError>) -> T + Send + 'static,
    ) -> Result<T, LinkError> {
        let (sender, receiver) = mpsc::sync_channel(1);
        // The caller may have given up: then there is nobody to tell.
        self.begin(timeout, Box::new(move |link| drop(sender.send(work(link)))))?;
        receiver.recv_timeout(timeout).map_err(|_| LinkError::Timeout { allowed: timeout })
    }

    /// The same for a caller that must not block its thread.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub async fn run_async<T: Send + 'static>(
        &self,
        timeout: Duration,
        work: impl FnOnce(Result<&mut dyn Link, LinkError>) -> T + Send + 'static,
    ) -> Result<T, LinkError> {
        let (sender, receiver) = oneshot::channel();
        self.begin(timeout, Box::new(move |link| drop(sender.send(work(link)))))?;
        match tokio::time::timeout(timeout, receiver).await {
            Ok(Ok(done)) => Ok(done),
            _ => Err(LinkError::Timeout { allowed: timeout }),
        }
    }

    fn begin(&self, timeout: Duration, work: Work) -> Result<(), LinkError> {
        let run = Run { work, deadline: Deadline::within(timeout) };
        // The thread is gone only when earlier work panicked.
        self.runs.send(run).map_err(|_| LinkError::Removed)
    }
}

/// A reader's thread.
fn serve(reader: &str, jobs: &mpsc::Receiver<Job>) {
    let mut connection = match Connection::new(reader) {
        Ok(connection) => connection,
        Err(error) => {
            for job in jobs {
                refuse(job, &error);
            }
            return;
        }
    };
    loop {
        let job = if connection.is_held() {
            match jobs.recv_timeout(HOLD) {
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    connection.release();
                    continue;
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
                Ok(job) => job,
            }
        } else {
            match jobs.recv() {
                Err(mpsc::RecvError) => return,
                Ok(job) => job,
            }
        };
        serve_job(&mut connection, &job.runs);
    }
}

fn serve_job(connection: &mut Connection, runs: &mpsc::Receiver<Run>) {
    let Some(first) = next_in_time(runs) else { return };
    connection.with_transaction(first.deadline, |begun| match begun {
        Ok(link) => {
            (first.work)(Ok(link));
            while let Some(run) = next_in_time(runs) {
                link.set_deadline(run.deadline);
                (run.work)(Ok(link));
            }
        }
        Err(error) => {
            (first.work)(Err(error.clone()));
            while let Some(run) = next_in_time(runs) {
                (run.work)(Err(error.clone()));
            }
        }
    });
}

/// The next piece of work that somebody still waits for; `None` when the session is over.
fn next_in_time(runs: &mpsc::Receiver<Run>) -> Option<Run> {
    runs.iter().find(|run| !run.deadline.is_over())
}

fn refuse(job: Job, error: &LinkError) {
    for run in job.runs {
        (run.work)(Err(error.clone()));
    }
}
