//! Which readers are there and what is in them, as the monitor tells it. Asks no reader anything.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use tokio::sync::{mpsc::UnboundedReceiver, watch};

use super::StationError;
use crate::card::monitor::ReaderEvent;

/// What is in a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReaderState {
    /// Nothing.
    Empty,
    /// A card, since this event.
    Card(Instant),
    /// Something that does not answer.
    Mute,
}

type Readers = BTreeMap<String, ReaderState>;

/// The readers that this daemon uses.
#[derive(Clone, Debug)]
pub struct Presence(watch::Receiver<Readers>);

impl Presence {
    /// Follows the monitor's events until it ends. `only` is the one reader that is used, where the configuration names
    /// one. `gone` is told of readers that were unplugged.
    pub fn follow(
        mut events: UnboundedReceiver<ReaderEvent>,
        only: Option<String>,
        gone: impl Fn(&str) + Send + 'static,
    ) -> Self {
        let (sender, receiver) = watch::channel(Readers::new());
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                tracing::debug!(?event, "reader");
                if let ReaderEvent::ReaderGone { reader } = &event {
                    gone(reader);
                }
                sender.send_if_modified(|readers| apply(readers, event, only.as_deref()));
            }
        });
        Self(receiver)
    }

    /// The readers and what is in them.
    pub fn readers(&self) -> BTreeMap<String, ReaderState> {
        self.0.borrow().clone()
    }

    /// Sees whether anything has changed.
    pub fn watch(&self) -> watch::Receiver<BTreeMap<String, ReaderState>> {
        self.0.clone()
    }

    /// The reader that is meant: the named one, or the only one.
    ///
    /// # Errors
    /// [`StationError::NoReader`], [`StationError::UnknownReader`], [`StationError::SeveralReaders`].
    pub fn choose(&self, wanted: Option<&str>) -> Result<String, StationError> {
        let readers = self.0.borrow();
        if let Some(name) = wanted {
            let known = readers.contains_key(name);
            return if known { Ok(name.to_owned()) } else { Err(unknown(name, &readers)) };
        }
        let mut names = readers.keys();
        match (names.next(), names.next()) {
            (None, _) => Err(StationError::NoReader),
            (Some(only), None) => Ok(only.clone()),
            _ => Err(StationError::SeveralReaders(readers.keys().cloned().collect())),
        }
    }

    /// Waits until the reader that is meant is there: see [`Self::choose`].
    ///
    /// # Errors
    /// As [`Self::choose`], when it is not there in time.
    pub async fn chosen(&self, wanted: Option<&str>, wait: Duration) -> Result<String, StationError> {
        let mut readers = self.0.clone();
        let _ = tokio::time::timeout(wait, readers.wait_for(|_| self.choose(wanted).is_ok())).await;
        self.choose(wanted)
    }

    /// Waits for a card in a reader; answers since when it has been there.
    ///
    /// # Errors
    /// [`StationError::NoCard`] when none came in time, [`StationError::UnknownReader`] when the reader went.
    pub async fn card(&self, reader: &str, wait: Duration) -> Result<Instant, StationError> {
        let mut readers = self.0.clone();
        let settled = |readers: &Readers| !matches!(readers.get(reader), Some(ReaderState::Empty | ReaderState::Mute));
        let seen = tokio::time::timeout(wait, readers.wait_for(settled)).await;
        match seen.map(|state| state.ok().and_then(|readers| readers.get(reader).copied())) {
            Ok(Some(ReaderState::Card(since))) => Ok(since),
            Ok(_) => Err(unknown(reader, &self.0.borrow())),
            Err(_) => Err(StationError::NoCard),
        }
    }

    /// Waits until the card that came at this moment is not there any more, or the reader is not.
    pub async fn left(&self, reader: &str, event: Instant) {
        let mut readers = self.0.clone();
        let _ = readers.wait_for(|readers| readers.get(reader) != Some(&ReaderState::Card(event))).await;
    }

    /// Waits until nothing lies on the reader, not even what does not answer, or the reader is gone.
    pub async fn cleared(&self, reader: &str) {
        let mut readers = self.0.clone();
        let clear = |readers: &Readers| matches!(readers.get(reader), Some(ReaderState::Empty) | None);
        let _ = readers.wait_for(clear).await;
    }

    /// Waits until the card has left the reader, or the reader has.
    pub async fn empty(&self, reader: &str) {
        let mut readers = self.0.clone();
        let _ = readers.wait_for(|readers| !matches!(readers.get(reader), Some(ReaderState::Card(_)))).await;
    }
}

