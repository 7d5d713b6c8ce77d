//! Tells what comes and goes: readers, cards, the PC/SC service itself. Speaks to no card.
//!
//! One thread that sleeps in `SCardGetStatusChange`; what changed is decided by a pure function over two looks.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::link::LinkError;
use super::pcsc::{Canceller, Watcher};

/// Longest sleep without a look at the list of readers: bounds what a notification lost by the service costs.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// First and longest pause between two attempts to reach a service that does not run.
const RETRY_PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// What is in a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CardState {
    /// No card.
    Absent,
    /// A card that answered to power.
    Present,
    /// A card that did not.
    Mute,
}

/// One look at one reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The reader's name.
    pub reader: String,
    /// What is in it.
    pub card: CardState,
    /// Counts insertions and removals, modulo 65,536.
    pub count: u32,
    /// The card's answer to reset; empty without a card.
    pub atr: Vec<u8>,
}

/// What happened at the readers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReaderEvent {
    /// The PC/SC service answers (again); readers and cards that are there follow as events.
    ServiceUp,
    /// The PC/SC service is gone; so are all readers.
    ServiceDown,
    /// A reader was plugged in.
    ReaderAdded {
        /// Its name.
        reader: String,
    },
    /// A reader was unplugged, with what was in it.
    ReaderGone {
        /// Its name.
        reader: String,
    },
    /// A card was put in, or was there when the watch began.
    CardPresent {
        /// The reader's name.
        reader: String,
        /// Its answer to reset.
        atr: Vec<u8>,
        /// When the service told us.
        seen: Instant,
    },
    /// A card was put in that does not answer: upside down, broken, or no chip card.
    CardMute {
        /// The reader's name.
        reader: String,
        /// When the service told us.
        seen: Instant,
    },
    /// The card was taken out.
    CardRemoved {
        /// The reader's name.
        reader: String,
        /// When the service told us.
        seen: Instant,
    },
    /// The card was taken out and one put in between two looks: it may be another.
    CardSwapped {
        /// The reader's name.
        reader: String,
        /// The new card's answer to reset.
        atr: Vec<u8>,
        /// When the service told us.
        seen: Instant,
    },
}

/// Where looks come from: PC/SC, or a test.
pub(crate) trait StatusSource {
    /// Sleeps until something changed, at most this long, and answers the readers as they are.
    fn wait(&mut self, at_most: Duration) -> Result<Vec<Seen>, LinkError>;
}

/// What changed between two looks.
fn changes(before: &BTreeMap<String, Seen>, now: &[Seen], at: Instant) -> Vec<ReaderEvent> {
    let is_there = |reader: &str| now.iter().any(|seen| seen.reader == reader);
    let gone = before.keys().filter(|reader| !is_there(reader));
    let mut events: Vec<_> = gone.map(|reader| ReaderEvent::ReaderGone { reader: reader.clone() }).collect();
    for seen in now {
        let reader = || seen.reader.clone();
        let was = before.get(&seen.reader);
        if was.is_none() {
            events.push(ReaderEvent::ReaderAdded { reader: reader() });
        }
        let (was_state, was_count) = was.map_or((CardState::Absent, seen.count), |was| (was.card, was.count));
        let is_same_presence = was_state == seen.card && was_count == seen.count;
        match seen.card {
            CardState::Absent if was_state == CardState::Absent => {}
            _ if is_same_presence => {}
            CardState::Absent => events.push(ReaderEvent::CardRemoved { reader: reader(), seen: at }),
            CardState::Mute => events.push(ReaderEvent::CardMute { reader: reader(), seen: at }),
            CardState::Present if was_state == CardState::Present => {
                events.push(ReaderEvent::CardSwapped { reader: reader(), atr: seen.atr.clone(), seen: at });
            }
            CardState::Present => {
                events.push(ReaderEvent::CardPresent { reader: reader(), atr: seen.atr.clone(), seen: at });
            }
        }
    }
    events
}

/// The watch over all readers. Dropping it ends the thread.
#[derive(Debug)]
pub struct Monitor {
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
}

impl Monitor {
    /// Starts watching. The receiver ends when the monitor is dropped.
    pub fn start() -> (Self, UnboundedReceiver<ReaderEvent>) {
        let (sender, receiver) = unbounded_channel();
        let stop = Arc::new(Stop::default());
        let watched = Arc::clone(&stop);
        let thread = thread::Builder::new()
            .name("readers".into())
            .spawn(move || watch(&watched, &sender))
            .expect("the system starts a thread");
        (Self { stop, thread: Some(thread) }, receiver)
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        // A cancel is lost when it comes just before the thread begins to wait: repeat it until the thread has ended.
        while !thread.is_finished() {
            self.stop.request();
            thread::sleep(Duration::from_millis(2));
        }
        if thread.join().is_err() {
            tracing::error!("the watch over the readers had ended by a panic");
        }
    }
}

#[derive(Default)]
struct Stop {
    state: Mutex<StopState>,
    changed: Condvar,
}

#[derive(Default)]
struct StopState {
    is_requested: bool,
    canceller: Option<Canceller>,
}

impl std::fmt::Debug for Stop {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Stop")
    }
}

