//! The accounts of a book: found by name, changed in place, and what of them is to be written. Decides nothing.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::{Account, AccountKey};

#[derive(Clone, Copy, Debug)]
struct Slot {
    account: Account,
    /// Balance and held amount as loaded; nothing for an account that was opened here.
    loaded: Option<(i64, i64)>,
}

/// Where an account lies.
pub(super) type Place = usize;

#[derive(Clone, Debug, Default)]
pub(super) struct Accounts {
    slots: Vec<Slot>,
    places: HashMap<AccountKey, Place, RandomState>,
    /// In the order in which they were opened.
    opened: Vec<Place>,
}

impl Accounts {
    /// Puts an existing account in.
    pub(super) fn load(&mut self, account: Account) {
        let slot = Slot { account, loaded: Some((account.balance, account.held)) };
        if let Some(place) = self.places.get(&account.key) {
            self.slots[*place] = slot;
        } else {
            self.places.insert(account.key, self.slots.len());
            self.slots.push(slot);
        }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Account> {
        self.slots.iter().map(|slot| &slot.account)
    }

    pub(super) fn get(&self, key: &AccountKey) -> Option<&Account> {
        self.places.get(key).map(|place| &self.slots[*place].account)
    }

    /// An account and where it lies; one that was never used lies nowhere and is empty.
    pub(super) fn find(&self, key: &AccountKey) -> (Option<Place>, Account) {
        match self.places.get(key) {
            Some(place) => (Some(*place), self.slots[*place].account),
            None => (None, Account::unopened(*key)),
        }
    }

    /// Writes an account to its place, or opens it with the number after `last_id`.
    pub(super) fn put(&mut self, place: Option<Place>, account: Account, last_id: &mut i64) {
        if let Some(place) = place {
            self.slots[place].account = account;
            return;
        }
        *last_id += 1;
        let place = self.slots.len();
        self.slots.push(Slot { account: Account { id: *last_id, ..account }, loaded: None });
        self.places.insert(account.key, place);
        self.opened.push(place);
    }

    /// Changes an account that is there.
    pub(super) fn change(&mut self, key: &AccountKey, change: impl FnOnce(&mut Account)) {
        if let Some(place) = self.places.get(key) {
            change(&mut self.slots[*place].account);
        }
    }

    /// In the order in which they were opened.
    pub(super) fn opened(&self) -> impl ExactSizeIterator<Item = &Account> {
        self.opened.iter().map(|place| &self.slots[*place].account)
    }

    /// Takes back the opening of all but the first `keep`; nothing may have been loaded since. The number of those
    /// that are gone.
    pub(super) fn close_after(&mut self, keep: usize) -> i64 {
        let mut closed = 0;
        for place in self.opened.drain(keep..).rev() {
            debug_assert_eq!(place + 1, self.slots.len(), "accounts are closed in the opposite order of their opening");
            self.places.remove(&self.slots[place].account.key);
            self.slots.truncate(place);
            closed += 1;
        }
        closed
    }

    /// Those that were loaded and are not any more as they were, in order of their keys.
    pub(super) fn changed(&self) -> impl Iterator<Item = &Account> {
        let is_changed =
            |slot: &&Slot| slot.loaded.is_some_and(|loaded| loaded != (slot.account.balance, slot.account.held));
        let mut changed: Vec<&Account> = self.slots.iter().filter(is_changed).map(|slot| &slot.account).collect();
        changed.sort_unstable_by_key(|account| account.key);
        changed.into_iter()
    }
}
