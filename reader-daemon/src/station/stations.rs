//! One piece of work at a time and reader: a tap that waits for its card, or a job's session.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use card_schema::ids::TerminalId;
use tokio::{
    runtime::Handle,
    sync::{Mutex as AsyncMutex, OwnedMutexGuard},
};

use super::{Presence, StationError, Verdict};
use crate::{
    card::{link::LinkError, readers::Readers, trace::Usage},
    local::wire::Timing,
    outbox::Outbox,
    piv::{PivCard, PivError},
    tap::{Ask, Line, Shared, Taken, TapError, sign::TerminalKey},
};

/// The longest that a tap may take once a card is there.
const TAP_TIMEOUT: Duration = Duration::from_secs(10);

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

/// All readers with their lines.
#[derive(Debug)]
pub struct Stations {
    readers: Arc<Readers>,
    presence: Presence,
    outbox: Arc<Outbox>,
    known: Shared,
    key: Arc<TerminalKey>,
    terminal: TerminalId,
    lines: Mutex<HashMap<String, Arc<AsyncMutex<Line>>>>,
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
        Self { readers, presence, outbox, known, key, terminal, lines: Mutex::default() }
    }

    /// Which readers are there.
    pub const fn presence(&self) -> &Presence {
        &self.presence
    }

    /// The PC/SC side.
    pub fn readers(&self) -> &Readers {
        &self.readers
    }

    /// A reader's line, for one piece of work.
    ///
    /// # Errors
    /// [`StationError::Busy`] while another has it.
    pub fn line(&self, reader: &str) -> Result<OwnedMutexGuard<Line>, StationError> {
        let mut lines = self.lines.lock().expect("nobody panics while holding this lock");
        let line = lines.entry(reader.to_owned()).or_insert_with(|| {
            let (outbox, key) = (Arc::clone(&self.outbox), Arc::clone(&self.key));
            Arc::new(AsyncMutex::new(Line::new(outbox, self.known.clone(), key, self.terminal, reader)))
        });
        Arc::clone(line).try_lock_owned().map_err(|_| StationError::Busy)
    }

    /// One tap, from choosing the reader to the durable row.
    ///
    /// # Errors
    /// [`StationError`]; nothing was accepted.
    pub async fn tap(self: &Arc<Self>, order: TapOrder) -> Result<Told, StationError> {
        let reader = self.presence.choose(order.reader.as_deref())?;
        let mut line = self.line(&reader)?;
        line.permits(&order.ask)?;
        // The number is on the disk before a card is there: one fsync less for the holder to wait for.
        line.prepare(crate::clock::now()).await?;

        let asked = Instant::now();
        let present = self.presence.card(&reader, order.wait).await?.max(asked);
        let verdict = Arc::new(Verdict::default());
        let (kept, ask, runtime) = (Arc::clone(&verdict), order.ask, Handle::current());
        let session = self.readers.session(&reader);
        let (answer, answered) = tokio::sync::oneshot::channel();
        let work = move |card: Result<&mut dyn crate::card::link::Link, LinkError>| {
            let begun = Instant::now();
            let result = match card {
                Ok(card) => {
                    let mut piv = PivCard::new(card);
                    let taken = runtime.block_on(line.take(&mut piv, &ask, crate::clock::now(), || kept.keep()));
                    taken.map_err(StationError::from).map(|taken| (taken, piv.channel().usage()))
                }
                Err(error) => Err(StationError::Tap(PivError::Link(error).into())),
            };
            // The next number is reserved, or this one reported, when the holder has the answer.
            let _ = answer.send((result, begun, Instant::now(), line));
        };
        let waited = session.run_async(TAP_TIMEOUT, work).await;
        if waited.is_err() && verdict.give_up() {
            return Err(StationError::Timeout);
        }
        // Either the work is done or the tap is being kept, which the disk bounds.
        let Ok((result, begun, durable, line)) = answered.await else { return Err(StationError::Timeout) };
        drop(session);
        tokio::spawn(prepare_next(line));
        let (taken, usage) = result?;
        Ok(Told { timing: timing(present, begun, durable, &taken, &usage), taken, usage })
    }

    /// Gives back what lies ready, for a stop in good order.
    pub async fn release(&self) {
        let lines: Vec<_> = {
            let lines = self.lines.lock().expect("nobody panics while holding this lock");
            lines.values().cloned().collect()
        };
        for line in lines {
            // A line that hangs at a card keeps its number: it is reported at the next start.
            if let Ok(mut line) = line.try_lock()
                && let Err(error) = line.release().await
            {
                tracing::warn!(%error, "a reserved number could not be given back");
            }
        }
    }
}

/// Away from the holder's time. Without luck here the next tap tries again, and says why it cannot.
async fn prepare_next(mut line: OwnedMutexGuard<Line>) {
    if let Err(error) = line.prepare(crate::clock::now()).await {
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
