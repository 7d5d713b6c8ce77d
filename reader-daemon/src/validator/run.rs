//! One task a reader: a card comes, is let in or not, and goes. Readers wait for nothing but the outbox of each other.

use std::{
    collections::BTreeMap,
    pin::pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use card_schema::{envelope::receipt::Outcome, operation::OperationCode};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{self, Instant, sleep_until},
};

use super::model::{AtReader, Duty, Shown, Verdict, duty_of};
use crate::{
    cli::{messages_daemon as messages, messages_local, messages_outcome},
    local::wire::Timing,
    outbox::{Outbox, OutboxError, Snapshot},
    station::{Presented, StationError, Stations, Told},
    submit::SubmitterHandle,
    tap::{Ask, Refused, TapError, gate::GateRefused},
};

/// How long a reader waits for a card before it looks again whether it is still there.
const CARD_WAIT: Duration = Duration::from_mins(2);
/// How long it shows what became of a card, unless another comes.
const SHOWN_FOR: Duration = Duration::from_secs(4);
/// How long an inspector waits for the service.
const RECEIPT_WAIT: Duration = Duration::from_secs(3);
/// How long nobody else who is not let in has the service asked.
const ASKED_EVERY: Duration = Duration::from_secs(10);
/// How long a reader that is busy, or not there, is left alone.
const LEFT_ALONE: Duration = Duration::from_secs(1);

type Duties = BTreeMap<String, Duty>;
/// What readers show, by their names.
pub type Board = BTreeMap<String, AtReader>;

/// What readers are there for, and what they show.
#[derive(Clone, Debug)]
pub struct Validator(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    stations: Arc<Stations>,
    outbox: Arc<Outbox>,
    submitter: SubmitterHandle,
    duties: watch::Sender<Duties>,
    board: watch::Sender<Board>,
    /// When the service was last asked because somebody was not let in.
    asked: Mutex<Option<Instant>>,
}

impl Validator {
    /// With what the outbox holds from before. What cannot be read is nothing.
    ///
    /// # Errors
    /// [`OutboxError`].
    pub async fn load(
        stations: Arc<Stations>,
        outbox: Arc<Outbox>,
        submitter: SubmitterHandle,
    ) -> Result<Self, OutboxError> {
        let kept = outbox.snapshot(Snapshot::Duties).await?;
        let duties = kept.and_then(|(_, text)| serde_json::from_slice(&text).ok()).unwrap_or_default();
        let (duties, board) = (watch::Sender::new(duties), watch::Sender::default());
        Ok(Self(Arc::new(Inner { stations, outbox, submitter, duties, board, asked: Mutex::default() })))
    }

    /// Tells readers what they are there for, by their names; the empty name is for all others. Kept for the next start.
    ///
    /// # Errors
    /// [`OutboxError`]; then it stays as it was.
    pub async fn set(&self, duties: Duties) -> Result<(), OutboxError> {
        let version = self.0.outbox.snapshot(Snapshot::Duties).await?.map_or(1, |(version, _)| version + 1);
        let text = serde_json::to_vec(&duties).expect("plain data always serialises");
        self.0.outbox.keep_snapshot(Snapshot::Duties, version, &text).await?;
        self.0.duties.send_replace(duties);
        Ok(())
    }

    /// What readers are there for.
    pub fn duties(&self) -> Duties {
        self.0.duties.borrow().clone()
    }

    /// What they show, by their names.
    pub fn board(&self) -> Board {
        self.0.board.borrow().clone()
    }

    /// Sees whenever that changes.
    pub fn watch(&self) -> watch::Receiver<Board> {
        self.0.board.subscribe()
    }

    /// Works every reader that is there for something, until the daemon stops.
    pub async fn run(self) {
        let (mut duties, mut readers) = (self.0.duties.subscribe(), self.0.stations.presence().watch());
        let mut at_work: BTreeMap<String, Duty> = BTreeMap::new();
        let mut tasks = JoinSet::new();
        loop {
            let wanted: BTreeMap<String, Duty> = {
                let (duties, readers) = (duties.borrow_and_update(), readers.borrow_and_update());
                readers
                    .keys()
                    .filter_map(|name| Some((name.clone(), duty_of(&duties, name)?.clone())))
                    .filter(|(_, duty)| *duty != Duty::Nothing {})
                    .collect()
            };
            if wanted != at_work {
                // What is under way with a card comes to its end: a task is stopped only while it waits.
                self.0.board.send_modify(|board| board.retain(|reader, at| wanted.get(reader) == Some(&at.duty)));
                for (reader, duty) in wanted.iter().filter(|(reader, duty)| at_work.get(*reader) != Some(duty)) {
                    tasks.spawn(self.clone().work(reader.clone(), duty.clone()));
                }
                at_work = wanted;
            }
            tokio::select! {
                changed = duties.changed() => if changed.is_err() { return },
                changed = readers.changed() => if changed.is_err() { return },
                _ = tasks.join_next(), if !tasks.is_empty() => {}
            }
        }
    }

