//! One piece of work at a time and reader: a tap that waits for its card, or a job's session.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use card_schema::ids::{CardId, TerminalId};
use tokio::{
    runtime::Handle,
    sync::{Mutex as AsyncMutex, OwnedMutexGuard},
    task::JoinHandle,
};

use super::{Presence, StationError, Verdict};
use crate::{
    card::{link::LinkError, readers::Readers, trace::Usage},
    local::wire::Timing,
    outbox::Outbox,
    piv::{PivCard, PivError},
    tap::{Ask, Line, Shared, Taken, TapError, sign::TerminalKey, validation::Recent},
};

/// The longest that a tap may take once a card is there.
const TAP_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a stop waits for a reader's line.
const LET_GO_WAIT: Duration = Duration::from_secs(1);

/// A tap that somebody waits for.
#[expect(missing_debug_implementations, reason = "it may hold a PIN")]
pub struct TapOrder {
    /// The reader; the only one where none is named.
    pub reader: Option<String>,
    /// What to do.
    pub ask: Ask,
    /// How long to wait for a card.
    pub wait: Duration,
}

/// A durable tap, and what it cost.
#[derive(Clone, Debug)]
pub struct Told {
    /// The tap.
    pub taken: Taken,
    /// Where the time went.
    pub timing: Timing,
    /// What went over the wire.
    pub usage: Usage,
}

/// A card that came, with its reader's line held for the tap.
#[derive(Debug)]
pub struct Presented {
    reader: String,
    line: OwnedMutexGuard<Line>,
    event: Instant,
    since: Instant,
}

impl Presented {
    /// The reader that the card is in.
    pub fn reader(&self) -> &str {
        &self.reader
    }

    /// When the card came.
    pub const fn event(&self) -> Instant {
        self.event
    }
}

/// A tap that did not come about, and the card, if it had said which it is.
#[derive(Debug)]
pub struct Failed {
    /// Why.
    pub error: StationError,
    /// Which card.
    pub card: Option<CardId>,
}

/// All readers with their lines.
#[derive(Debug)]
pub struct Stations {
    readers: Arc<Readers>,
    presence: Presence,
    outbox: Arc<Outbox>,
    known: Shared,
    key: Arc<TerminalKey>,
    terminal: TerminalId,
    recent: Recent,
    lines: Mutex<HashMap<String, Arc<AsyncMutex<Line>>>>,
    /// The lines whose last holder has an answer and which still make ready for the next one.
    readying: Mutex<HashMap<String, JoinHandle<()>>>,
}

impl Stations {
    /// The stations at the readers that `presence` shows.
    pub fn new(
        readers: Arc<Readers>,
        presence: Presence,
        outbox: Arc<Outbox>,
        known: Shared,
        key: Arc<TerminalKey>,
        terminal: TerminalId,
    ) -> Self {
        Self {
            readers,
            presence,
            outbox,
            known,
            key,
            terminal,
            recent: Recent::default(),
            lines: Mutex::default(),
            readying: Mutex::default(),
        }
    }

    /// Which readers are there.
    pub const fn presence(&self) -> &Presence {
        &self.presence
    }

    /// The PC/SC side.
    pub fn readers(&self) -> &Readers {
        &self.readers
    }

    /// A reader's line, for one piece of work. A line that makes ready for its next holder is not busy: the first who
    /// asks for it gets it.
    ///
    /// # Errors
    /// [`StationError::Busy`] while another has it.
    pub async fn line(&self, reader: &str) -> Result<OwnedMutexGuard<Line>, StationError> {
        let readying = self.readying.lock().expect("nobody panics while holding this lock").remove(reader);
        if let Some(readying) = readying {
            // It says by itself why it could not.
            let _ = readying.await;
        }
        let mut lines = self.lines.lock().expect("nobody panics while holding this lock");
        let line = lines.entry(reader.to_owned()).or_insert_with(|| {
            let (outbox, key) = (Arc::clone(&self.outbox), Arc::clone(&self.key));
            Arc::new(AsyncMutex::new(Line::new(
                outbox,
                self.known.clone(),
                key,
                self.terminal,
                self.recent.clone(),
                reader,
            )))
        });
        Arc::clone(line).try_lock_owned().map_err(|_| StationError::Busy)
    }

    /// One tap, from choosing the reader to the durable row.
    ///
    /// # Errors
    /// [`StationError`]; nothing was accepted.
    pub async fn tap(&self, order: TapOrder) -> Result<Told, StationError> {
        let presented = self.wait(order.reader.as_deref(), &order.ask, order.wait).await?;
        self.take(presented, order.ask).await.map_err(|failed| failed.error)
    }