fn unknown(reader: &str, readers: &Readers) -> StationError {
    StationError::UnknownReader(reader.to_owned(), readers.keys().cloned().collect())
}

/// Applies one event. False when nothing that anybody waits for has changed.
fn apply(readers: &mut Readers, event: ReaderEvent, only: Option<&str>) -> bool {
    let (reader, state) = match event {
        ReaderEvent::ServiceUp => return false,
        ReaderEvent::ServiceDown => {
            readers.clear();
            return true;
        }
        ReaderEvent::ReaderAdded { reader } | ReaderEvent::CardRemoved { reader, .. } => {
            (reader, Some(ReaderState::Empty))
        }
        ReaderEvent::ReaderGone { reader } => (reader, None),
        ReaderEvent::CardPresent { reader, seen, .. } | ReaderEvent::CardSwapped { reader, seen, .. } => {
            (reader, Some(ReaderState::Card(seen)))
        }
        ReaderEvent::CardMute { reader, .. } => (reader, Some(ReaderState::Mute)),
    };
    if only.is_some_and(|only| only != reader) {
        return false;
    }
    match state {
        Some(state) => readers.insert(reader, state) != Some(state),
        None => readers.remove(&reader).is_some(),
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

    use super::*;

    fn start(only: Option<&str>) -> (UnboundedSender<ReaderEvent>, Presence) {
        let (sender, events) = unbounded_channel();
        (sender, Presence::follow(events, only.map(str::to_owned), |_| {}))
    }

    fn added(reader: &str) -> ReaderEvent {
        ReaderEvent::ReaderAdded { reader: reader.into() }
    }

    fn card(reader: &str) -> ReaderEvent {
        ReaderEvent::CardPresent { reader: reader.into(), atr: vec![], seen: Instant::now() }
    }

    #[tokio::test]
    async fn the_reader_that_is_meant() {
        let (events, presence) = start(None);
        assert!(matches!(presence.choose(None), Err(StationError::NoReader)));
        events.send(added("A")).unwrap();
        let mut watched = presence.0.clone();
        watched.wait_for(|readers| readers.contains_key("A")).await.unwrap();
        assert_eq!(presence.choose(None).unwrap(), "A");
        let waiting = presence.clone();
        let waiting = tokio::spawn(async move { waiting.card("A", Duration::from_mins(1)).await });
        events.send(card("A")).unwrap();
        waiting.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn several_readers_are_named_and_a_missing_one_too() {
        let (events, presence) = start(None);
        for event in [added("A"), added("B"), card("B")] {
            events.send(event).unwrap();
        }
        let mut watched = presence.0.clone();
        watched.wait_for(|readers| matches!(readers.get("B"), Some(ReaderState::Card(_)))).await.unwrap();
        let error = presence.choose(None).unwrap_err();
        assert!(matches!(&error, StationError::SeveralReaders(names) if names == &["A", "B"]), "{error}");
        assert_eq!(presence.choose(Some("B")).unwrap(), "B");
        assert!(matches!(presence.choose(Some("C")), Err(StationError::UnknownReader(..))));
        presence.card("B", Duration::ZERO).await.unwrap();
        assert!(matches!(presence.card("A", Duration::ZERO).await, Err(StationError::NoCard)));
    }

    #[tokio::test]
    async fn only_the_configured_reader_is_used_and_a_lost_service_takes_it_away() {
        let (events, presence) = start(Some("B"));
        for event in [added("A"), card("A"), added("B"), card("B")] {
            events.send(event).unwrap();
        }
        let mut watched = presence.0.clone();
        watched.wait_for(|readers| matches!(readers.get("B"), Some(ReaderState::Card(_)))).await.unwrap();
        assert_eq!(presence.choose(None).unwrap(), "B");
        events.send(ReaderEvent::ServiceDown).unwrap();
        watched.wait_for(Readers::is_empty).await.unwrap();
        assert!(matches!(presence.card("B", Duration::from_secs(5)).await, Err(StationError::UnknownReader(..))));
    }
}