    /// Whether a reader is there for just this still.
    fn is_on(&self, reader: &str, duty: &Duty) -> bool {
        let is_there = self.0.stations.presence().readers().contains_key(reader);
        is_there && duty_of(&self.0.duties.borrow(), reader) == Some(duty)
    }

    /// One reader, as long as it is there for this.
    async fn work(self, reader: String, duty: Duty) {
        let Some(operation) = duty.operation() else { return };
        self.0.board.send_modify(|board| {
            board.entry(reader.clone()).or_insert(AtReader { duty: duty.clone(), shown: None, cards: 0 });
        });
        let (mut duties, mut readers) = (self.0.duties.subscribe(), self.0.stations.presence().watch());
        let mut clears = Instant::now();
        // A card that lies there already was meant for what was there before.
        tokio::select! {
            () = self.0.stations.presence().cleared(&reader) => {}
            _ = duties.changed() => {}
        }
        while self.is_on(&reader, &duty) {
            let ask = || Ask { operation: operation.clone(), pin: None, card: None, order: None, after: None };
            let (first, shows) = (ask(), self.shows(&reader));
            let mut waited = pin!(self.0.stations.wait(Some(&reader), &first, CARD_WAIT));
            let presented = tokio::select! {
                presented = &mut waited => presented,
                () = sleep_until(clears), if shows => {
                    self.show(&reader, None);
                    continue;
                }
                _ = duties.changed() => continue,
                _ = readers.changed(), if !self.is_on(&reader, &duty) => continue,
            };
            let error = match presented {
                Ok(presented) => {
                    let event = presented.event();
                    let became = self.take(presented, ask()).await;
                    self.show(&reader, Some(became));
                    clears = Instant::now() + SHOWN_FOR;
                    // The same card is not asked twice: it has to go first.
                    tokio::select! {
                        () = self.0.stations.presence().left(&reader, event) => {}
                        _ = duties.changed() => {}
                    }
                    continue;
                }
                Err(StationError::NoCard) => continue,
                Err(error) => error,
            };
            // The counter has the reader, the disk is full, or the service takes no more of this terminal.
            self.show(&reader, Some((Verdict::No(messages::station(&error)), None)));
            clears = Instant::now() + SHOWN_FOR;
            time::sleep(LEFT_ALONE).await;
        }
    }

    /// One card.
    async fn take(&self, presented: Presented, ask: Ask) -> (Verdict, Option<Timing>) {
        let code = ask.operation.code();
        let Told { taken, timing, .. } = match self.0.stations.take(presented, ask).await {
            Ok(told) => told,
            Err(failed) => {
                tracing::info!(error = %failed.error, "a card at a validator brought no tap");
                // It may just have been granted.
                if matches!(failed.error, StationError::Tap(TapError::Refused(Refused::Gate(GateRefused::MayNotPass))))
                {
                    self.ask_anew();
                }
                return (Verdict::No(messages::station(&failed.error)), None);
            }
        };
        self.0.submitter.stored();
        if code != OperationCode::TransitInspection {
            return (Verdict::Yes, Some(timing));
        }
        let verdict = match self.0.submitter.outcome(taken.id, RECEIPT_WAIT).await.map(|answer| answer.outcome) {
            Some(Outcome::Accepted) => Verdict::Yes,
            Some(outcome) => Verdict::No(messages_outcome::outcome(outcome)),
            // Nobody else knows whether somebody has validated.
            None => Verdict::No(messages_local::inspection_unanswered()),
        };
        (verdict, Some(timing))
    }

    /// Asks the service who may pass, unless that was just done for somebody else.
    fn ask_anew(&self) {
        let mut asked = self.0.asked.lock().expect("nobody panics while holding this lock");
        if asked.is_none_or(|at| at.elapsed() >= ASKED_EVERY) {
            *asked = Some(Instant::now());
            self.0.submitter.retry();
        }
    }

    fn shows(&self, reader: &str) -> bool {
        self.0.board.borrow().get(reader).is_some_and(|at| at.shown.is_some())
    }

    fn show(&self, reader: &str, became: Option<(Verdict, Option<Timing>)>) {
        self.0.board.send_modify(|board| {
            if let Some(at) = board.get_mut(reader) {
                at.cards += u64::from(became.is_some());
                at.shown = became.map(|(verdict, timing)| Shown { number: at.cards, verdict, timing });
            }
        });
    }
}
