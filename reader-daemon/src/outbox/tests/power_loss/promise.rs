//! What the outbox has promised to people and to the service, and whether a disk that lost power keeps it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use card_schema::{
    card::Slot,
    envelope::{Envelope, tap::Tap},
    ids::TapId,
};
use serde::{Deserialize, Serialize};

use super::{super::terminal, script};
use crate::outbox::{Outbox, Snapshot};

/// A place in a lane's chain.
pub(super) type Place = (u8, u64);

/// Said by the running program between its calls of the outbox.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Mark {
    /// A reader has this lane.
    Lane { reader: String, lane: u8 },
    /// From now on a card may have signed with this number.
    Asked { lane: u8, counter: u64 },
    /// Somebody has heard that the tap is accepted.
    Stored { lane: u8, counter: u64, tap: TapId },
    /// The service's receipt for these taps is held and verified.
    Receipted { taps: Vec<Place> },
    /// This status list is in force.
    InForce { version: u64 },
    /// The card's certificate need not be read again.
    Learnt,
}

/// All that was promised up to some moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Promise {
    lanes: BTreeMap<String, u8>,
    asked: BTreeMap<u8, u64>,
    stored: BTreeMap<Place, TapId>,
    receipted: BTreeSet<Place>,
    version: u64,
    learnt: bool,
}

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// The outbox does not open, or not all of it can be read.
    Unreadable(String),
    /// A tap that was acknowledged, and has no receipt, is gone.
    TapLost(Place),
    /// Nobody can see any more what became of a tap.
    FateLost(Place),
    /// A number that a card may have signed with is given out again.
    NumberTwice(Place),
    /// A reader lost its lane, and with it its chain.
    LaneLost(u8),
    /// A tap does not name the one before it, or there is none.
    NotLinked(Place),
    /// An older status list is in force than before.
    StatusListBack,
    /// A card's key is forgotten.
    CardForgotten,
}

impl Promise {
    /// One more.
    pub(super) fn add(&mut self, mark: &Mark) {
        match mark {
            Mark::Lane { reader, lane } => drop(self.lanes.insert(reader.clone(), *lane)),
            Mark::Asked { lane, counter } => drop(self.asked.insert(*lane, *counter)),
            Mark::Stored { lane, counter, tap } => drop(self.stored.insert((*lane, *counter), *tap)),
            Mark::Receipted { taps } => self.receipted.extend(taps),
            Mark::InForce { version } => self.version = *version,
            Mark::Learnt => self.learnt = true,
        }
    }

    /// Starts the terminal again with what is in this folder, and takes one more tap at each reader.
    pub(super) async fn check(&self, folder: &Path) -> Result<(), Broken> {
        let unreadable = |error: &dyn std::fmt::Display| Broken::Unreadable(error.to_string());
        let outbox = Outbox::open(&folder.join("outbox.db"), terminal()).await.map_err(|error| unreadable(&error))?;
        let outbox = Arc::new(outbox);
        let there = taps(&outbox).await?;
        for (place, tap) in &self.stored {
            match there.get(place) {
                Some((id, _)) if id == tap => {}
                // The receipt took it off the queue, and what became of it was written in the same transaction.
                None if self.receipted.contains(place) => {
                    let fate = outbox.fate(*tap).await.map_err(|error| unreadable(&error))?;
                    if fate.is_none_or(|fate| fate.outcome.is_none()) {
                        return Err(Broken::FateLost(*place));
                    }
                }
                Some(_) | None => return Err(Broken::TapLost(*place)),
            }
        }
        let list = outbox.snapshot(Snapshot::StatusList).await.map_err(|error| unreadable(&error))?;
        let (mut version, body) = list.unwrap_or_default();
        let mut is_whole = body == script::status_list(version);
        for delta in outbox.status_deltas().await.map_err(|error| unreadable(&error))? {
            version += 1;
            is_whole &= delta == script::status_list(version);
        }
        if version < self.version || !is_whole {
            return Err(Broken::StatusListBack);
        }
        let card = outbox.known_card(script::card(), Slot::Tap).await.map_err(|error| unreadable(&error))?;
        if self.learnt && card != Some(script::known_card()) {
            return Err(Broken::CardForgotten);
        }
        let mut terminal = script::Terminal::start(outbox);
        for (reader, number) in &self.lanes {
            let lane = terminal.lane(reader).await.map_err(|error| unreadable(&error))?;
            if lane.number != *number {
                return Err(Broken::LaneLost(*number));
            }
            let next = (lane.number, lane.ready().ok_or_else(|| unreadable(&"no number lies ready"))?);
            if self.asked.get(&next.0).is_some_and(|asked| next.1 <= *asked) {
                return Err(Broken::NumberTwice(next));
            }
            terminal.take(reader).await.map_err(|error| unreadable(&error))?;
        }
        self.chains(&taps(&terminal.outbox).await?)
    }

    /// Each tap that is there names the one before it: one that is there too, or one that the service has.
    fn chains(&self, there: &BTreeMap<Place, (TapId, TapId)>) -> Result<(), Broken> {
        for (place, (_, previous)) in there {
            let before = (place.0, place.1 - 1);
            let expected = match there.get(&before) {
                Some((id, _)) => Some(*id),
                None if before.1 == 0 => Some(TapId::NONE),
                None => self.stored.get(&before).copied(),
            };
            if expected != Some(*previous) {
                return Err(Broken::NotLinked(*place));
            }
        }
        Ok(())
    }
}

/// The taps that wait: the id of each and of the one before it, as signed.
async fn taps(outbox: &Outbox) -> Result<BTreeMap<Place, (TapId, TapId)>, Broken> {
    let pending = outbox.pending(u16::MAX).await.map_err(|error| Broken::Unreadable(error.to_string()))?;
    let read = |tap: &crate::outbox::PendingTap| {
        let envelope = Envelope::<Tap>::decode(&tap.cose).ok()?;
        let signed = &envelope.payload;
        let same = (signed.lane, signed.counter, envelope.digest()) == (tap.lane, tap.counter, tap.tap_id.0);
        same.then_some(((tap.lane, tap.counter), (tap.tap_id, signed.previous)))
    };
    pending.iter().map(|tap| read(tap).ok_or_else(|| Broken::Unreadable("a tap".to_owned()))).collect()
}