    /// Waits for a card; a number lies ready for it. No card is asked anything, so it may be given up at any moment.
    ///
    /// # Errors
    /// [`StationError`]: the operation is not permitted, the reader is not there or busy, no card came in time.
    pub async fn wait(&self, reader: Option<&str>, ask: &Ask, wait: Duration) -> Result<Presented, StationError> {
        let reader = self.presence.choose(reader)?;
        let line = self.line(&reader).await?;
        line.permits(ask)?;
        // The number is on the disk before a card is there: one fsync less for the holder to wait for. Whoever gives the wait up
        // leaves nothing half done.
        let (line, ready) = tokio::spawn(ready(line)).await.expect("making ready does not panic");
        ready?;
        line.follows(ask)?;
        let asked = Instant::now();
        let event = self.presence.card(&reader, wait).await?;
        Ok(Presented { reader, line, event, since: event.max(asked) })
    }

    /// One tap with the card that came, to the durable row. Has to run to its end: whoever goes away in the middle does
    /// not hear whether the tap is kept.
    ///
    /// # Errors
    /// [`Failed`]; nothing was accepted.
    pub async fn take(&self, presented: Presented, ask: Ask) -> Result<Told, Failed> {
        let Presented { reader, mut line, since, .. } = presented;
        let verdict = Arc::new(Verdict::default());
        let (kept, runtime) = (Arc::clone(&verdict), Handle::current());
        let session = self.readers.session(&reader);
        let (answer, answered) = tokio::sync::oneshot::channel();
        let work = move |card: Result<&mut dyn crate::card::link::Link, LinkError>| {
            let begun = Instant::now();
            let result = match card {
                Ok(card) => {
                    let mut piv = PivCard::new(card);
                    let taken = runtime.block_on(line.take(&mut piv, &ask, crate::clock::now(), || kept.keep()));
                    let failed = |error: TapError| Failed { error: error.into(), card: line.seen() };
                    taken.map_err(failed).map(|taken| (taken, piv.channel().usage()))
                }
                Err(error) => Err(Failed { error: StationError::Tap(PivError::Link(error).into()), card: None }),
            };
            // A number that was asked for in vain is reported when the holder has the answer.
            let _ = answer.send((result, begun, Instant::now(), line));
        };
        let timeout = || Failed { error: StationError::Timeout, card: None };
        let waited = session.run_async(TAP_TIMEOUT, work).await;
        if waited.is_err() && verdict.give_up() {
            return Err(timeout());
        }
        // Either the work is done or the tap is being kept, which the disk bounds.
        let (result, begun, durable, line) = answered.await.map_err(|_| timeout())?;
        drop(session);
        if !line.is_ready() {
            let readying = tokio::spawn(make_ready(line));
            self.readying.lock().expect("nobody panics while holding this lock").insert(reader, readying);
        }
        let (taken, usage) = result?;
        Ok(Told { timing: timing(since, begun, durable, &taken, &usage), taken, usage })
    }

    /// Gives back what lies ready, for a stop in good order.
    pub async fn release(&self) {
        let readying: Vec<_> = {
            let mut readying = self.readying.lock().expect("nobody panics while holding this lock");
            readying.drain().map(|(_, readying)| readying).collect()
        };
        for readying in readying {
            let _ = readying.await;
        }
        let lines: Vec<_> = {
            let lines = self.lines.lock().expect("nobody panics while holding this lock");
            lines.values().cloned().collect()
        };
        for line in lines {
            // Whoever has waited for a card lets go of it. A line that hangs at one keeps its number: it is reported at the next start.
            if let Ok(mut line) = tokio::time::timeout(LET_GO_WAIT, line.lock()).await
                && let Err(error) = line.release().await
            {
                tracing::warn!(%error, "a reserved number could not be given back");
            }
        }
    }
}

/// Has a number lie ready at a line.
async fn ready(mut line: OwnedMutexGuard<Line>) -> (OwnedMutexGuard<Line>, Result<(), TapError>) {
    let ready = line.prepare(crate::clock::now()).await;
    (line, ready)
}

/// As [`ready`], after a tap that was not kept. Without luck here the next tap tries again, and says why it cannot.
async fn make_ready(line: OwnedMutexGuard<Line>) {
    if let (_, Err(error)) = ready(line).await {
        tracing::warn!(%error, "no number could be reserved");
    }
}

/// `present` is the card-present event, or the request where the card lay there before it.
fn timing(present: Instant, begun: Instant, durable: Instant, taken: &Taken, usage: &Usage) -> Timing {
    let micros = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    let total = durable.saturating_duration_since(present);
    let connecting = begun.saturating_duration_since(present);
    let own = durable.saturating_duration_since(begun).saturating_sub(usage.card_time).saturating_sub(taken.disk);
    Timing {
        present_to_durable_us: micros(total),
        connect_us: micros(connecting),
        card_us: micros(usage.card_time),
        outbox_us: micros(taken.outbox),
        disk_us: micros(taken.disk),
        own_us: micros(own),
    }
}

impl From<PivError> for StationError {
    fn from(error: PivError) -> Self {
        Self::Tap(TapError::Card(error))
    }
}