impl Stop {
    fn lock(&self) -> MutexGuard<'_, StopState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn request(&self) {
        let mut state = self.lock();
        state.is_requested = true;
        if let Some(canceller) = &state.canceller {
            canceller.cancel();
        }
        self.changed.notify_all();
    }

    fn is_requested(&self) -> bool {
        self.lock().is_requested
    }

    fn set_canceller(&self, canceller: Option<Canceller>) {
        self.lock().canceller = canceller;
    }

    /// Sleeps, or less when a stop is requested.
    fn sleep(&self, time: Duration) {
        let state = self.lock();
        drop(self.changed.wait_timeout_while(state, time, |state| !state.is_requested));
    }
}

/// Reaches the service, watches until it is lost, and begins again.
fn watch(stop: &Stop, events: &UnboundedSender<ReaderEvent>) {
    let mut pause = RETRY_PAUSE.0;
    let mut is_said_down = false;
    while !stop.is_requested() {
        match Watcher::establish() {
            Ok(mut watcher) => {
                pause = RETRY_PAUSE.0;
                is_said_down = false;
                stop.set_canceller(Some(watcher.canceller()));
                let error = watch_service(&mut watcher, events, || stop.is_requested());
                stop.set_canceller(None);
                if let Some(error) = error {
                    tracing::warn!(%error, "the smart card service was lost");
                }
            }
            Err(error) if !is_said_down => {
                tracing::warn!(%error, "no smart card service");
                is_said_down = true;
                let _ = events.send(ReaderEvent::ServiceDown);
            }
            Err(_) => {}
        }
        stop.sleep(pause);
        pause = (pause * 2).min(RETRY_PAUSE.1);
    }
}

/// Watches one run of the service; answers what ended it, or `None` when a stop did.
fn watch_service(
    source: &mut impl StatusSource,
    events: &UnboundedSender<ReaderEvent>,
    is_stopped: impl Fn() -> bool,
) -> Option<LinkError> {
    let say = |event| events.send(event).is_ok();
    let mut known = BTreeMap::new();
    let mut is_heard = say(ReaderEvent::ServiceUp);
    // The first look must not wait: with no reader at all there is nothing that would end it.
    let mut wait = Duration::ZERO;
    while is_heard && !is_stopped() {
        let now = match source.wait(wait) {
            Ok(now) => now,
            Err(error) => {
                for reader in known.into_keys() {
                    say(ReaderEvent::ReaderGone { reader });
                }
                say(ReaderEvent::ServiceDown);
                return Some(error);
            }
        };
        wait = WAIT_MAX;
        is_heard = changes(&known, &now, Instant::now()).into_iter().all(say);
        known = now.into_iter().map(|seen| (seen.reader.clone(), seen)).collect();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(reader: &str, card: CardState, count: u32) -> Seen {
        Seen { reader: reader.into(), card, count, atr: if card == CardState::Present { vec![0x3B] } else { vec![] } }
    }

    /// Looks one after another, then the service is lost.
    struct Looks(std::vec::IntoIter<Vec<Seen>>);

    impl StatusSource for Looks {
        fn wait(&mut self, _: Duration) -> Result<Vec<Seen>, LinkError> {
            self.0.next().ok_or(LinkError::ServiceDown)
        }
    }

    fn told(looks: Vec<Vec<Seen>>) -> Vec<String> {
        let (sender, mut receiver) = unbounded_channel();
        assert_eq!(watch_service(&mut Looks(looks.into_iter()), &sender, || false), Some(LinkError::ServiceDown));
        drop(sender);
        std::iter::from_fn(|| receiver.blocking_recv())
            .map(|event| match event {
                ReaderEvent::ServiceUp => "up".to_owned(),
                ReaderEvent::ServiceDown => "down".to_owned(),
                ReaderEvent::ReaderAdded { reader } => format!("+{reader}"),
                ReaderEvent::ReaderGone { reader } => format!("-{reader}"),
                ReaderEvent::CardPresent { reader, .. } => format!("{reader} card"),
                ReaderEvent::CardMute { reader, .. } => format!("{reader} mute"),
                ReaderEvent::CardRemoved { reader, .. } => format!("{reader} none"),
                ReaderEvent::CardSwapped { reader, .. } => format!("{reader} swap"),
            })
            .collect()
    }

    #[test]
    fn readers_and_cards_come_and_go_one_event_each() {
        use CardState::{Absent, Mute, Present};
        let looks = vec![
            vec![],
            vec![seen("A", Absent, 0)],
            vec![seen("A", Present, 1), seen("B", Present, 7)],
            vec![seen("A", Present, 1), seen("B", Present, 7)],
            vec![seen("A", Present, 3), seen("B", Absent, 8)],
            vec![seen("A", Absent, 4), seen("B", Absent, 10)],
            vec![seen("A", Mute, 5)],
            vec![seen("A", Present, 6)],
        ];
        let expected = [
            "up", "+A", "A card", "+B", "B card", "A swap", "B none", "A none", "-B", "A mute", "A card", "-A", "down",
        ];
        assert_eq!(told(looks), expected);
    }

    #[test]
    fn a_counter_that_starts_again_is_still_a_swap() {
        let looks = vec![vec![seen("A", CardState::Present, 65_535)], vec![seen("A", CardState::Present, 1)]];
        assert_eq!(told(looks), ["up", "+A", "A card", "A swap", "-A", "down"]);
    }

    #[test]
    fn nobody_listening_ends_the_watch() {
        let (sender, receiver) = unbounded_channel();
        drop(receiver);
        assert_eq!(watch_service(&mut Looks(vec![vec![]].into_iter()), &sender, || false), None);
    }
}
