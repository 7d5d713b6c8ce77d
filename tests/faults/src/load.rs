//! Somebody at a counter who takes one payment after the other, whatever happens behind the counter.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{self, Receiver, Sender},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use card_schema::ids::TapId;
use serde_json::{Value, json};
use town::{daemon::LocalApi, wait};

/// Fen of each payment.
pub(crate) const FEN: i64 = 1;

/// How long a payment takes, before the first was taken.
const FIRST_GUESS_MICROS: u64 = 10_000;

/// The payments that are being taken. Dropping it stops after the one in hand.
#[derive(Debug)]
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    usual_micros: Arc<AtomicU64>,
    accepted: Arc<AtomicU64>,
    begun: Receiver<Instant>,
    thread: Option<JoinHandle<Result<BTreeMap<TapId, i64>>>>,
}

impl Load {
    /// Starts taking payments at a terminal with a card in its reader.
    pub(crate) fn start(counter: LocalApi) -> Self {
        let (stop, (announce, begun)) = (Arc::new(AtomicBool::new(false)), mpsc::channel());
        let usual_micros = Arc::new(AtomicU64::new(FIRST_GUESS_MICROS));
        let accepted = Arc::new(AtomicU64::new(0));
        let told = Told { announce, usual_micros: Arc::clone(&usual_micros), accepted: Arc::clone(&accepted) };
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || take_payments(&counter, &told, &stopped));
        Self { stop, usual_micros, accepted, begun, thread: Some(thread) }
    }

    /// Waits until another payment is begun, and answers when it was.
    pub(crate) fn next_begun(&self) -> Result<Instant> {
        while self.begun.try_recv().is_ok() {}
        self.begun.recv_timeout(wait::PATIENCE).context("nobody takes payments any more")
    }

    /// How many payments the service has accepted while somebody waited.
    pub(crate) fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// How long a payment takes that the service accepts: about the median.
    pub(crate) fn usual_time(&self) -> Duration {
        Duration::from_micros(self.usual_micros.load(Ordering::Relaxed))
    }

    /// Stops after the payment in hand. Answers the taps that were said to be safe, with their fen.
    pub(crate) fn stop(mut self) -> Result<BTreeMap<TapId, i64>> {
        self.stop.store(true, Ordering::Release);
        let thread = self.thread.take().expect("it runs until it is stopped");
        thread.join().expect("taking payments does not panic")
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
    }
}

/// What whoever takes payments tells.
struct Told {
    announce: Sender<Instant>,
    usual_micros: Arc<AtomicU64>,
    accepted: Arc<AtomicU64>,
}

fn take_payments(counter: &LocalApi, told: &Told, stop: &AtomicBool) -> Result<BTreeMap<TapId, i64>> {
    let request = json!({"operation": "purse.payment", "amount_fen": FEN, "receipt_wait_ms": 200});
    let mut acknowledged = BTreeMap::new();
    while !stop.load(Ordering::Acquire) {
        let mut begun = Instant::now();
        // Between a kill and the next start there is nobody to ask.
        let reply = wait::until("a daemon at the counter answers", || {
            if stop.load(Ordering::Acquire) {
                return Ok(Some(None));
            }
            let Ok(api) = counter.client() else { return Ok(None) };
            begun = Instant::now();
            told.announce.send(begun).context("nobody watches the counter any more")?;
            Ok(api.post("/v1/taps", &request).ok().map(Some))
        })?;
        let Some(reply) = reply else { break };
        if reply.status == 200 && is_safe(&reply.body) {
            let id = reply.body["tap_id"].as_str().context("a safe tap has an id")?.parse()?;
            acknowledged.insert(id, FEN);
            if reply.body["state"] == "accepted" {
                told.accepted.fetch_add(1, Ordering::Relaxed);
                let took = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
                let usual = told.usual_micros.load(Ordering::Relaxed);
                // Towards the median: one payment that waited for a restart says nothing about the others.
                let bit = usual / 32;
                let nearer = if took > usual { usual + bit } else { usual - bit };
                told.usual_micros.store(nearer, Ordering::Relaxed);
            }
        }
    }
    Ok(acknowledged)
}

/// Whether the daemon has told the merchant that the money is safe.
fn is_safe(reply: &Value) -> bool {
    reply["state"] == "signed" || reply["state"] == "accepted"
}
