//! What intake remembers between groups, so that a tap of a card that was seen before reads nothing about it: cards and
//! their keys, terminals, accounts; and for the sequencer the hashes of leaves.
//!
//! Bounded, and never the last word: a group's transaction asks the log's numbers what has changed since it was last
//! asked ([`Memory::follow_cards`], [`Memory::follow_terminals`]) before it decides anything, so a card that was revoked, by this process or by another,
//! is refused from the next group on. Signatures are checked before, with the keys that are remembered; a group checks
//! them again where these keys have changed meanwhile.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use card_schema::clock::Micros;
use card_schema::ids::{CardId, SHARDS, Shard, TerminalId};
use foldhash::fast::RandomState;
use moka::sync::Cache;

use crate::cards::{self, CardForIntake};
use crate::db::{Db, DbError, Tx};
use crate::domains::points;
use crate::domains::transit::{Fares, import::Recalled};
use crate::evidence::{Hash, LeafRef, Recent};
use crate::ledger::{AccountKey, Book, Needs, Remembered};
use crate::terminals::{self, Terminal};

/// Cards that are remembered, some 60 MB.
const CARDS: u64 = 100_000;
/// Terminals that are remembered.
const TERMINALS: u64 = 10_000;

/// Cards, as far as they are known.
pub(super) type Cards = HashMap<CardId, Arc<CardForIntake>, RandomState>;

