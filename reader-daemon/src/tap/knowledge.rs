//! What the terminal knows offline, as one value that is replaced as a whole. Where it comes from is `submit`'s.

use std::sync::{Arc, RwLock};

use card_schema::{
    clock::Micros,
    envelope::{
        fares::FarePack,
        gate::GatePack,
        status_list::{CardStatus, StatusList},
        tap::LogHead,
    },
    ids::CardId,
    wire::terminal::TerminalProfile,
};

const DAY: u64 = 86_400 * Micros::PER_SECOND.unsigned_abs();

/// What is known now.
#[derive(Clone, Debug)]
pub struct Knowledge {
    /// What the terminal may do, and whom it trusts.
    pub profile: Arc<TerminalProfile>,
    /// The status list in force; nothing before the first.
    pub status_list: Option<Arc<StatusList>>,
    /// The fares, as far as a validator has to know them; nothing before the first.
    pub fares: Option<Arc<FarePack>>,
    /// Who may pass here, where this terminal is a gate; nothing before the first.
    pub gate: Option<Arc<GatePack>>,
    /// The newest log head seen.
    pub log_head: Option<LogHead>,
    /// The service has said that it takes no more taps of this terminal.
    pub is_revoked: bool,
    /// Whether the last exchange with the service succeeded; nothing before the first.
    pub online: Option<bool>,
    /// When the service was last reached, by this terminal's clock; nothing where it never was.
    pub synced_at: Option<Micros>,
}

impl Knowledge {
    /// What the list says of a card; valid where there is no list yet.
    pub fn status(&self, card: CardId) -> CardStatus {
        self.status_list.as_ref().map_or(CardStatus::Valid, |list| list.statuses.get(card.status_index()))
    }

    /// Whether the terminal decides about payments by itself: the service cannot be reached.
    pub fn decides_alone(&self) -> bool {
        self.online == Some(false)
    }

    /// Whether nothing may be accepted any more without the service: it was not reached for too long, whichever way the clock was
    /// moved.
    pub fn is_frozen(&self, now: Micros) -> bool {
        let longest = u64::from(self.profile.limits.offline.freeze_days) * DAY;
        self.synced_at.is_none_or(|synced| now.distance(synced) > longest)
    }

    /// Version of the list in force, 0 for none.
    pub fn status_version(&self) -> u64 {
        self.status_list.as_ref().map_or(0, |list| list.version)
    }

    #[cfg(test)]
    pub(crate) fn set_status_for_test(&mut self, index: u32, status: CardStatus) {
        let mut statuses = self.status_list.as_ref().map(|list| list.statuses.clone()).unwrap_or_default();
        statuses.set(index, status);
        let list = StatusList { subject: "test".into(), issued_at_s: 0, time_to_live_s: 0, version: 1, statuses };
        self.status_list = Some(Arc::new(list));
    }
}

/// The one current [`Knowledge`]: readers take a reference, the submitter replaces it.
#[derive(Clone, Debug)]
pub struct Shared(Arc<RwLock<Arc<Knowledge>>>);

impl Shared {
    /// Starts with what the outbox holds.
    pub fn new(known: Knowledge) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(known))))
    }

    /// What is known now. Stays as it is for whoever holds it.
    pub fn now(&self) -> Arc<Knowledge> {
        Arc::clone(&self.0.read().expect("nobody panics while holding this lock"))
    }

    /// Changes what is known.
    pub fn update(&self, change: impl FnOnce(&mut Knowledge)) {
        let mut held = self.0.write().expect("nobody panics while holding this lock");
        let mut next = Knowledge::clone(&held);
        change(&mut next);
        *held = Arc::new(next);
    }
}