/// What a transaction leaves for the next ones.
#[derive(Debug, Default)]
pub(super) struct Learned {
    /// The accounts as they are now.
    pub(super) book: Book,
    /// The leaves that it has left.
    pub(super) leaves: Vec<(LeafRef, Hash)>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Memory {
    cards: Cache<CardId, Arc<CardForIntake>, RandomState>,
    terminals: Cache<TerminalId, Arc<Terminal>, RandomState>,
    accounts: Mutex<Remembered>,
    leaves: Recent,
    programmes: Mutex<(Option<i64>, Arc<points::Programmes>)>,
    fares: Recalled,
    known: Mutex<Known>,
}

/// Up to which change of the office's rows the memory has followed.
#[derive(Debug)]
struct Known {
    shards: Vec<OfShard>,
    terminals: Option<i64>,
    terminal_changes: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct OfShard {
    /// The newest leaf of the shard when it was last asked; nothing before it was asked first.
    leaf: Option<i64>,
    /// How often something was found to have changed.
    changes: u64,
}

impl Memory {
    pub(super) fn new(leaves: Recent) -> Self {
        let known =
            Known { shards: vec![OfShard::default(); usize::from(SHARDS)], terminals: None, terminal_changes: 0 };
        Self {
            cards: Cache::builder().max_capacity(CARDS).build_with_hasher(RandomState::default()),
            terminals: Cache::builder().max_capacity(TERMINALS).build_with_hasher(RandomState::default()),
            accounts: Mutex::default(),
            leaves,
            programmes: Mutex::default(),
            fares: Recalled::default(),
            known: Mutex::new(known),
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Nothing that holds the lock can stop in its middle.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accounts(&self) -> MutexGuard<'_, Remembered> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Follows what has changed of cards up to this transaction, which holds these shards.
    pub(super) async fn follow_cards(&self, tx: &mut Tx, shards: &BTreeSet<Shard>) -> Result<(), DbError> {
        let mut since = Vec::new();
        for shard in shards {
            let now = tx.numbers(*shard).leaf;
            let known = &mut self.known().shards[usize::from(shard.0)];
            match known.leaf {
                Some(leaf) if leaf == now => {}
                Some(leaf) => since.push((*shard, leaf)),
                // Nothing of this shard is remembered yet.
                None => known.leaf = Some(now),
            }
        }
        for card in cards::changed_since(tx.conn(), &since).await? {
            self.known().shards[usize::from(card.shard().0)].changes += 1;
            self.cards.invalidate(&card);
        }
        for (shard, _) in since {
            let now = tx.numbers(shard).leaf;
            self.known().shards[usize::from(shard.0)].leaf = Some(now);
        }
        Ok(())
    }

    /// Follows what has changed of terminals.
    pub(super) async fn follow_terminals(&self, tx: &mut Tx) -> Result<(), DbError> {
        let since = self.known().terminals;
        let changed = terminals::changed_since(tx.conn(), since).await?;
        let mut known = self.known();
        for (terminal, leaf) in changed {
            known.terminal_changes += 1;
            known.terminals = known.terminals.max(Some(leaf));
            self.terminals.invalidate(&terminal);
        }
        Ok(())
    }

    /// These cards as they are in a transaction that has followed them; those that are not ours are missing.
    pub(super) async fn cards_now(&self, tx: &mut Tx, wanted: &BTreeSet<CardId>) -> Result<Cards, DbError> {
        let (mut found, missing) = self.remembered(wanted.iter().copied());
        for (id, card) in cards::load_for_intake(tx.conn(), &missing).await? {
            let card = Arc::new(card);
            self.cards.insert(id, Arc::clone(&card));
            found.insert(id, card);
        }
        Ok(found)
    }

    /// These cards as they were some moments ago at most.
    pub(super) async fn cards(&self, db: &Db, wanted: &[CardId]) -> Result<Cards, DbError> {
        let (mut found, missing) = self.remembered(wanted.iter().copied());
        if missing.is_empty() {
            return Ok(found);
        }
        let before: Vec<OfShard> =
            missing.iter().map(|card| self.known().shards[usize::from(card.shard().0)]).collect();
        let mut loaded = cards::load_for_intake(&mut db.read().await?, &missing).await?;
        let known = self.known();
        for (id, before) in missing.iter().zip(before) {
            let Some(card) = loaded.remove(id).map(Arc::new) else { continue };
            // Remembered only where no change can have slipped in between.
            let now = known.shards[usize::from(id.shard().0)];
            if before.leaf.is_some() && now.changes == before.changes {
                self.cards.insert(*id, Arc::clone(&card));
            }
            found.insert(*id, card);
        }
        Ok(found)
    }

    fn remembered(&self, wanted: impl Iterator<Item = CardId>) -> (Cards, Vec<CardId>) {
        let (mut found, mut missing) = (Cards::default(), Vec::new());
        // What a forged card id names may be no shard at all.
        for id in wanted.filter(|id| id.shard().0 < SHARDS) {
            match self.cards.get(&id) {
                Some(card) => {
                    found.insert(id, card);
                }
                None => missing.push(id),
            }
        }
        (found, missing)
    }

    /// These terminals as they are in a transaction that has followed them.
    pub(super) async fn terminals_now(
        &self,
        tx: &mut Tx,
        wanted: &BTreeSet<TerminalId>,
    ) -> Result<HashMap<TerminalId, Arc<Terminal>, RandomState>, DbError> {
        let mut found: HashMap<_, _, RandomState> =
            wanted.iter().filter_map(|id| Some((*id, self.terminals.get(id)?))).collect();
        let missing: BTreeSet<TerminalId> = wanted.iter().copied().filter(|id| !found.contains_key(id)).collect();
        for (id, terminal) in terminals::load_all(tx.conn(), &missing).await? {
            let terminal = Arc::new(terminal);
            self.terminals.insert(id, Arc::clone(&terminal));
            found.insert(id, terminal);
        }
        Ok(found)
    }

    /// A terminal as it was some moments ago at most.
    pub(super) async fn terminal(&self, db: &Db, id: TerminalId) -> Result<Option<Arc<Terminal>>, DbError> {
        if let Some(terminal) = self.terminals.get(&id) {
            return Ok(Some(terminal));
        }
        let (before, asked) = {
            let known = self.known();
            (known.terminal_changes, known.terminals.is_some())
        };
        let terminal = terminals::store::one(&mut db.read().await?, id).await?;
        let Some(terminal) = terminal.map(Arc::new) else { return Ok(None) };
        let known = self.known();
        if asked && known.terminal_changes == before {
            self.terminals.insert(id, Arc::clone(&terminal));
        }
        drop(known);
        Ok(Some(terminal))
    }

    /// The programmes of points as they are in a transaction.
    pub(super) async fn programmes_now(&self, tx: &mut Tx) -> Result<Arc<points::Programmes>, DbError> {
        let newest = points::store::newest(tx.conn()).await?;
        let known = || self.programmes.lock().unwrap_or_else(PoisonError::into_inner);
        let (leaf, programmes) = known().clone();
        if leaf == newest {
            return Ok(programmes);
        }
        let programmes = Arc::new(points::store::programmes(tx.conn()).await?);
        let mut known = known();
        // Another part may have read a later state meanwhile.
        if known.0 <= newest {
            *known = (newest, Arc::clone(&programmes));
        }
        Ok(programmes)
    }

    /// The fares as they are in a transaction.
    pub(super) async fn fares_now(&self, tx: &mut Tx, now: Micros) -> Result<Arc<Fares>, DbError> {
        self.fares.now(tx.conn(), now).await
    }

    /// The book that deciding on these accounts needs.
    pub(super) async fn book(&self, tx: &mut Tx, accounts: Vec<AccountKey>) -> Result<Book, DbError> {
        // No references: that a tap is new is known by its number in its lane.
        let recalled = self.accounts().recall(tx, Needs::accounts(accounts));
        recalled.load(tx).await
    }

    /// Remembers what a transaction has come to, once it is committed.
    pub(super) fn keep(&self, learned: Learned) {
        self.leaves.keep(learned.leaves);
        self.accounts().keep(&learned.book);
    }
}
